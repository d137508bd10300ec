/** rtnetlink and uevents. The words are those of ip(8) and rtnetlink(7). */
import type {
  Address,
  AddressFilter,
  AddressSpec,
  Link,
  LinkChange,
  LinkFilter,
  Neighbour,
  NeighbourFilter,
  NeighbourSpec,
  NewLink,
  Route,
  RouteFilter,
  RouteSpec,
  Rule,
  RuleFilter,
  RuleSpec,
} from './netlink-objects.js';

export type * from './netlink-objects.js';

/** Each call makes one request, and the kernel answers before it returns. What blocks: docs/native/netlink.md. */
export interface NetlinkModule {
  link: LinkCalls;
  address: AddressCalls;
  route: RouteCalls;
  rule: RuleCalls;
  neighbour: NeighbourCalls;
  subscribe(options: SubscribeOptions): NetlinkMonitor;
  /**
   * Name servers that routers advertise (RDNSS, RFC 8106), on interfaces whose advertisements the kernel takes (`accept_ra`). The kernel
   * keeps none of them, so what was said earlier is not told.
   */
  monitorNameServers(handlers: NameServerHandlers): NetlinkMonitor;
  /**
   * Asks all routers of a link to advertise now (RFC 4861), and waits for nothing. Needs CAP_NET_RAW. EADDRNOTAVAIL as long as the
   * interface has no link-local address, or not for sure; ENETUNREACH without IPv6 on it, or without such an interface.
   */
  solicitRouters(index: number): void;
  /** NETLINK_KOBJECT_UEVENT, messages from the kernel only. */
  monitorUevents(handlers: UeventHandlers): NetlinkMonitor;
}

export interface LinkCalls {
  list(filter?: LinkFilter): Link[];
  /** By index or name; undefined when there is none. */
  get(indexOrName: number | string): Link | undefined;
  /** Returns the index of the new link. */
  add(link: NewLink): number;
  /** Changes what is named. Not atomic: the kernel makes the changes one by one and says so if it stops in the middle. */
  set(index: number, change: LinkChange): void;
  delete(index: number): void;
}

export interface AddressCalls {
  list(filter?: AddressFilter): Address[];
  /** EEXIST when it is there. */
  add(address: AddressSpec): void;
  /** Afterwards it is there, with these lifetimes and flags. */
  replace(address: AddressSpec): void;
  /** EADDRNOTAVAIL when it is not there. */
  delete(address: Pick<AddressSpec, 'index' | 'address' | 'peer'>): void;
}

export interface RouteCalls {
  list(filter?: RouteFilter): Route[];
  /** EEXIST when there is one to the same destination with the same metric in the table. */
  add(route: RouteSpec): void;
  /** Takes the place of one to the same destination with the same metric in the table. */
  replace(route: RouteSpec): void;
  /** The first that has everything that is named. ESRCH when there is none. */
  delete(route: RouteSpec): void;
}

export interface RuleCalls {
  list(filter?: RuleFilter): Rule[];
  /** EEXIST when there is the same. */
  add(rule: RuleSpec): void;
  /** The first that has everything that is named. ENOENT when there is none. */
  delete(rule: RuleSpec): void;
}

export interface NeighbourCalls {
  list(filter?: NeighbourFilter): Neighbour[];
  /** EEXIST when it is there. */
  add(neighbour: NeighbourSpec): void;
  replace(neighbour: NeighbourSpec): void;
  /** ENOENT when it is not there. */
  delete(neighbour: Pick<NeighbourSpec, 'index' | 'address'>): void;
}

export type ObjectKind = 'link' | 'address' | 'route' | 'rule' | 'neighbour';

interface ObjectOfKind {
  link: Link;
  address: Address;
  route: Route;
  rule: Rule;
  neighbour: Neighbour;
}

/** All there is of some kinds. */
export type Snapshot = { [Kind in ObjectKind]?: ObjectOfKind[Kind][] };

/**
 * Forget what you knew of the kinds in `snapshot`: this is all there is. Events that follow apply to it.
 * `start`: the first of a subscription, with every kind asked for. `overrun`: events were lost. `stale-routes`: routes only; the
 * kernel removes some without saying so, when a link goes down or an address goes.
 */
export interface ResyncEvent {
  kind: 'resync';
  cause: 'start' | 'overrun' | 'stale-routes';
  /** 1, 2, 3 … */
  epoch: number;
  snapshot: Snapshot;
}

/**
 * `new`: added or changed, the whole new state. `replaced`: a route that took the place of the first to the same destination,
 * metric and TOS in its table. `removed`: what it was. An event may repeat what the last resync has told already.
 */
export type ObjectEvent = {
  [Kind in ObjectKind]: { kind: Kind; change: 'new' | 'replaced' | 'removed'; object: ObjectOfKind[Kind] };
}[ObjectKind];

export type NetlinkEvent = ResyncEvent | ObjectEvent;

export interface SubscribeOptions {
  /** At least one. */
  kinds: ObjectKind[];
  /**
   * Called with what has happened since the last call, in order; the first event ever is a resync. Never called before `subscribe`
   * has returned.
   */
  onEvents(events: NetlinkEvent[]): void;
  /** The subscription has ended: a list could not be made. Nothing comes after it. */
  onError(error: Error): void;
  /** How much the kernel keeps for us before it drops events and a resync becomes necessary. 4 MiB if absent. */
  bufferBytes?: number | undefined;
}

/** Keeps the process alive until it is closed. */
export interface NetlinkMonitor {
  /** Idempotent; no handler is called afterwards. */
  close(): void;
}

/** What one option of one advertisement says. */
export interface AdvertisedNameServers {
  /** Of the interface that it came by. */
  index: number;
  /** Its link-local address. */
  router: string;
  /** From now on. 0: they are not to be asked any more; Infinity: for ever. */
  lifetimeSeconds: number;
  /** IPv6 addresses in the router's order, 1 to 127; not looked at any further. */
  servers: string[];
}

export interface NameServerHandlers {
  /**
   * What has come since the last call, in order. Never called before `monitorNameServers` has returned.
   * @param hasLost  what came besides was lost (ENOBUFS); told when nothing is queued any more
   */
  onNameServers(advertised: AdvertisedNameServers[], hasLost: boolean): void;
  /** The monitor has ended; nothing comes after it. */
  onError(error: Error): void;
}

export interface Uevent {
  /** 'add' 'remove' 'change' 'bind' … */
  action: string;
  devpath: string;
  subsystem: string;
  properties: Record<string, string>;
}

export interface UeventHandlers {
  onUevent(event: Uevent): void;
  /** Events were lost (ENOBUFS): look at sysfs again. Comes behind the events that were still queued, so no loss comes after it. */
  onOverrun(): void;
  /** How much the kernel keeps for us before it drops events. 4 MiB if absent. */
  bufferBytes?: number | undefined;
}
