/** A node whose address is on its command line, and which gets a second card: the network follows the config, without a reboot. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { parseDocument } from 'yaml';
import { readConfigDisk } from '../helpers/credentials.js';
import { seconds } from '../helpers/deadline.js';
import { TestNode } from '../helpers/node.js';

t.setTimeout(seconds(240));

const MAC = '52:54:00:00:0a:01';

t.test('a second card', async (t) => {
  const node = await TestNode.create({ name: 'network', layer: 'test' });
  t.teardown(() => node[Symbol.asyncDispose]());
  const { home } = node;
  const original = await readConfigDisk(node.state.configDisk);
  const log = home.stream('logs', 'networkd', '-f');
  t.teardown(() => log.stop());
  const says = (pattern: RegExp, after = 0) =>
    log.until(seconds(60), String(pattern), (lines) => lines.slice(after).some(({ text }) => pattern.test(text)));
  const apply = async (network: object, ...flags: string[]) => {
    const document = parseDocument(original);
    document.setIn(['machine', 'network'], document.createNode(network));
    const file = join(home.folder, 'network.yaml');
    await writeFile(file, document.toString());
    return (await home.succeed(['apply-config', '-f', file, ...flags])).stdout;
  };
  const entry = { deviceSelector: { hardwareAddr: MAC } };
  const read = async (file: string) => (await home.succeed(['read', file])).stdout;

  await t.test('networkd comes behind the API, and leaves what PID 1 has set', async (t) => {
    await says(/keeping eth0$/);
    const wrote = (lines: { text: string }[]) => lines.filter(({ text }) => /wrote .*hosts/.test(text)).length;
    await log.until(seconds(60), 'the names with the address', (lines) => wrote(lines) >= 2);
    t.match(await read('/run/networkd/hosts'), /^10\.0\.2\.15 network-controlplane-1$/m);
    t.match((await home.succeed(['ls', '-l', '/etc'])).stdout, /resolv\.conf -> \.\.\/run\/networkd\/resolv\.conf/);
    t.notMatch(log.lines.map(({ text }) => text).join('\n'), /eth0: (address|route|up)/, 'nothing was done twice');
  });

  await t.test('a config that speaks of it before it is there', async (t) => {
    const network = {
      hostname: 'network-node',
      nameservers: ['10.9.0.3'],
      searchDomains: ['example.org'],
      extraHostEntries: [{ ip: '192.0.2.7', aliases: ['registry.example.org'] }],
      interfaces: [
        {
          ...entry,
          addresses: ['10.9.0.77/24', 'fd00:9::77/64'],
          mtu: 1400,
          routes: [{ network: '198.51.100.0/24', gateway: '10.9.0.2' }],
        },
      ],
    };
    t.equal(await apply(network), 'applied without a reboot\n');
    await says(/there is no interface with .*52:54:00:00:0a:01/);
    t.match(await read('/run/networkd/resolv.conf'), /^nameserver 10\.9\.0\.3\nsearch example\.org$/m);
    t.match(await read('/run/networkd/hosts'), /^10\.0\.2\.15 network-node$/m);
    t.match(await read('/run/networkd/hosts'), /^192\.0\.2\.7 registry\.example\.org$/m);
    const mark = node.consoleMark;
    const qmp = await node.qmp();
    t.teardown(() => qmp.close());
    await qmp.execute('netdev_add', { type: 'user', id: 'net1', net: '10.9.0.0/24', restrict: true });
    await qmp.execute('device_add', {
      driver: 'virtio-net-pci',
      id: 'card1',
      netdev: 'net1',
      mac: MAC,
      bus: 'hotplug0',
    });
    await node.waitForConsole(/network: eth1 has 10\.9\.0\.77\/24, fd00:9::77\/64/, { after: mark });
    await says(/eth1: route 198\.51\.100\.0\/24 by 10\.9\.0\.2$/);
    t.match(
      (await home.succeed(['service', 'networkd'])).stdout,
      /eth0 has [\d.]+\/24; eth1 has 10\.9\.0\.77\/24, fd00:9::77\/64/,
    );
  });

  await t.test('interfaces and routes', async (t) => {
    t.match(
      (await home.succeed(['interfaces'])).stdout,
      /^eth1 +up +52:54:00:00:0a:01 +1400 .*10\.9\.0\.77\/24 \(config\)/m,
    );
    const { stdout } = await home.succeed(['routes']);
    t.match(stdout, /^default +10\.0\.2\.2 +eth0 +- +0 +static$/m);
    t.match(stdout, /^198\.51\.100\.0\/24 +10\.9\.0\.2 +eth1 +- +0 +config$/m);
  });

  await t.test('DHCP instead, for a try, and back', async (t) => {
    const mark = node.consoleMark;
    const network = { interfaces: [{ ...entry, dhcp: true }] };
    t.match(await apply(network, '-m', 'try', '--timeout', '10s'), /applied for a try/);
    await node.waitForConsole(/network: eth1 has 10\.9\.0\.15\/24 by DHCP/, { after: mark });
    await node.waitForConsole(/the machine config that was tried is taken back/, { after: mark });
    const taken = node.consoleMark;
    await says(/eth1: giving 10\.9\.0\.15 back/);
    await node.waitForConsole(/network: eth1 has 10\.9\.0\.77\/24/, { after: mark });
    t.ok(taken > mark);
    t.equal((await home.osctl(['version'])).code, 0);
  });
});
