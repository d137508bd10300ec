// A DHCP server that goes away and comes back, over a pair of veth interfaces: what RFC 2131 (4.4.5) wants of the address, and what the network of
// the node makes of it. Times are the server's, a few seconds each.
import t from 'tap';
import type { InterfaceWish } from '../../../lib/config/network-document.js';
import { seconds } from '../../helpers/deadline.js';
import { DhcpLink, ip } from '../../helpers/dhcp/link.js';
import { addresses, Managed, routes } from '../../helpers/managed-network.js';
import { inNamespaces } from '../../native/in-namespaces.js';

t.setTimeout(seconds(90));

const LEASE_SECONDS = 4;
const OFFER = { yourAddress: '10.5.0.100', prefixLength: 24, routers: ['10.5.0.1'], dnsServers: ['10.5.0.3'] };
const SHORT = { ...OFFER, leaseSeconds: LEASE_SECONDS, renewalSeconds: 1, rebindingSeconds: 2 };
/** A second more or less is wanted; the rest is what a busy machine takes. */
const SLACK_MS = 2500;
const WISH: InterfaceWish = {
  ...{ selector: { name: 'veth0' }, isIgnored: false, addresses: [], routes: [] },
  dhcp: { isHostnameIgnored: false },
};
const DEFAULT_ROUTE = /^default via 10\.5\.0\.1 proto dhcp/;

if (inNamespaces(import.meta.url, ['--net', '--mount'])) {
  ip('link set lo up');

  t.test('the address ends with its lease, and is back with the server', async (t) => {
    await using link = await DhcpLink.create();
    link.behave('answer', SHORT);
    const managed = new Managed(t, [WISH]);
    const last = () => managed.reports.at(-1);
    await link.next('discover');
    await managed.until('a lease', () => last()?.address === '10.5.0.100/24');

    await link.leave();
    const askedMs = link.requests.at(-1)?.atMs ?? 0;
    link.behave('silent');
    t.same(addresses('veth0'), ['10.5.0.100/24'], 'it may be used as long as the lease lasts');
    await managed.until('the end of the lease', () => last()?.address === '');
    const endedMs = performance.now();
    const lastedMs = endedMs - askedMs;
    t.ok(
      Math.abs(lastedMs - LEASE_SECONDS * 1000) < SLACK_MS,
      `ended ${lastedMs.toFixed(0)} ms after it was asked for`,
    );
    t.same(addresses('veth0'), []);
    t.same(routes('veth0'), [], 'and so have its routes');
    t.match(last(), { carrier: true, dnsServers: [] });

    await link.return();
    const second = await link.next('discover');
    link.behave('answer', OFFER);
    const third = await link.next('discover');
    const waits = [second.atMs - endedMs, third.atMs - second.atMs] as const;
    for (const [at, wantedMs] of [4000, 8000].entries()) {
      const waitMs = waits[at] ?? 0;
      t.ok(Math.abs(waitMs - wantedMs) < SLACK_MS, `asked again after ${waitMs.toFixed(0)} ms`);
    }
    t.equal(third.request.xid, second.request.xid, 'the same question');
    await managed.until('the address', () => last()?.address === '10.5.0.100/24');
    t.same(addresses('veth0'), ['10.5.0.100/24']);
    t.ok(routes('veth0').some((line) => DEFAULT_ROUTE.test(line)));
    t.match(last(), { carrier: true, dnsServers: ['10.5.0.3'] });
    t.equal(managed.lines.filter((line) => /serving veth0/.test(line)).length, 1, 'nothing was started again');
    t.equal(managed.lines.filter((line) => /no DHCP|could not/.test(line)).length, 0, managed.lines.join('\n'));
  });
}
