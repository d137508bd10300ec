// The whole of it in a network of its own: real interfaces, somebody else who changes them, and a config that changes.
import { readFileSync } from 'node:fs';
import t from 'tap';
import type { InterfaceWish } from '../../../lib/config/network-document.js';
import { CLIENT_MAC, DhcpLink, ip } from '../../helpers/dhcp/link.js';
import { addresses, Managed, routes } from '../../helpers/managed-network.js';
import { inNamespaces } from '../../native/in-namespaces.js';

const OFFER = { yourAddress: '10.5.0.100', prefixLength: 24, routers: ['10.5.0.1'], leaseSeconds: 100 };

const route = (destination: string, gateway?: string, metric = 0) => ({
  family: 'inet' as const,
  destination,
  ...(gateway !== undefined && { gateway }),
  metric,
});

if (inNamespaces(import.meta.url, ['--net', '--mount'])) {
  ip('link set lo up');

  t.test('an interface becomes what is wanted, and stays so', async (t) => {
    ip('link add a0 address 02:00:00:00:00:0a type veth peer name a1');
    ip('link set a1 up');
    t.teardown(() => ip('link del a0'));
    const wish: InterfaceWish = {
      selector: { hardwareAddr: '02:00:00:*:0a' },
      isIgnored: false,
      addresses: ['192.0.2.2/24', '2001:db8::2/64'],
      routes: [route('default', '192.0.2.1'), route('198.51.100.0/24', '192.0.2.9', 50)],
      mtu: 1400,
    };
    const managed = new Managed(t, [wish]);
    await managed.until('a report of both', () => managed.reports.at(-1)?.otherAddresses.length === 2);
    t.same(managed.reports.at(-1), {
      ...{ link: 'a0', address: '', dnsServers: [], ntpServers: [], domain: '', searchDomains: [], hostname: '' },
      ...{ carrier: true, otherAddresses: ['192.0.2.2/24', '2001:db8::2/64'], dhcp: false },
    });
    const wanted = [
      '192.0.2.0/24',
      '198.51.100.0/24 via 192.0.2.9 proto 84 metric 50',
      'default via 192.0.2.1 proto 84',
    ];
    t.same(routes('a0'), wanted);
    t.match(ip('link show a0'), /mtu 1400 .*state UP/);

    await t.test('what somebody removes comes back', async (t) => {
      let mark = managed.lines.length;
      ip('address del 192.0.2.2/24 dev a0');
      await managed.says(/a0: address 192\.0\.2\.2\/24$/, mark);
      await managed.says(/a0: route default by 192\.0\.2\.1$/, mark);
      mark = managed.lines.length;
      ip('route del 198.51.100.0/24');
      await managed.says(/a0: route 198\.51\.100\.0\/24 by 192\.0\.2\.9 metric 50$/, mark);
      t.same(routes('a0'), wanted);
      mark = managed.lines.length;
      ip('link set a0 down');
      await managed.says(/a0: up$/, mark);
      await managed.says(/a0: route default by 192\.0\.2\.1$/, mark);
      await managed.says(/a0: address 2001:db8::2\/64$/, mark);
      t.same(routes('a0'), wanted);
      t.match(addresses('a0'), ['192.0.2.2/24', '2001:db8::2/64']);
    });

    await t.test('what is not ours is left alone', async (t) => {
      ip('address add 192.0.2.77/24 dev a0');
      ip('route add 203.0.113.0/24 via 192.0.2.3');
      const mark = managed.lines.length;
      managed.set([{ ...wish, routes: [route('default', '192.0.2.8')] }]);
      await managed.says(/a0: route default by 192\.0\.2\.8$/, mark);
      t.same(routes('a0'), ['192.0.2.0/24', '203.0.113.0/24 via 192.0.2.3', 'default via 192.0.2.8 proto 84']);
      t.same(addresses('a0').sort(), ['192.0.2.2/24', '192.0.2.77/24', '2001:db8::2/64']);
      ip('address del 192.0.2.77/24 dev a0');
    });

    await t.test('a manager that is started again knows its own', async (t) => {
      managed.manager.stop({ release: false });
      const next = new Managed(t, [{ ...wish, addresses: ['192.0.2.3/24'], routes: [], mtu: 1300 }]);
      await next.says(/a0: address 192\.0\.2\.3\/24$/, 0);
      await next.until('a report', () => next.reports.length > 0);
      t.same(addresses('a0'), ['192.0.2.3/24']);
      t.same(routes('a0'), ['192.0.2.0/24'], 'the route of somebody else went with the address that it needs');
      next.set([]);
      await next.until('the last report', () => next.reports.at(-1)?.carrier === false);
      t.same(addresses('a0'), []);
      t.match(ip('link show a0'), /mtu 1400/, 'what it had before');
    });
  });

  t.test('an interface that comes later, and one that is ignored', async (t) => {
    const managed = new Managed(t, [
      { selector: { name: 'late0' }, isIgnored: false, addresses: ['192.0.2.2/24'], routes: [] },
      { selector: { name: 'off0' }, isIgnored: true, addresses: ['192.0.2.9/24'], routes: [] },
    ]);
    await managed.says(/^there is no interface late0 yet$/, 0);
    ip('link add off0 type veth peer name off1');
    ip('link add late0 type veth peer name late1');
    await managed.says(/late0: address/, 0);
    t.same(addresses('late0'), ['192.0.2.2/24']);
    t.same(addresses('off0'), []);
    t.equal(managed.lines.filter((line) => /off0:/.test(line)).length, 0);
    await managed.until('that it has no carrier', () => managed.reports.at(-1)?.carrier === false);
    ip('link set late1 up');
    await managed.until('that it has one', () => managed.reports.at(-1)?.carrier === true);
    ip('link del late0');
    ip('link del off0');
  });

  t.test('what the kernel command line says is kept, without being made twice', async (t) => {
    ip('link add k0 type veth peer name k1');
    ip('link set k1 up');
    t.teardown(() => ip('link del k0'));
    // As PID 1 has done it.
    ip('link set k0 up');
    ip('address add 192.0.2.2/24 dev k0');
    ip('route add default via 192.0.2.1');
    const managed = new Managed(
      t,
      [{ selector: { name: 'k0' }, isIgnored: false, addresses: [], routes: [], dhcp: { isHostnameIgnored: false } }],
      '192.0.2.2::192.0.2.1:24:node-1:k0:off',
    );
    await managed.until('a report', () => managed.reports.length > 0);
    t.same(managed.lines, ['keeping k0', 'k0: no DHCP, since the kernel command line has ip=, which is stronger']);
    ip('address del 192.0.2.2/24 dev k0');
    await managed.says(/k0: route default by 192\.0\.2\.1$/, 0);
    t.same(routes('k0'), ['192.0.2.0/24', 'default via 192.0.2.1 proto 84']);
  });

  t.test('a gateway that is not reachable is tried again, and said once', async (t) => {
    ip('link add g0 type veth peer name g1');
    ip('link set g1 up');
    t.teardown(() => ip('link del g0'));
    const wish: InterfaceWish = {
      ...{ selector: { name: 'g0' }, isIgnored: false, addresses: ['192.0.2.2/24'] },
      routes: [route('default', '203.0.113.1')],
    };
    const managed = new Managed(t, [wish]);
    await managed.says(/g0: route default by 203\.0\.113\.1 failed: .*ENETUNREACH/, 0);
    ip('address add 203.0.113.2/24 dev g0');
    await managed.says(/g0: route default by 203\.0\.113\.1$/, 0);
    t.equal(managed.lines.filter((line) => /failed/.test(line)).length, 1);
  });

  t.test('DHCP begins and ends with the config', async (t) => {
    await using link = await DhcpLink.create();
    link.behave('answer', OFFER);
    const wish: InterfaceWish = { selector: { name: 'veth0' }, isIgnored: false, addresses: [], routes: [] };
    const managed = new Managed(t, [wish], undefined, 'node-1');
    await managed.until('a report', () => managed.reports.at(-1)?.carrier === true);
    managed.set([{ ...wish, dhcp: { metric: 77, isHostnameIgnored: false } }]);
    await managed.until('a lease', () => managed.reports.at(-1)?.address !== '');
    t.match(routes('veth0'), [/^10\.5\.0\.0\/24/, /^default via 10\.5\.0\.1 proto dhcp .*metric 77/]);
    const mark = managed.lines.length;
    managed.set([{ ...wish, addresses: ['10.5.0.99/24'] }]);
    await link.next('release');
    await managed.says(/veth0: address 10\.5\.0\.99\/24$/, mark);
    t.same(addresses('veth0'), ['10.5.0.99/24']);
    t.same(routes('veth0'), ['10.5.0.0/24']);
  });

  t.test('a leased address is that of the interface under whatever name it has', async (t) => {
    await using link = await DhcpLink.create();
    link.behave('answer', OFFER);
    const managed = new Managed(t, [
      {
        ...{ selector: { hardwareAddr: CLIENT_MAC }, isIgnored: false, addresses: [], routes: [] },
        dhcp: { isHostnameIgnored: false },
      },
    ]);
    await managed.until('a lease', () => managed.reports.at(-1)?.address === '10.5.0.100/24');
    const before = managed.reports.length;
    ip('link set veth0 down');
    ip('link set veth0 name lan0');
    await managed.until('the last word on both names', () => {
      const [lan, veth] = ['lan0', 'veth0'].map((name) => managed.reports.findLast(({ link }) => link === name));
      return lan?.carrier === true && lan.address !== '' && veth?.dhcp === false;
    });
    const [gone, ...others] = managed.reports.slice(before).filter((report) => report.link === 'veth0' && !report.dhcp);
    t.match(gone, { address: '', carrier: false }, 'the old name is taken back');
    t.same(others, [], 'once');
    t.same(addresses('lan0'), ['10.5.0.100/24']);
  });

  t.test('an address that is not wanted any more takes no other one of its network with it', async (t) => {
    await using link = await DhcpLink.create();
    link.behave('answer', OFFER);
    const wish: InterfaceWish = {
      ...{ selector: { name: 'veth0' }, isIgnored: false, addresses: ['10.5.0.99/24'] },
      routes: [],
      dhcp: { isHostnameIgnored: false },
    };
    const managed = new Managed(t, [wish], undefined, 'node-1', '/proc/sys');
    await managed.until('a lease', () => managed.reports.at(-1)?.address === '10.5.0.100/24');
    ip('address add 10.5.0.77/24 dev veth0');
    const before = routes('veth0');
    t.same(addresses('veth0'), ['10.5.0.99/24', '10.5.0.100/24', '10.5.0.77/24'], 'that of the config came first');
    const mark = managed.lines.length;
    managed.set([{ ...wish, addresses: [] }]);
    await managed.says(/veth0: without address 10\.5\.0\.99\/24$/, mark);
    t.same(addresses('veth0'), ['10.5.0.100/24', '10.5.0.77/24'], 'the leased one, and what somebody has added');
    t.same(routes('veth0').slice(1), before.slice(1), 'the default route of the lease');
    t.equal(readFileSync('/proc/sys/net/ipv6/conf/veth0/accept_ra', 'latin1'), '2\n');
  });
}
