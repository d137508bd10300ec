/**
 * Which routes to the pods of other nodes are there, and which are refused. Pure. What is wanted comes from the Kubernetes API by way of
 * machined, which checks it against the machine config; here it is checked against the network that there is, so that whatever a node says of
 * itself, nobody's traffic but that of its pods goes to it.
 */
import { familyOf } from '../base/ip-address.js';
import { hasCommon, type IpRange, isWithin, rangeOf } from '../base/subnets.js';
import type { PodRoute } from '../control/protocol.js';

export interface PodRouteFacts {
  /** Interfaces that networkd keeps: their addresses with the lengths of their networks, in CIDR notation. */
  links: readonly { index: number; name: string; addresses: readonly string[] }[];
  /** All addresses of the node, without lengths. */
  ownAddresses: readonly string[];
  /** Of the main table. */
  routes: readonly KernelRoute[];
}

export interface KernelRoute {
  /** CIDR notation or 'default'. */
  destination: string;
  gateway?: string;
  index?: number;
  /** We have made it. */
  isOwn: boolean;
}

export interface PlacedRoute extends PodRoute {
  index: number;
}

export interface PodRoutePlan {
  /** In order: what is not wanted any more goes first. */
  remove: PlacedRoute[];
  set: (PlacedRoute & { name: string })[];
  /** Why some are refused, a sentence each. */
  problems: string[];
}

type AcceptedRoute = PlacedRoute & { name: string; range: IpRange };

/** @param wanted  each with a gateway of its own family */
export function planPodRoutes(wanted: readonly PodRoute[], facts: PodRouteFacts): PodRoutePlan {
  const foreign = facts.routes
    .filter(({ isOwn, destination }) => !isOwn && destination !== 'default')
    .map(({ destination }) => ({ destination, range: rangeOf(destination) }));
  const accepted: AcceptedRoute[] = [];
  const problems: string[] = [];
  for (const route of wanted) {
    const range = rangeOf(route.destination);
    const placed = place({ ...route, range }, facts, foreign, accepted);
    if (typeof placed === 'string') problems.push(`no route to the pods of ${route.gateway}: ${placed}`);
    else accepted.push(placed);
  }
  const own = facts.routes.filter(({ isOwn }) => isOwn);
  const right = own.filter((route) => accepted.some((other) => isSame(other, route)));
  // One that is replaced need not go before.
  const isReplaced = ({ destination }: KernelRoute) =>
    accepted.some((route) => route.destination === destination) &&
    !right.some((route) => route.destination === destination);
  return {
    remove: own
      .filter((route) => !right.includes(route) && !isReplaced(route))
      .map(({ destination, gateway = '', index = 0 }) => ({ destination, gateway, index })),
    set: accepted
      .filter((route) => !own.some((other) => isSame(route, other)))
      .map(({ range: _range, ...route }) => route),
    problems,
  };
}

/** @returns where it goes, or why it does not */
function place(
  route: PodRoute & { range: IpRange },
  { links, ownAddresses }: PodRouteFacts,
  foreign: readonly { destination: string; range: IpRange }[],
  accepted: readonly AcceptedRoute[],
): AcceptedRoute | string {
  const { destination, gateway, range } = route;
  if (familyOf(destination) !== familyOf(gateway)) return `${destination} is of another family`;
  if (isWithin(gateway, destination)) return `${destination} has the node itself in it`;
  const taken = foreign.find((other) => hasCommon(other.range, range));
  if (taken) return `${destination} overlaps with the route to ${taken.destination}, which is not one to pods`;
  const own = ownAddresses.find((address) => isWithin(address, destination));
  if (own !== undefined) return `${destination} has this node's address ${own} in it`;
  const other = accepted.find((one) => hasCommon(one.range, range));
  if (other) return `${destination} overlaps with the pods of ${other.gateway}`;
  if (ownAddresses.includes(gateway)) return `${gateway} is this node`;
  const link = links.find(({ addresses }) => addresses.some((address) => isWithin(gateway, address)));
  if (!link) return `${gateway} is not in a network of this node`;
  return { destination, gateway, index: link.index, name: link.name, range };
}

function isSame(route: PlacedRoute, other: KernelRoute): boolean {
  return route.destination === other.destination && route.gateway === other.gateway && route.index === other.index;
}
