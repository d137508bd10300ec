/** Interfaces and routes as the API shows them, of a network of its own. */
import { execFileSync } from 'node:child_process';
import t from 'tap';
import { osd } from '../../../../lib/gen/machine/machine.js';
import { NetworkServiceDefinition as api } from '../../../../lib/gen/machine/service.js';
import { networkQueries } from '../../../../lib/machined/queries/network.js';
import type { QuerySources } from '../../../../lib/machined/queries/sources.js';
import { loadNative } from '../../../../lib/native/index.js';
import { CONFIG_PROTOCOL } from '../../../../lib/os/route-origin.js';
import { inNamespaces } from '../../../native/in-namespaces.js';

const ip = (line: string) => execFileSync('ip', line.split(' '));

if (inNamespaces(import.meta.url, ['--net'])) {
  const native = loadNative();
  const queries: Record<string, (request: Uint8Array, context: never) => Promise<Uint8Array>> = networkQueries({
    native,
  } as QuerySources);
  const ask = (path: string, request: Uint8Array = new Uint8Array()) =>
    queries[path]?.(request, undefined as never) ?? Promise.reject(new Error(path));
  for (const line of [
    'link set lo up',
    'link add a0 address 02:00:00:00:00:0a type veth peer name a1',
    'link add br0 type bridge',
    'link set a1 master br0',
    'link set a0 mtu 1400 up',
    'address add 192.0.2.2/24 dev a0 valid_lft 100 preferred_lft 100',
  ]) {
    ip(line);
  }
  const index = native.netlink.link.get('a0')?.index ?? 0;
  native.netlink.address.add({ index, address: '192.0.2.3/24', protocol: CONFIG_PROTOCOL });
  native.netlink.route.add({
    destination: '198.51.100.0/24',
    index,
    protocol: CONFIG_PROTOCOL,
    priority: 7,
    mtu: 1300,
  });
  ip('route add 203.0.113.0/24 proto dhcp nexthop via 192.0.2.8 weight 1 nexthop via 192.0.2.9 weight 2');
  ip('-6 route add default dev a0 metric 99');

  t.test('interfaces', async (t) => {
    const { interfaces } = osd.Interfaces.decode(await ask(api.Interfaces.path));
    t.match(
      interfaces.find(({ name }) => name === 'a0'),
      { kind: 'veth', hardwareAddress: '02:00:00:00:00:0a', mtu: 1400, up: true, carrier: false, master: '' },
    );
    t.match(
      interfaces.find(({ name }) => name === 'a1'),
      { up: false, master: 'br0', addresses: [] },
    );
    const addresses = interfaces.find(({ name }) => name === 'a0')?.addresses ?? [];
    t.match(
      addresses.filter(({ scope }) => scope === 'global'),
      [
        { address: '192.0.2.2/24', source: 'dhcp', flags: [] },
        { address: '192.0.2.3/24', source: 'config', validSeconds: 0, flags: ['secondary'] },
      ],
    );
    const seconds = addresses[0]?.validSeconds ?? 0;
    t.ok(seconds > 50 && seconds <= 100, String(seconds));
    t.match(interfaces.find(({ name }) => name === 'lo')?.addresses, [
      { address: '127.0.0.1/8', scope: 'host' },
      { address: '::1/128', source: 'kernel' },
    ]);
  });

  t.test('routes', async (t) => {
    const { routes } = osd.Routes.decode(await ask(api.Routes.path));
    const to = (destination: string) => routes.find((route) => route.destination === destination);
    t.match(to('198.51.100.0/24'), { interface: 'a0', protocol: 'config', metric: 7, mtu: 1300, table: 254 });
    t.match(to('192.0.2.0/24'), { interface: 'a0', protocol: 'kernel', source: '192.0.2.2', type: 'unicast' });
    t.match(to('203.0.113.0/24'), {
      protocol: 'dhcp',
      interface: '',
      nextHops: [
        { gateway: '192.0.2.8', interface: 'a0' },
        { gateway: '192.0.2.9', interface: 'a0' },
      ],
    });
    t.match(to('::/0'), { interface: 'a0', metric: 99 }, 'told apart from that of IPv4');
    t.notOk(to('127.0.0.1/32'));
    const all = osd.Routes.decode(await ask(api.Routes.path, osd.RoutesRequest.encode({ all: true }).finish())).routes;
    t.match(
      all.find(({ destination }) => destination === '127.0.0.1/32'),
      { type: 'local', table: 255 },
    );
  });
}
