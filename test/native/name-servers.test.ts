import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import t from 'tap';
import type { AdvertisedNameServers } from '../../lib/native/contract.js';
import { loadNative } from '../../lib/native/index.js';
import { inNamespaces } from './in-namespaces.js';
import { untilUp } from './until-up.js';

const { netlink } = loadNative();
const ip = (line: string) => execFileSync('ip', line.split(' '), { encoding: 'utf8' });

if (inNamespaces(import.meta.url, ['--net', '--mount'])) {
  ip('link set lo up');
  ip('link add v0 type veth peer name v1');
  ip('address add fe80::2/64 dev v0 nodad');
  ip('address add fe80::1/64 dev v1 nodad');
  ip('link set v0 up');
  ip('link set v1 up');
  await untilUp(netlink, ['v0', 'v1']);
  const index = netlink.link.get('v0')?.index ?? 0;

  t.test('a router says which name servers there are when it is asked', async (t) => {
    const router = spawn(
      'dnsmasq',
      [
        ...[
          '--keep-in-foreground',
          '--log-facility=-',
          '--conf-file=/dev/null',
          '--user=root',
          '--pid-file=',
          '--port=0',
        ],
        ...['--interface=v1', '--enable-ra', '--dhcp-range=::,constructor:v1,ra-only,64,1h', '--ra-param=v1,10,1800'],
        '--dhcp-option=option6:dns-server,[2001:db8::53],[2001:db8::54]',
      ],
      { stdio: ['ignore', 'inherit', 'inherit'] },
    );
    const ended = once(router, 'exit');
    t.teardown(async () => {
      router.kill();
      await ended;
    });
    ip('address add 2001:db8::1/64 dev v1 nodad');
    const heard: AdvertisedNameServers[] = [];
    let wake = () => {};
    const monitor = netlink.monitorNameServers({
      onNameServers: (advertised, hasLost) => {
        t.notOk(hasLost);
        heard.push(...advertised);
        wake();
      },
      onError: (error) => t.fail(error.message),
    });
    t.teardown(() => monitor.close());
    const next = async () => {
      while (heard.length === 0) await new Promise<void>((resolve) => (wake = resolve));
      return heard.splice(0).at(-1);
    };
    await next();
    netlink.solicitRouters(index);
    t.match(await next(), {
      ...{ index, router: /^fe80::/, servers: ['2001:db8::53', '2001:db8::54'] },
      lifetimeSeconds: Number,
    });
    monitor.close();
    monitor.close();
  });

  t.test('what cannot be', async (t) => {
    t.throws(() => netlink.solicitRouters(4711), { code: 'ENETUNREACH', syscall: 'sendto' });
    t.throws(() => netlink.solicitRouters(0), { code: 'ERR_INVALID_ARG_VALUE' });
    t.throws(() => netlink.monitorNameServers({} as never), { code: 'ERR_INVALID_ARG_TYPE' });
    ip('link set v0 down');
    t.throws(() => netlink.solicitRouters(index), { code: /ENETUNREACH|EADDRNOTAVAIL|ENETDOWN/ });
  });
}
