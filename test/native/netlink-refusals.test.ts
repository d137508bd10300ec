import t from 'tap';
import type { RouteSpec } from '../../lib/native/contract.js';
import { loadNative } from '../../lib/native/index.js';
import { inNamespaces } from './in-namespaces.js';

const { netlink } = loadNative();

if (inNamespaces(import.meta.url, ['--net'])) {
  const index = netlink.link.add({ kind: 'veth', name: 'veth0', peer: { name: 'veth1' }, isUp: true });

  t.test("errors carry the kernel's own words, and say what they are about", async (t) => {
    t.throws(() => netlink.route.add({ destination: '10.9.0.0/16', gateway: '203.0.113.1', index }), {
      code: 'ENETUNREACH',
      errno: -101,
      message: /Nexthop has invalid gateway/,
    });
    t.throws(() => netlink.link.set(index, { name: 'a-name-that-is-too-long' }), {
      code: 'ERANGE',
      syscall: 'RTM_NEWLINK',
      path: 'a-name-that-is-too-long',
      message: /Attribute failed policy validation: IFLA_IFNAME at offset 32/,
    });
    t.throws(() => netlink.link.set(4711, { isUp: true }), { code: 'ENODEV', syscall: 'RTM_NEWLINK' });
    t.throws(() => netlink.link.set(index, { alias: 'x'.repeat(70_000) }), { code: 'EMSGSIZE' });
    t.throws(() => netlink.link.set(index, { mac: '02:00:00:00:00' }), { code: 'EINVAL' });
    t.throws(() => netlink.link.set(index, { mac: '0g:00:00:00:00:00' }), { message: /not a hardware address/ });
    t.throws(() => netlink.link.add({ kind: 'bridge', name: 'veth0' }), { code: 'EEXIST', path: 'veth0' });
    t.throws(() => netlink.link.delete(4711), { code: 'ENODEV', syscall: 'RTM_DELLINK' });
    t.throws(() => netlink.address.add({ index: 4711, address: '10.5.0.2/24' }), {
      code: 'ENODEV',
      path: '10.5.0.2/24',
    });
    t.throws(() => netlink.route.list({ index: 4711 }), { code: 'ENODEV', syscall: 'RTM_GETROUTE' });
    for (const address of ['10.5.0.2', '10.5.0.2/33', 'host/24', '10.5.0.2/24/1', '']) {
      t.throws(() => netlink.address.add({ index, address }), { code: 'EINVAL', message: /CIDR/ }, address);
    }
    const wrong: [RouteSpec, RegExp][] = [
      [{ destination: 'default', gateway: 'gateway', index }, /not an IP address/],
      [{ destination: 'fd02::/64', gateway: '10.5.0.1', index }, /families/],
      [{ destination: 'fd02::/64', preferredSource: '10.5.0.1', index }, /families/],
      [{ destination: '10.9.0.0/16', source: 'fd00::/64', index }, /not an IPv6 prefix/],
      [{ destination: '10.9.0.1/16', index }, /Invalid prefix/],
    ];
    for (const [route, message] of wrong) t.throws(() => netlink.route.add(route), { code: 'EINVAL', message });
    t.throws(() => netlink.rule.add({ family: 'inet6', from: '10.0.0.0/8' }), { code: 'EINVAL', path: '10.0.0.0/8' });
    t.throws(() => netlink.neighbour.add({ index, address: 'fd00::' + 'x' }), { code: 'EINVAL', path: 'fd00::x' });
  });

  t.test('wrong arguments never reach the kernel', async (t) => {
    const { link, address, route, rule, neighbour } = netlink;
    const VALUE = 'ERR_INVALID_ARG_VALUE';
    const TYPE = 'ERR_INVALID_ARG_TYPE';
    const onEvents = () => {};
    const wrong: [() => unknown, code: string][] = [
      [() => link.set(0, { isUp: true }), VALUE],
      [() => link.set('1' as never, { isUp: true }), TYPE],
      [() => link.set(1, { isUp: 1 as never }), TYPE],
      [() => link.get(''), VALUE],
      [() => link.get(undefined as never), TYPE],
      [() => link.list({ index: 1 } as never), VALUE],
      [() => link.add({ kind: 'tunnel', name: 'x' } as never), VALUE],
      [() => link.add({ kind: '__proto__', name: 'x' } as never), VALUE],
      [() => link.add({ kind: 'dummy' } as never), TYPE],
      [() => link.add({ kind: 'veth', name: 'x' } as never), TYPE],
      [() => link.add({ kind: 'veth', name: 'x', peer: { name: 'y', isUp: true } } as never), VALUE],
      [() => link.add({ kind: 'vlan', name: 'x', parent: 1, vlanId: 4096 }), VALUE],
      [() => link.add({ kind: 'vlan', name: 'x', parent: 1, vlanId: 1, vlanProtocol: 'toString' as never }), VALUE],
      [() => link.add({ kind: 'bond', name: 'x', mode: 'random' as never }), VALUE],
      [() => address.add({ index: 1, address: 5 as never }), TYPE],
      [() => address.add({ index: 1, address: '10.0.0.1/8', flags: ['nice'] }), VALUE],
      [() => address.add({ index: 1, address: '10.0.0.1/8', scope: 'galaxy' as never }), VALUE],
      [() => route.add({ destination: 'default', gateway: 5 as never, index: 1 }), TYPE],
      [() => route.add({ destination: 'default\0', index: 1 }), VALUE],
      [() => route.add({ destination: 'default', index: 1, table: 2 ** 32 }), VALUE],
      [() => route.add({ destination: 'default', nextHops: {} as never }), TYPE],
      [() => route.add({ destination: 'default', nextHops: [{ index: 1, weight: 257 }] }), VALUE],
      [() => route.add(undefined as never), TYPE],
      [() => route.list({ family: 'inet5' as never }), VALUE],
      [() => rule.add({ priority: 5 } as never), TYPE],
      [() => neighbour.add({ index: 1, address: '10.0.0.1', state: 'tired' as never }), VALUE],
      [() => netlink.monitorUevents({ onUevent: () => {} } as never), TYPE],
      [() => netlink.subscribe({ kinds: [], onEvents, onError: onEvents }), VALUE],
      [() => netlink.subscribe({ kinds: ['routes' as never], onEvents, onError: onEvents }), VALUE],
      [() => netlink.subscribe({ kinds: 'route' as never, onEvents, onError: onEvents }), TYPE],
      [() => netlink.subscribe({ kinds: ['route'], onEvents } as never), TYPE],
      [() => netlink.subscribe({ kinds: ['route'], onEvents, onError: onEvents, bufferBytes: 0 }), VALUE],
    ];
    for (const [call, code] of wrong) t.throws(call, { name: 'TypeError', code }, String(call));
  });
}
