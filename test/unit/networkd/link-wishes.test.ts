import t from 'tap';
import { type InterfaceWish, NO_NETWORK, waitingNetwork } from '../../../lib/config/network-document.js';
import type { Link } from '../../../lib/native/contract.js';
import type { LinkDevice, LinkFacts } from '../../../lib/networkd/link-facts.js';
import { isSelected } from '../../../lib/networkd/link-selector.js';
import { wantedNetwork } from '../../../lib/networkd/link-wishes.js';
import { parseIpParameter } from '../../../lib/os/ip-parameter.js';

const link = (index: number, name: string, device?: LinkDevice, type = 1): LinkFacts => ({
  link: { index, name, type, mac: `52:54:00:00:00:0${index}`, alternativeNames: [] } as unknown as Link,
  device,
  isFirstChoice: name === 'eth0',
});
const virtio = (busPath: string): LinkDevice => ({ busPath, pciId: '1af4:1041', driver: 'virtio_net' });
const facts = [
  link(1, 'lo', undefined, 772),
  link(2, 'eth0', virtio('0000:00:03.0')),
  link(3, 'eth1', virtio('0000:00:04.0')),
  link(4, 'dummy0'),
];
const wish = (selector: InterfaceWish['selector'], more: Partial<InterfaceWish> = {}): InterfaceWish => ({
  selector,
  isIgnored: false,
  addresses: [],
  routes: [],
  ...more,
});
const dhcp = { isHostnameIgnored: false };
const wanted = (interfaces: InterfaceWish[], ip?: string, hostname = '') =>
  wantedNetwork({ ...NO_NETWORK, hostname, interfaces }, ip === undefined ? undefined : parseIpParameter(ip), facts);

t.test('interfaces are selected by all that is said', async (t) => {
  const names = (selector: InterfaceWish['selector']) =>
    facts.filter((fact) => isSelected(selector, fact)).map((fact) => fact.link.name);
  t.same(names({ name: 'eth1' }), ['eth1']);
  t.same(names({ hardwareAddr: '52:54:00:00:00:03' }), ['eth1']);
  t.same(names({ hardwareAddr: '52:54:*' }), ['lo', 'eth0', 'eth1', 'dummy0']);
  t.same(names({ hardwareAddr: '52:*:03' }), ['eth1']);
  t.same(names({ hardwareAddr: '52:*00:00:00*' }), ['lo', 'eth0', 'eth1', 'dummy0']);
  t.same(names({ hardwareAddr: '52:54:00:00:00:*0:02' }), [], 'parts do not overlap');
  t.same(names({ driver: 'virtio*' }), ['eth0', 'eth1']);
  t.same(names({ driver: 'virtio*', busPath: '*04.0' }), ['eth1']);
  t.same(names({ pciId: '8086:*' }), []);
  t.same(names({ isPhysical: false }), ['lo', 'dummy0']);
  t.same(names({ isPhysical: true, name: 'dummy0' }), []);
});

t.test('what is said of one interface in several places is put together', async (t) => {
  const route = { family: 'inet' as const, destination: 'default', gateway: '192.0.2.1', metric: 0 };
  const { links, problems } = wanted([
    wish({ name: 'eth0' }, { addresses: ['192.0.2.2/24'], routes: [route] }),
    wish({ driver: 'virtio_net' }, { mtu: 1400, addresses: ['192.0.2.2/24', '192.0.2.3/24'] }),
    wish({ name: 'eth1' }, { routes: [{ ...route, gateway: '192.0.2.9' }], mtu: 9000 }),
    wish({ name: 'lo' }, { addresses: ['192.0.2.4/32'] }),
    wish({ name: 'eth9' }),
  ]);
  t.same(links, [
    { index: 1, name: 'lo', addresses: ['192.0.2.4/32'], routes: [] },
    { index: 2, name: 'eth0', addresses: ['192.0.2.2/24', '192.0.2.3/24'], routes: [route], mtu: 1400 },
    { index: 3, name: 'eth1', addresses: ['192.0.2.2/24', '192.0.2.3/24'], routes: [], mtu: 9000 },
  ]);
  t.same(problems, ['eth1: there is a route to default with metric 0 already', 'there is no interface eth9 yet']);
  const off = wanted([wish({ driver: '*' }, { dhcp }), wish({ name: 'eth0' }, { isIgnored: true })]);
  t.same([[...off.ignored], off.links.map(({ name }) => name)], [[2], ['eth1', 'dummy0']]);
});

t.test('DHCP: each further interface is a little farther away', async (t) => {
  const { links } = wanted([wish({ isPhysical: true }, { dhcp })], undefined, 'node-1');
  t.match(links, [
    { name: 'eth0', dhcp: { metric: 1024, hostname: 'node-1' } },
    { name: 'eth1', dhcp: { metric: 1025 } },
  ]);
  t.match(wanted([wish({ name: 'eth1' }, { dhcp: { ...dhcp, metric: 7 } })]).links, [{ dhcp: { metric: 7 } }]);
});

t.test('where nobody says anything about interfaces every card asks for an address', async (t) => {
  const { links, problems } = wanted([], undefined, 'node-1');
  t.match(links, [
    { name: 'eth0', addresses: [], routes: [], dhcp: { metric: 1024, hostname: 'node-1' } },
    { name: 'eth1', dhcp: { metric: 1025 } },
  ]);
  t.equal(links.length, 2, 'neither the loopback nor what is made by others');
  t.same(problems, []);
  const waiting = wantedNetwork(waitingNetwork(undefined), undefined, facts);
  const without = wantedNetwork(NO_NETWORK, undefined, facts);
  t.same(without, waiting, 'as while it waits for its config, so that no address is given back');
  t.same(wanted([], 'off').links, []);
  t.match(wanted([], 'dhcp').links, [{ name: 'eth0' }]);
  t.equal(wanted([], 'dhcp').links.length, 1);
  t.match(wanted([wish({ name: 'eth1' }, { isIgnored: true })]).links, []);
  t.match(wanted([wish({ name: 'eth1' }, { addresses: ['192.0.2.2/24'] })]).links, [{ name: 'eth1' }]);
});

t.test('the kernel command line', async (t) => {
  const fixed = wanted(
    [wish({ name: 'eth0' }, { dhcp, addresses: ['192.0.2.3/24'] }), wish({ name: 'eth1' }, { dhcp })],
    '192.0.2.2::192.0.2.1:24:::off',
  );
  t.match(fixed.links, [
    { name: 'eth0', addresses: ['192.0.2.2/24', '192.0.2.3/24'], routes: [{ gateway: '192.0.2.1' }] },
    { name: 'eth1', dhcp: { metric: 1024 } },
  ]);
  t.notOk(fixed.links[0]?.dhcp);
  t.match(fixed.problems, [/^eth0: no DHCP, since the kernel command line/]);
  t.same(wanted([], '192.0.2.2:::24::eth1:off').links, [
    { index: 3, name: 'eth1', addresses: ['192.0.2.2/24'], routes: [] },
  ]);
  const off = wanted([wish({ name: 'eth0' }, { dhcp, addresses: ['192.0.2.3/24'] })], 'off');
  t.same(off.links, [{ index: 2, name: 'eth0', addresses: ['192.0.2.3/24'], routes: [] }]);
  t.match(wanted([], '::::boot-name:eth1:dhcp', 'node-1').links, [
    { name: 'eth1', dhcp: { metric: 1024, hostname: 'boot-name' } },
  ]);
  t.match(wanted([], 'dhcp').links, [{ name: 'eth0' }]);
});
