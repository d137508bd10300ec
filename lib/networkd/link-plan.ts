/** What has to be done to one interface until it is as it is wanted. Pure: wishes and what there is come in, steps come out. */
import type { RouteWish } from '../config/network-document.js';

/** How one interface is to be. Addresses and routes of others (a DHCP server, the kernel, a network plugin) are nobody's business here. */
export interface LinkWish {
  /** Absent: as it is. */
  mtu?: number;
  /** CIDR notation, canonical. */
  addresses: readonly string[];
  routes: readonly RouteWish[];
}

export interface LinkState {
  isUp: boolean;
  mtu: number;
  addresses: readonly { address: string; isOwn: boolean }[];
  /** Of the main table. */
  routes: readonly (RouteWish & { isOwn: boolean })[];
}

export type LinkChange =
  | { kind: 'set-mtu'; mtu: number }
  | { kind: 'set-up' }
  | { kind: 'remove-route'; route: RouteWish }
  | { kind: 'remove-address'; address: string }
  | { kind: 'add-address'; address: string }
  | { kind: 'set-route'; route: RouteWish };

/**
 * The steps, in order. What is ours and not wanted goes first: an old address would take a new one of its network with it. Routes on the
 * link come before those by gateways that they lead to.
 * @param wish  undefined: nobody wants anything of the interface (any more), so only what is ours goes
 */
export function planLink(wish: LinkWish | undefined, state: LinkState): LinkChange[] {
  const addresses = wish?.addresses ?? [];
  const routes = wish?.routes ?? [];
  const gone: LinkChange[] = [
    ...state.routes
      .filter((route) => route.isOwn && !routes.some((wanted) => isSameRoute(wanted, route)))
      // One that is replaced need not go before.
      .filter((route) => !routes.some((wanted) => isSamePlace(wanted, route)))
      .map((route): LinkChange => ({ kind: 'remove-route', route: plain(route) })),
    ...state.addresses
      .filter(({ address, isOwn }) => isOwn && !addresses.includes(address))
      .map(({ address }): LinkChange => ({ kind: 'remove-address', address })),
  ];
  if (wish === undefined) return gone;
  return [
    ...gone,
    ...(wish.mtu === undefined || wish.mtu === state.mtu ? [] : [{ kind: 'set-mtu' as const, mtu: wish.mtu }]),
    ...(state.isUp ? [] : [{ kind: 'set-up' as const }]),
    ...addresses
      .filter((address) => !state.addresses.some((other) => other.address === address))
      .map((address): LinkChange => ({ kind: 'add-address', address })),
    ...[...routes]
      .filter((route) => !state.routes.some((other) => isSameRoute(route, other)))
      .sort((left, right) => Number(left.gateway !== undefined) - Number(right.gateway !== undefined))
      .map((route): LinkChange => ({ kind: 'set-route', route })),
  ];
}

function plain({ family, destination, gateway, source, metric, mtu }: RouteWish): RouteWish {
  return {
    family,
    destination,
    ...(gateway !== undefined && { gateway }),
    ...(source !== undefined && { source }),
    metric,
    ...(mtu !== undefined && { mtu }),
  };
}

/** Where a routing table has room for one. */
export function isSamePlace(left: RouteWish, right: RouteWish): boolean {
  return left.family === right.family && left.destination === right.destination && left.metric === right.metric;
}

/** A source that nobody asked for is the kernel's choice. */
function isSameRoute(wish: RouteWish, found: RouteWish): boolean {
  return (
    isSamePlace(wish, found) &&
    wish.gateway === found.gateway &&
    (wish.source === undefined || wish.source === found.source) &&
    wish.mtu === found.mtu
  );
}

export function describeChange(change: LinkChange): string {
  switch (change.kind) {
    case 'set-up':
      return 'up';
    case 'set-mtu':
      return `mtu ${change.mtu}`;
    case 'add-address':
      return `address ${change.address}`;
    case 'remove-address':
      return `without address ${change.address}`;
    case 'set-route':
      return `route ${describeRoute(change.route)}`;
    case 'remove-route':
      return `without route ${describeRoute(change.route)}`;
  }
}

function describeRoute({ destination, gateway, metric }: RouteWish): string {
  return `${destination}${gateway === undefined ? '' : ` by ${gateway}`}${metric === 0 ? '' : ` metric ${metric}`}`;
}
