import type { NextHop, Route } from '../../lib/native/contract.js';

/** A route as `ip -j -d route show table all` prints it. */
export type IpRoute = Record<string, unknown>;

const TABLES: Record<number, string> = { 253: 'default', 254: 'main', 255: 'local' };

/** A single address is printed without its length. */
function plain(family: Route['family'], prefix: string): string {
  return prefix.replace(family === 'inet' ? /\/32$/ : /\/128$/, '');
}

/** What ip(8) calls RTA_VIA, and prints in an object of its own. */
function gatewayOf(family: Route['family'], gateway: string | undefined): IpRoute {
  if (gateway === undefined) return {};
  const isOfOtherFamily = family === 'inet' && gateway.includes(':');
  return isOfOtherFamily ? { via: { family: 'inet6', host: gateway } } : { gateway };
}

function asIpNextHop(family: Route['family'], hop: NextHop, names: Map<number, string>): IpRoute {
  return { ...gatewayOf(family, hop.gateway), dev: names.get(hop.index), weight: hop.weight, flags: hop.flags };
}

/** Translates one of ours into what ip(8) prints of it, so that the two can be compared whole. */
export function asIpRoute(route: Route, names: Map<number, string>): IpRoute {
  const { family, index, table, priority, mtu, nextHops } = route;
  return {
    type: route.type,
    dst: plain(family, route.destination),
    ...(route.tos === 0 ? {} : { tos: `0x${route.tos.toString(16).padStart(2, '0')}` }),
    ...gatewayOf(family, route.gateway),
    ...(index === undefined ? {} : { dev: names.get(index) }),
    table: TABLES[table] ?? String(table),
    protocol: String(route.protocol),
    scope: route.scope,
    ...(route.preferredSource === undefined ? {} : { prefsrc: route.preferredSource }),
    ...(priority === undefined ? {} : { metric: priority }),
    flags: route.flags,
    ...(mtu === undefined ? {} : { metrics: [{ mtu }] }),
    ...(nextHops === undefined ? {} : { nexthops: nextHops.map((hop) => asIpNextHop(family, hop, names)) }),
    ...(route.preference === undefined ? {} : { pref: route.preference }),
  };
}
