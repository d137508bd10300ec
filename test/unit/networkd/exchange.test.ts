// Whole lives of leases over a pair of veth interfaces, with a server that does as it is told. Times are the server's, a few seconds each.
import t from 'tap';
import { loadNative } from '../../../lib/native/index.js';
import { seconds } from '../../helpers/deadline.js';
import { CLIENT_MAC, DhcpLink, ip, SERVER_ADDRESS } from '../../helpers/dhcp/link.js';
import { interfaceState, ServedInterface } from '../../helpers/dhcp/served.js';
import { inNamespaces } from '../../native/in-namespaces.js';
import { openDescriptors } from '../../native/open-descriptors.js';

const OFFER = {
  yourAddress: '10.5.0.100',
  prefixLength: 24,
  routers: [SERVER_ADDRESS],
  dnsServers: ['10.5.0.3'],
  ntpServers: ['10.5.0.4'],
  domain: 'a.org',
  hostname: 'leased',
};
const NOTHING = { addresses: [], routes: [], mtu: 1500 };
const SHORT = { ...OFFER, leaseSeconds: 4, renewalSeconds: 1, rebindingSeconds: 2 };

t.setTimeout(seconds(55));

if (inNamespaces(import.meta.url, ['--net', '--mount'])) {
  const native = loadNative();
  ip('link set lo up');
  const link = await DhcpLink.create();
  t.teardown(() => link[Symbol.asyncDispose]());

  t.test('discover, request, bound, released', async (t) => {
    link.behave('answer', { ...OFFER, mtu: 1400 });
    const served = new ServedInterface(native, 'node-1');
    const discover = await link.next('discover');
    t.match(discover, { from: '0.0.0.0', request: { mac: CLIENT_MAC, clientAddress: '0.0.0.0', hostname: 'node-1' } });
    t.equal(discover.request.clientId, `01${CLIENT_MAC.replaceAll(':', '')}`);
    t.equal(discover.request.maxMessageBytes, 1500);
    const request = await link.next('request');
    t.match(request, {
      from: '0.0.0.0',
      request: { xid: discover.request.xid, requestedAddress: '10.5.0.100', serverId: SERVER_ADDRESS },
    });
    await served.says(/leased 10\.5\.0\.100\/24 from 10\.5\.0\.1 for 3600 s/);
    t.match(interfaceState(), {
      addresses: ['10.5.0.100/24'],
      routes: ['default via 10.5.0.1 metric 1024'],
      mtu: 1400,
    });
    t.ok((interfaceState().lifetimeSeconds ?? 0) > 3590, 'the kernel knows when it ends');
    const [, report] = served.reports;
    t.match(served.reports, [{ address: '', carrier: true }, {}]);
    t.same(report && [report], [
      {
        link: 'veth0',
        address: '10.5.0.100/24',
        dnsServers: ['10.5.0.3'],
        ntpServers: ['10.5.0.4'],
        domain: 'a.org',
        searchDomains: [],
        hostname: 'leased',
        carrier: true,
      },
    ]);
    const released = served.stop(true);
    t.match(await link.next('release'), {
      from: '10.5.0.100',
      request: { clientAddress: '10.5.0.100', serverId: SERVER_ADDRESS, requestedAddress: undefined },
    });
    await released;
    ip('address flush dev veth0');
    ip('link set veth0 mtu 1500');
  });

  t.test('renewed by its server, then by any, then lost, then found again', async (t) => {
    link.behave('answer', SHORT);
    const served = new ServedInterface(native);
    await served.says(/leased/);
    await link.next('discover');
    await link.next('request');
    const renewal = await link.next('request');
    t.match(renewal, {
      from: '10.5.0.100',
      request: { clientAddress: '10.5.0.100', requestedAddress: undefined, serverId: undefined },
    });
    await served.says(/renewed 10\.5\.0\.100/);
    t.equal(served.stateName, 'Bound');

    link.behave('silent');
    await link.next('request');
    await served.says(/10\.5\.0\.1 does not renew 10\.5\.0\.100: asking every server/);
    t.equal(served.stateName, 'Rebinding');
    t.match(await link.next('request'), { from: '10.5.0.100', request: { clientAddress: '10.5.0.100' } });
    await served.says(/the lease of 10\.5\.0\.100 has ended/);
    t.match(interfaceState(), NOTHING, 'the address is gone with its lease');
    t.equal(served.reports.at(-1)?.address, '', 'and that was told');
    const discover = await link.next('discover');
    t.equal(discover.request.seconds, 0);

    link.behave('answer', { ...OFFER, yourAddress: '10.5.0.101' });
    const again = await link.next('discover');
    t.equal(again.request.xid, discover.request.xid, 'the same question, sent again');
    t.ok(again.request.seconds >= 3, 'and it says for how long already');
    await served.says(/leased 10\.5\.0\.101/);
    t.match(interfaceState().addresses, ['10.5.0.101/24']);
    await served.stop(false);
  });

  t.test('a rebinding server takes over', async (t) => {
    t.match(interfaceState().addresses, ['10.5.0.101/24'], 'what the last run left behind');
    const before = openDescriptors();
    link.behave('answer', { ...SHORT, yourAddress: '10.5.0.101' });
    const served = new ServedInterface(native);
    await served.says(/still has 10\.5\.0\.101/);
    const reboot = await link.next(
      'request',
      ({ clientAddress, serverId }) => clientAddress === '0.0.0.0' && !serverId,
    );
    t.match(reboot, {
      from: '0.0.0.0',
      request: { requestedAddress: '10.5.0.101', serverId: undefined, clientAddress: '0.0.0.0' },
    });
    await served.says(/leased 10\.5\.0\.101/);
    link.behave('answer', { ...OFFER, yourAddress: '10.5.0.101' }, 1);
    await served.says(/10\.5\.0\.1 does not renew 10\.5\.0\.101: asking every server/);
    await served.says(/renewed 10\.5\.0\.101.* for 3600 s/);
    await served.stop(false);
    t.equal(openDescriptors(), before);
    t.notOk(
      link.requests.slice(-3).some(({ request }) => request.type === 'release'),
      'nothing was given back',
    );
  });

  t.test('refused', async (t) => {
    link.behave('refuse');
    const served = new ServedInterface(native);
    await served.says(/still has 10\.5\.0\.101/);
    await served.says(/10\.5\.0\.1 refuses: not here/);
    t.match(interfaceState(), NOTHING, 'an address that is refused is not used any more');
    link.behave('answer', OFFER);
    await served.says(/leased 10\.5\.0\.100/);
    await served.stop(false);
  });

  t.test('the carrier goes and comes back', async (t) => {
    link.behave('answer', {
      ...OFFER,
      routes: [{ destination: '10.9.0.0/16', gateway: '10.5.0.9' }, { destination: '10.7.0.0/24' }],
    });
    const served = new ServedInterface(native);
    await served.says(/leased 10\.5\.0\.100/);
    t.match(
      interfaceState().routes,
      ['10.7.0.0/24 metric 1024', '10.9.0.0/16 via 10.5.0.9 metric 1024'],
      'no default route',
    );
    link.carrier(false);
    await served.says(/the carrier is gone/);
    t.equal(served.stateName, 'NoCarrier');
    t.match(served.reports.at(-1), { address: '10.5.0.100/24', carrier: false });
    t.match(interfaceState().addresses, ['10.5.0.100/24'], 'the address stays');
    link.behave('answer', OFFER);
    link.carrier(true);
    await served.says(/asking for 10\.5\.0\.100 again/);
    await served.says(/leased 10\.5\.0\.100/);
    t.match(interfaceState(), { addresses: ['10.5.0.100/24'], routes: ['default via 10.5.0.1 metric 1024'] });
    await served.stop(false);
  });

  t.test('two addresses, another mask, somebody else’s address', async (t) => {
    ip('address add 192.0.2.7/32 dev veth0');
    ip('address add 10.5.0.55/24 dev veth0 valid_lft 500 preferred_lft 500');
    link.behave('answer', { ...OFFER, prefixLength: 16 });
    const served = new ServedInterface(native);
    await served.says(/leased 10\.5\.0\.100\/16/);
    t.match(interfaceState().addresses.sort(), ['10.5.0.100/16', '192.0.2.7/32'], 'only what is leased is touched');
    await served.stop(false);
  });

  t.test('a route that the kernel refuses does not cost the address', async (t) => {
    const routes = [{ destination: '10.9.0.0/16', gateway: '10.5.0.255' }, { destination: '10.7.0.0/24' }];
    link.behave('answer', { ...OFFER, routes });
    const served = new ServedInterface(native);
    await served.says(/leased/);
    await served.says(/set-route 10\.9\.0\.0\/16 by 10\.5\.0\.255 failed: EINVAL.*Nexthop has invalid gateway/);
    t.ok(interfaceState().addresses.includes('10.5.0.100/24'));
    t.same(interfaceState().routes, ['10.7.0.0/24 metric 1024']);
    await served.stop(false);
  });

  t.test('an interface that goes away ends the service of it', async (t) => {
    link.behave('answer', OFFER);
    const served = new ServedInterface(native);
    await served.says(/leased/);
    const ended = t.rejects(served.running, { code: 'ERR_NO_INTERFACE' });
    ip('link delete veth0');
    await ended;
  });
}
