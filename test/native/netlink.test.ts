import { execFileSync } from 'node:child_process';
import { networkInterfaces } from 'node:os';
import t from 'tap';
import type { Link, RouteSpec } from '../../lib/native/contract.js';
import { loadNative } from '../../lib/native/index.js';
import { inNamespaces } from './in-namespaces.js';
import { asIpRoute, type IpRoute } from './ip-route.js';
import { openDescriptors } from './open-descriptors.js';
import { untilUp } from './until-up.js';

const { netlink } = loadNative();

if (inNamespaces(import.meta.url, ['--net'])) {
  const ip = (...words: string[]) => execFileSync('ip', words, { encoding: 'utf8' });
  const ipJson = <Entry>(...words: string[]) => JSON.parse(ip('-j', ...words) || '[]') as Entry[];
  const linkNamed = (name: string): Link => {
    const link = netlink.link.get(name);
    if (!link) throw new Error(`no ${name}`);
    return link;
  };

  t.test('links: listed, changed, made, removed', async (t) => {
    t.match(linkNamed('lo'), { index: 1, type: 772, mac: '00:00:00:00:00:00', mtu: 65536, isUp: false });
    netlink.link.set(1, { isUp: true });
    netlink.link.set(1, { isUp: true });
    t.match(linkNamed('lo'), { isUp: true, hasCarrier: true, flags: ['up', 'loopback', 'running', 'lower_up'] });
    t.match(networkInterfaces().lo, [{ cidr: '127.0.0.1/8' }, { cidr: '::1/128' }], 'the kernel gives it addresses');

    const peer = { name: 'veth1', mac: '02:00:00:00:00:01', mtu: 1400 };
    const index = netlink.link.add({
      kind: 'veth',
      name: 'veth0',
      peer,
      isUp: true,
      mtu: 1300,
      transmitQueueLength: 7,
    });
    t.match(netlink.link.get(index), {
      name: 'veth0',
      type: 1,
      kind: 'veth',
      mac: /^([0-9a-f]{2}:){5}[0-9a-f]{2}$/,
      mtu: 1300,
      isUp: true,
      hasCarrier: false,
      operState: 'lowerlayerdown',
      transmitQueueLength: 7,
      parent: linkNamed('veth1').index,
    });
    t.match(linkNamed('veth1'), { ...peer, isUp: false, parent: index, operState: 'down' });
    netlink.link.set(linkNamed('veth1').index, {
      isUp: true,
      name: 'peer',
      alias: 'zweites Ende, über Kreuz',
      mtu: 1500,
    });
    t.match(linkNamed('peer'), { isUp: true, hasCarrier: true, operState: 'up', alias: 'zweites Ende, über Kreuz' });
    netlink.link.set(linkNamed('peer').index, { name: 'veth1' });

    const bridge = netlink.link.add({ kind: 'bridge', name: 'bridge0', mac: '02:00:00:00:00:0b', spanningTree: true });
    netlink.link.set(index, { master: bridge });
    t.same(
      netlink.link.list({ master: bridge }).map(({ name, master }) => [name, master]),
      [['veth0', bridge]],
    );
    t.same(
      netlink.link.list({ kind: 'bridge' }).map(({ name }) => name),
      ['bridge0'],
    );
    netlink.link.set(index, { master: null });
    t.equal(netlink.link.get(index)?.master, undefined);
    netlink.link.delete(bridge);
    t.equal(netlink.link.get('bridge0'), undefined);
    t.equal(netlink.link.get(4711), undefined);
  });

  t.test('links are those that ip(8) shows', async (t) => {
    interface IpLink {
      ifindex: number;
      ifname: string;
      mtu: number;
      operstate: string;
      txqlen: number;
      address: string;
      broadcast: string;
      flags: string[];
      linkinfo?: { info_kind?: string };
    }
    await untilUp(netlink, ['veth0', 'veth1']);
    const shown = ipJson<IpLink>('-d', 'link').map((link) => ({
      ...{ index: link.ifindex, name: link.ifname, mtu: link.mtu, operState: link.operstate.toLowerCase() },
      ...{ transmitQueueLength: link.txqlen, mac: link.address, broadcast: link.broadcast },
      kind: link.linkinfo?.info_kind,
      flags: link.flags.map((flag) => flag.toLowerCase()).filter((flag) => flag !== 'no-carrier'),
    }));
    const ours = netlink.link.list().map((link) => {
      const { index, name, mtu, operState, transmitQueueLength, mac, broadcast, kind } = link;
      // ip(8) leaves it out, for it follows from others.
      const flags = link.flags.filter((flag) => flag !== 'running');
      return { index, name, mtu, operState, transmitQueueLength, mac, broadcast, kind, flags };
    });
    for (const link of [...shown, ...ours]) link.flags = [...link.flags].sort();
    t.same(ours, shown);
  });

  t.test('addresses', async (t) => {
    const { index } = linkNamed('veth0');
    netlink.address.add({ index, address: '10.5.0.2/24' });
    t.throws(() => netlink.address.add({ index, address: '10.5.0.2/24' }), { code: 'EEXIST', path: '10.5.0.2/24' });
    netlink.address.replace({ index, address: '10.5.0.2/24' });
    netlink.address.add({ index, address: '10.7.0.1/24', protocol: 84 });
    const made = netlink.address.list({ index }).find(({ address }) => address === '10.7.0.1/24');
    t.equal(made?.protocol, 84, 'the kernel remembers who has made it');
    netlink.address.delete({ index, address: '10.7.0.1/24' });
    netlink.address.add({
      index,
      address: '10.6.0.1/32',
      peer: '10.6.0.9',
      validLifetimeSec: 3600,
      label: 'veth0:p2p',
    });
    netlink.address.replace({
      index,
      address: 'fd00::2/64',
      flags: ['nodad'],
      validLifetimeSec: 100,
      preferredLifetimeSec: 50,
    });
    netlink.address.replace({ index, address: 'fd00::2/64', flags: ['nodad', 'noprefixroute'] });
    const listed = netlink.address.list({ index }).filter(({ scope }) => scope === 'global');
    t.match(listed, [
      { family: 'inet', address: '10.5.0.2/24', broadcast: '10.5.0.255', label: 'veth0', flags: ['permanent'] },
      { family: 'inet', address: '10.6.0.1/32', peer: '10.6.0.9', label: 'veth0:p2p', broadcast: undefined },
      { family: 'inet6', address: 'fd00::2/64', flags: ['nodad', 'permanent', 'noprefixroute'] },
    ]);
    t.equal(listed[0]?.validLifetimeSec, undefined, 'for ever');
    t.ok((listed[1]?.validLifetimeSec ?? 0) > 3590);
    t.match(ip('-4', 'address', 'show', 'veth0'), /inet 10\.5\.0\.2\/24 brd 10\.5\.0\.255 scope global veth0/);
    t.match(ip('-4', 'address', 'show', 'veth0'), /inet 10\.6\.0\.1 peer 10\.6\.0\.9\/32/);
    t.ok(netlink.address.list({ family: 'inet6' }).every(({ family }) => family === 'inet6'));
    netlink.address.delete({ index, address: '10.6.0.1/32', peer: '10.6.0.9' });
    netlink.address.delete({ index, address: 'fd00::2/64' });
    t.throws(() => netlink.address.delete({ index, address: 'fd00::2/64' }), { code: 'EADDRNOTAVAIL' });
    netlink.address.add({ index, address: 'fd00::2/64', flags: ['nodad'] });
  });

  t.test('routes', async (t) => {
    const { index } = linkNamed('veth0');
    t.throws(() => netlink.route.add({ destination: 'default', gateway: '10.9.0.1', index }), {
      code: 'ENETUNREACH',
      syscall: 'RTM_NEWROUTE',
      path: 'default',
    });
    netlink.route.replace({ destination: 'default', gateway: '10.5.0.1', index });
    netlink.route.replace({ destination: 'default', gateway: '10.5.0.254', index });
    t.match(netlink.route.list({ family: 'inet', table: 254, protocol: 'static' }), [
      { destination: 'default', gateway: '10.5.0.254', index, protocol: 'static', scope: 'global', type: 'unicast' },
    ]);
    const many: RouteSpec[] = [
      { destination: '10.96.0.0/12', index },
      {
        destination: '10.97.1.1/32',
        index,
        priority: 9,
        tos: 4,
        preferredSource: '10.5.0.2',
        protocol: 'dhcp',
        mtu: 1280,
      },
      { destination: '10.98.0.0/16', type: 'blackhole', table: 1000, priority: 4294967295 },
      { destination: '10.99.0.0/16', gateway: '192.0.2.1', index, flags: ['onlink'], protocol: 77 },
      { destination: '10.100.0.0/16', gateway: 'fd00::9', index },
      {
        destination: '10.101.0.0/16',
        nextHops: [
          { gateway: '10.5.0.7', index },
          { gateway: 'fd00::7', index, weight: 256 },
        ],
      },
      { destination: 'default', gateway: 'fd00::1', index, priority: 7 },
      { destination: 'default', family: 'inet6', index, table: 7 },
      { destination: 'fd01::/64', gateway: 'fd00::1', index, mtu: 1280, priority: 1 },
      {
        destination: 'fd02::/64',
        nextHops: [
          { gateway: 'fd00::3', index },
          { gateway: 'fd00::4', index, weight: 2 },
        ],
      },
      { destination: 'fd03::1/128', type: 'unreachable', family: 'inet6' },
    ];
    for (const route of many) netlink.route.add(route);
    for (const route of many) t.throws(() => netlink.route.add(route), { code: 'EEXIST' }, route.destination);
    t.match(netlink.route.list({ table: 1000 }), [{ type: 'blackhole', table: 1000, priority: 4294967295 }]);
    t.match(netlink.route.list({ protocol: 77 }), [{ gateway: '192.0.2.1', flags: ['onlink'] }]);
    t.match(netlink.route.list({ type: 'blackhole' }), [{ destination: '10.98.0.0/16', index: undefined }]);
    t.same(netlink.route.list({ table: 4711 }), [], 'a table that nobody has made');
    t.match(
      netlink.route.list().find(({ destination }) => destination === '10.101.0.0/16'),
      {
        gateway: undefined,
        nextHops: [
          { gateway: '10.5.0.7', weight: 1 },
          { gateway: 'fd00::7', index, weight: 256 },
        ],
      },
    );
    for (const family of ['inet', 'inet6'] as const) {
      const names = new Map(netlink.link.list().map((link) => [link.index, link.name]));
      const shown = ipJson<IpRoute>(family === 'inet' ? '-4' : '-6', '-d', 'route', 'show', 'table', 'all');
      const ours = netlink.route.list({ family }).map((route) => asIpRoute(route, names));
      t.ok(ours.length > 10 && ours.length === shown.length, `${ours.length} of ${family}`);
      t.same(ours, shown, `${family}: as ip(8) shows them`);
    }
    for (const route of netlink.route.list({ index })) {
      // What was listed can be given back.
      if (route.protocol !== 'kernel') netlink.route.delete(route);
    }
    netlink.route.delete({ destination: '10.98.0.0/16', table: 1000 });
    t.throws(() => netlink.route.delete({ destination: '10.98.0.0/16', table: 1000 }), { code: 'ESRCH' });
    t.same(netlink.route.list({ index, protocol: 'static' }), []);
  });

  t.test('rules', async (t) => {
    netlink.rule.add({ family: 'inet', priority: 100, from: '10.0.0.0/8', fwmark: 0x10, fwmask: 0xf0, table: 1000 });
    netlink.rule.add({ family: 'inet', priority: 101, to: '10.0.0.1/32', inputInterface: 'veth0', action: 'prohibit' });
    netlink.rule.add({
      family: 'inet',
      priority: 50,
      action: 'goto',
      goto: 100,
      isInverted: true,
      from: '10.1.0.0/16',
    });
    netlink.rule.add({ family: 'inet6', priority: 102, table: 254, suppressPrefixLength: 0, protocol: 'static' });
    const added = netlink.rule.list().filter(({ priority }) => priority >= 50 && priority < 200);
    t.match(added, [
      { family: 'inet', priority: 50, action: 'goto', goto: 100, isInverted: true, from: '10.1.0.0/16', table: 0 },
      { family: 'inet', priority: 100, action: 'lookup', table: 1000, from: '10.0.0.0/8', fwmark: 16, fwmask: 240 },
      { family: 'inet', priority: 101, action: 'prohibit', to: '10.0.0.1/32', inputInterface: 'veth0' },
      { family: 'inet6', priority: 102, table: 254, suppressPrefixLength: 0, protocol: 'static', from: undefined },
    ]);
    t.equal(added[3]?.isInverted, false);
    t.match(ip('rule'), /^100:\s+from 10\.0\.0\.0\/8 fwmark 0x10\/0xf0 lookup 1000$/m);
    t.throws(
      () =>
        netlink.rule.add({ family: 'inet6', priority: 102, table: 254, suppressPrefixLength: 0, protocol: 'static' }),
      {
        code: 'EEXIST',
      },
    );
    const { length } = ipJson('rule');
    t.equal(netlink.rule.list({ family: 'inet' }).length, length);
    for (const { family, priority } of added) netlink.rule.delete({ family, priority });
    t.throws(() => netlink.rule.delete({ family: 'inet', priority: 100 }), { code: 'ENOENT', syscall: 'RTM_DELRULE' });
  });

  t.test('neighbours', async (t) => {
    const { index } = linkNamed('veth0');
    netlink.neighbour.add({ index, address: '10.5.0.7', mac: '02:00:00:00:00:07' });
    t.throws(() => netlink.neighbour.add({ index, address: '10.5.0.7', mac: '02:00:00:00:00:07' }), { code: 'EEXIST' });
    netlink.neighbour.replace({ index, address: '10.5.0.7', mac: '02:00:00:00:00:08', state: 'stale' });
    netlink.neighbour.add({ index, address: 'fd00::7', mac: '02:00:00:00:00:07', flags: ['router'] });
    t.match(
      netlink.neighbour.list({ index }).filter(({ state }) => state !== 'noarp'),
      [
        { family: 'inet', address: '10.5.0.7', mac: '02:00:00:00:00:08', state: 'stale', index },
        { family: 'inet6', address: 'fd00::7', mac: '02:00:00:00:00:07', state: 'permanent', flags: ['router'] },
      ],
    );
    t.same(netlink.neighbour.list({ index: 1, family: 'inet' }), []);
    netlink.neighbour.delete({ index, address: '10.5.0.7' });
    netlink.neighbour.delete({ index, address: 'fd00::7' });
    t.equal(
      netlink.neighbour.list({ index }).find(({ address }) => address === 'fd00::7'),
      undefined,
    );
    t.throws(() => netlink.neighbour.delete({ index, address: '10.5.0.77' }), { code: 'ENOENT', path: '10.5.0.77' });
  });

  t.test('many links come in several parts', async (t) => {
    const batch = Array.from({ length: 300 }, (_, n) => `link add many${n} type veth peer name peer${n}`).join('\n');
    execFileSync('ip', ['-batch', '-'], { input: batch });
    const names = new Set(netlink.link.list().map(({ name }) => name));
    for (let n = 0; n < 300; n++) if (!names.has(`many${n}`) || !names.has(`peer${n}`)) t.fail(`many${n} is missing`);
    t.ok(names.size >= 600);
  });

  t.test('no descriptor is left open', async (t) => {
    const subscribe = () => netlink.subscribe({ kinds: ['link'], onEvents: () => {}, onError: () => {} });
    // The first one starts the reactor, whose descriptor stays.
    subscribe().close();
    const before = openDescriptors();
    for (let round = 0; round < 20; round++) {
      netlink.link.list();
      netlink.route.list();
      netlink.link.get('nope');
      subscribe().close();
      t.throws(() => netlink.link.set(4711, { isUp: true }));
      t.throws(() => netlink.route.list({ index: 4711 }));
    }
    t.equal(openDescriptors(), before);
  });
}
