import { SECOND_MS } from '../../base/units.js';
import type { DhcpRoute, DhcpServerMessage } from '../../native/contract.js';

/** What a server has given us. Times are milliseconds of the boot clock, Infinity for never. */
export interface Lease {
  address: string;
  prefixLength: number;
  serverId: string;
  /** In the order in which they have to be set: what makes a gateway reachable comes before what needs it. */
  routes: DhcpRoute[];
  mtu: number | undefined;
  dnsServers: string[];
  ntpServers: string[];
  domain: string | undefined;
  searchDomains: string[];
  hostname: string | undefined;
  /** T1: from here on its server is asked for more time. */
  renewAtMs: number;
  /** T2: from here on any server is. */
  rebindAtMs: number;
  expiresAtMs: number;
}

/** Shares of a lease when the server names none (RFC 2131, section 4.4.5). */
const RENEWAL_SHARE = 0.5;
const REBINDING_SHARE = 0.875;
/** Nodes that got their leases together do not renew them together: T1 is early by up to this share. */
const RENEWAL_SPREAD = 0.05;

/**
 * The lease that an acknowledgement gives.
 * @param requestedAtMs  when the request was first sent: a lease counts from there, so that it never ends later here than at the server
 * @param random         0 to 1
 */
export function leaseOf(ack: DhcpServerMessage, requestedAtMs: number, random: number): Lease {
  const { yourAddress: address, leaseSeconds, prefixLength = classfulPrefixLength(address) } = ack;
  const [renewalSeconds, rebindingSeconds] = renewalTimes(ack);
  const renewAfterMs = renewalSeconds * SECOND_MS * (1 - RENEWAL_SPREAD * random);
  return {
    address,
    prefixLength,
    serverId: ack.serverId,
    routes: withReachableGateways(routesOf(ack), address, prefixLength),
    mtu: ack.mtu,
    dnsServers: ack.dnsServers,
    ntpServers: ack.ntpServers,
    domain: ack.domain,
    searchDomains: ack.searchDomains,
    hostname: ack.hostname,
    renewAtMs: requestedAtMs + Math.round(renewAfterMs),
    rebindAtMs: requestedAtMs + Math.round(rebindingSeconds * SECOND_MS),
    expiresAtMs: requestedAtMs + leaseSeconds * SECOND_MS,
  };
}

/** T1 and T2 in seconds. Both are ours to choose when the server's do not fit each other or the lease. */
function renewalTimes({ leaseSeconds, renewalSeconds, rebindingSeconds }: DhcpServerMessage): [number, number] {
  if (leaseSeconds === Number.POSITIVE_INFINITY) return [leaseSeconds, leaseSeconds];
  const renewal = renewalSeconds ?? leaseSeconds * RENEWAL_SHARE;
  const rebinding = rebindingSeconds ?? leaseSeconds * REBINDING_SHARE;
  if (renewal < rebinding && rebinding < leaseSeconds) return [renewal, rebinding];
  return [leaseSeconds * RENEWAL_SHARE, leaseSeconds * REBINDING_SHARE];
}

/** Classless routes are the whole truth; without them the first router is the way to everywhere. */
function routesOf({ routes, routers: [router] }: DhcpServerMessage): DhcpRoute[] {
  if (routes) return routes;
  return router === undefined ? [] : [{ destination: '0.0.0.0/0', gateway: router }];
}

/**
 * Routes on the link first, then one to each gateway that nothing on the link leads to (clouds lease a /32 and name a router beyond it),
 * then those by a gateway.
 */
function withReachableGateways(routes: DhcpRoute[], address: string, prefixLength: number): DhcpRoute[] {
  const onLink = routes.filter(({ gateway }) => gateway === undefined);
  const byGateway = routes.filter(({ gateway }) => gateway !== undefined);
  const reachable = [`${address}/${prefixLength}`, ...onLink.map(({ destination }) => destination)];
  const gateways = new Set(byGateway.map(({ gateway }) => gateway as string));
  const hidden = [...gateways].filter((gateway) => !reachable.some((prefix) => contains(prefix, gateway)));
  return [...onLink, ...hidden.map((gateway) => ({ destination: `${gateway}/32` })), ...byGateway];
}

function contains(prefix: string, address: string): boolean {
  const [network = '', length = ''] = prefix.split('/');
  const size = 2 ** (32 - Number(length));
  return Math.floor(toNumber(network) / size) === Math.floor(toNumber(address) / size);
}

function toNumber(address: string): number {
  return address.split('.').reduce((sum, byte) => sum * 256 + Number(byte), 0);
}

/** Of a server that sends no mask: the class of the address (RFC 791). */
function classfulPrefixLength(address: string): number {
  const first = Number(address.split('.')[0]);
  if (first < 128) return 8;
  return first < 192 ? 16 : 24;
}
