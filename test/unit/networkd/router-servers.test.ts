// Name servers from a real router (dnsmasq) in a namespace of its own, heard by networkd's manager on the other end of a veth pair.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import t, { type Test } from 'tap';
import { within } from '../../helpers/deadline.js';
import { ip } from '../../helpers/dhcp/link.js';
import { Managed } from '../../helpers/managed-network.js';
import { inNamespaces } from '../../native/in-namespaces.js';

const DEADLINE_MS = 20_000;

/** dnsmasq as a router that advertises name servers, until the test ends. It has the interface v1, and the address 2001:db8::1. */
async function startRouter(t: Test, servers: string): Promise<{ stop(): Promise<void> }> {
  const script = `echo ready; read line
    ip link set lo up && ip address add 2001:db8::1/64 dev v1 nodad && ip link set v1 up &&
    exec dnsmasq --keep-in-foreground --log-facility=- --conf-file=/dev/null --user=root --pid-file= --port=0 \\
      --interface=v1 --enable-ra --dhcp-range=2001:db8::,ra-only,64,1h --ra-param=v1,10,1800 \\
      --dhcp-option=option6:dns-server,${servers}`;
  const router = spawn('unshare', ['--net', 'sh', '-c', script], { stdio: ['pipe', 'pipe', 'inherit'] });
  const ended = once(router, 'exit');
  const stop = async () => {
    router.kill();
    await ended;
  };
  t.teardown(stop);
  const lines = createInterface({ input: router.stdout });
  await within(DEADLINE_MS, 'the router', once(lines, 'line'));
  ip('link add v0 type veth peer name v1');
  ip(`link set v1 netns ${router.pid}`);
  router.stdin.end('go\n');
  return { stop };
}

if (inNamespaces(import.meta.url, ['--net', '--mount'])) {
  ip('link set lo up');
  const wish = { selector: { name: 'v0' }, isIgnored: false, addresses: [], routes: [] };

  t.test('name servers of a router are heard, and reported with their interface', async (t) => {
    const router = await startRouter(t, '[2001:db8::53],[fe80::53],[ff02::53],[::1]');
    const managed = new Managed(t, [wish]);
    await managed.until('name servers', () => managed.manager.advertisedServers.length > 0);
    t.same(managed.manager.advertisedServers, ['2001:db8::53', 'fe80::53%v0']);
    await managed.until('a report', () => managed.reports.at(-1)?.dnsServers.length === 1);
    t.same(managed.reports.at(-1)?.dnsServers, ['2001:db8::53'], 'the others mean nothing elsewhere');

    await t.test('a manager that comes later asks for them', async (t) => {
      const later = new Managed(t, [wish]);
      await later.until('name servers', () => later.manager.advertisedServers.length > 0);
      t.same(later.manager.advertisedServers, ['2001:db8::53', 'fe80::53%v0']);
      later.set([{ ...wish, isIgnored: true }]);
      await later.until('no name servers', () => later.manager.advertisedServers.length === 0);
      t.pass('nothing is known of an interface that is not kept');
    });
    await router.stop();
  });
}
