import type { Lease } from './dhcp/lease.js';

/** What of an interface a lease decides. */
export interface InterfaceState {
  mtu: number;
  /** IPv4 addresses in CIDR notation that end by themselves: what earlier leases have given. Others are nobody's business here. */
  leasedAddresses: string[];
  /** Its IPv4 routes that are marked as DHCP's. */
  leasedRoutes: PlannedRoute[];
}

export interface PlannedRoute {
  /** CIDR notation. */
  destination: string;
  gateway?: string;
}

export type InterfaceChange =
  | { kind: 'remove-route'; route: PlannedRoute }
  | { kind: 'remove-address'; address: string }
  | { kind: 'set-address'; address: string; lifetimeSeconds: number }
  | { kind: 'set-mtu'; mtu: number }
  /** `source`: the address that packets on this way come from. */
  | { kind: 'set-route'; route: PlannedRoute; source: string };

/** The longest that is not for ever: an address of a lease without end must still be known as a lease's. */
const LONGEST_LIFETIME_SECONDS = 0xffff_fffe;

/**
 * What has to be done, in order, until an interface has what the lease says and nothing that an earlier one said. Pure.
 * What is there already is set again: an address for its new lifetime, a route because the kernel drops routes with the address they need.
 * @param ownMtu  of the interface without a lease
 * @param fixedMtu  of the interface, whatever a lease says
 */
export function planChanges(
  state: InterfaceState,
  lease: Lease | undefined,
  { nowMs, ownMtu, fixedMtu }: { nowMs: number; ownMtu: number; fixedMtu?: number },
): InterfaceChange[] {
  const address = lease && `${lease.address}/${lease.prefixLength}`;
  const routes = lease?.routes ?? [];
  const mtu = fixedMtu ?? lease?.mtu ?? ownMtu;
  const isWanted = (route: PlannedRoute) => routes.some((wanted) => isSame(wanted, route));
  return [
    ...state.leasedRoutes
      .filter((route) => !isWanted(route))
      .map((route): InterfaceChange => ({ kind: 'remove-route', route })),
    // Before the new one: a second address of the same network would go together with the first.
    ...state.leasedAddresses
      .filter((other) => other !== address)
      .map((other): InterfaceChange => ({ kind: 'remove-address', address: other })),
    ...(mtu === state.mtu ? [] : [{ kind: 'set-mtu' as const, mtu }]),
    ...(lease && address !== undefined
      ? [{ kind: 'set-address' as const, address, lifetimeSeconds: lifetimeOf(lease, nowMs) }]
      : []),
    ...routes.map((route): InterfaceChange => ({ kind: 'set-route', route, source: lease?.address ?? '' })),
  ];
}

/** Rounded up: the kernel must not take away what we still have. Our own timer ends it in time. */
function lifetimeOf({ expiresAtMs }: Lease, nowMs: number): number {
  const seconds = Math.max(Math.ceil((expiresAtMs - nowMs) / 1000), 1);
  return Math.min(seconds, LONGEST_LIFETIME_SECONDS);
}

function isSame(left: PlannedRoute, right: PlannedRoute): boolean {
  return left.destination === right.destination && left.gateway === right.gateway;
}
