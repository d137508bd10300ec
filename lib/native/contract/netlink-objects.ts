/**
 * What rtnetlink knows: links, addresses, routes, rules, neighbours.
 *
 * A word where the kernel's headers have one, otherwise the number. Numbers are those of the kernel; what is absent is undefined.
 * What `list` gives can be given back to `add`, `replace` and `delete`.
 */

/** 'inet' is IPv4. */
export type Family = 'inet' | 'inet6';
export type Scope = 'global' | 'site' | 'link' | 'host' | 'nowhere' | number;
/** Who made it: ip(8) and /etc/iproute2/rt_protos. */
export type Protocol = 'unspec' | 'redirect' | 'kernel' | 'boot' | 'static' | 'ra' | 'dhcp' | 'bgp' | 'ospf' | number;

export type OperState = 'unknown' | 'notpresent' | 'down' | 'lowerlayerdown' | 'testing' | 'dormant' | 'up' | number;

export interface Link {
  index: number;
  name: string;
  /** ARPHRD type: 1 Ethernet, 772 loopback. */
  type: number;
  /** 'veth' 'bridge' 'vlan' …; absent for hardware. */
  kind?: string | undefined;
  /** Empty where there is none. */
  mac: string;
  broadcast?: string | undefined;
  mtu: number;
  isUp: boolean;
  hasCarrier: boolean;
  operState: OperState;
  /** 'up' 'broadcast' 'loopback' 'running' 'lower_up' … */
  flags: readonly string[];
  /** Index of the bridge or bond it belongs to. */
  master?: number | undefined;
  /** Index of the link below (vlan), of the other end (veth); of another namespace's link, perhaps. */
  parent?: number | undefined;
  vlanId?: number | undefined;
  transmitQueueLength: number;
  alias?: string | undefined;
  alternativeNames: string[];
}

export interface LinkFilter {
  kind?: string | undefined;
  master?: number | undefined;
}

export interface LinkChange {
  isUp?: boolean | undefined;
  mtu?: number | undefined;
  name?: string | undefined;
  mac?: string | undefined;
  /** Index of a bridge or bond; null: none any more. */
  master?: number | null | undefined;
  transmitQueueLength?: number | undefined;
  alias?: string | undefined;
}

export type NewLink = { name: string } & Omit<LinkChange, 'name'> &
  (
    | { kind: 'dummy' }
    /** The kernel cannot bring the peer up before it has its other end: `set` does. */
    | { kind: 'veth'; peer: { name: string } & Omit<LinkChange, 'name' | 'isUp'> }
    | { kind: 'bridge'; vlanFiltering?: boolean | undefined; spanningTree?: boolean | undefined }
    | { kind: 'vlan'; parent: number; vlanId: number; vlanProtocol?: '802.1q' | '802.1ad' | undefined }
    | { kind: 'bond'; mode?: BondMode | undefined; miimonMs?: number | undefined }
  );

export type BondMode =
  | 'balance-rr'
  | 'active-backup'
  | 'balance-xor'
  | 'broadcast'
  | '802.3ad'
  | 'balance-tlb'
  | 'balance-alb';

export interface Address {
  family: Family;
  index: number;
  /** CIDR notation; with a peer, the length is that of the peer's network. */
  address: string;
  /** The other end of a point-to-point link. */
  peer?: string | undefined;
  broadcast?: string | undefined;
  label?: string | undefined;
  scope: Scope;
  /** 'permanent' 'secondary' 'tentative' 'noprefixroute' … */
  flags: readonly string[];
  protocol: number;
  /** Absent: for ever. */
  validLifetimeSec?: number | undefined;
  preferredLifetimeSec?: number | undefined;
}

export interface AddressFilter {
  family?: Family | undefined;
  index?: number | undefined;
}

export interface AddressSpec {
  index: number;
  /** CIDR notation, IPv4 or IPv6. */
  address: string;
  peer?: string | undefined;
  /** IPv4; absent: the last address of the prefix, if it has one to spare. */
  broadcast?: string | undefined;
  label?: string | undefined;
  scope?: Scope | undefined;
  flags?: readonly string[] | undefined;
  /** Who made it; the kernel uses 1 to 3 itself. */
  protocol?: number | undefined;
  validLifetimeSec?: number | undefined;
  preferredLifetimeSec?: number | undefined;
}

export type RouteType =
  | 'unspec'
  | 'unicast'
  | 'local'
  | 'broadcast'
  | 'anycast'
  | 'multicast'
  | 'blackhole'
  | 'unreachable'
  | 'prohibit'
  | 'throw'
  | number;

export interface NextHop {
  gateway?: string | undefined;
  index: number;
  weight: number;
  flags: readonly string[];
}

export interface Route {
  family: Family;
  /** CIDR notation or 'default'. */
  destination: string;
  /** IPv6: only for packets from there. */
  source?: string | undefined;
  /** An IPv4 route may have one of IPv6. */
  gateway?: string | undefined;
  preferredSource?: string | undefined;
  /** Index of the link it leads out by. */
  index?: number | undefined;
  /** 254 is main, 255 local. */
  table: number;
  protocol: Protocol;
  scope: Scope;
  type: RouteType;
  tos: number;
  /** The metric: the lowest wins. */
  priority?: number | undefined;
  /** Of the path (RTAX_MTU). */
  mtu?: number | undefined;
  /** 'onlink' 'linkdown' 'dead' 'offload' … as they were when the route was listed: the kernel does not announce their changes. */
  flags: readonly string[];
  /** IPv6: of a router advertisement. */
  preference?: 'low' | 'medium' | 'high' | number | undefined;
  expiresSec?: number | undefined;
  nexthopId?: number | undefined;
  /** Two or more; then gateway and index are absent. */
  nextHops?: NextHop[] | undefined;
}

export interface RouteFilter {
  family?: Family | undefined;
  index?: number | undefined;
  table?: number | undefined;
  protocol?: Protocol | undefined;
  type?: RouteType | undefined;
}

/** For `add` and `replace`, absent means: table 254, protocol 'static', type 'unicast', the scope that ip(8) would choose. For `delete`: any. */
export interface RouteSpec {
  /** Needed for 'default' without a gateway or preferred source; 'inet' if absent. */
  family?: Family | undefined;
  destination: string;
  source?: string | undefined;
  gateway?: string | undefined;
  preferredSource?: string | undefined;
  index?: number | undefined;
  table?: number | undefined;
  protocol?: Protocol | undefined;
  scope?: Scope | undefined;
  type?: RouteType | undefined;
  tos?: number | undefined;
  priority?: number | undefined;
  mtu?: number | undefined;
  /** Only 'onlink' is heeded: the gateway is on this link even if no address says so. */
  flags?: readonly string[] | undefined;
  nextHops?: { gateway?: string | undefined; index: number; weight?: number | undefined }[] | undefined;
}

export type RuleAction = 'unspec' | 'lookup' | 'goto' | 'nop' | 'blackhole' | 'unreachable' | 'prohibit' | number;
/** First and last. */
export type NumberRange = [first: number, last: number];

export interface Rule {
  family: Family;
  /** The lowest is asked first. */
  priority: number;
  action: RuleAction;
  /** 0 unless the action is 'lookup'. */
  table: number;
  /** CIDR notation; absent: all. */
  from?: string | undefined;
  to?: string | undefined;
  inputInterface?: string | undefined;
  outputInterface?: string | undefined;
  fwmark?: number | undefined;
  fwmask?: number | undefined;
  /** Priority of the rule to go on with. */
  goto?: number | undefined;
  /** Routes that are not longer than this are ignored. */
  suppressPrefixLength?: number | undefined;
  tos: number;
  isInverted: boolean;
  protocol: Protocol;
  ipProtocol?: number | undefined;
  uids?: NumberRange | undefined;
  sourcePorts?: NumberRange | undefined;
  destinationPorts?: NumberRange | undefined;
}

export interface RuleFilter {
  family?: Family | undefined;
}

/** For `add`, absent means: action 'lookup', a priority of the kernel's choice. For `delete`: any. */
export interface RuleSpec {
  family: Family;
  priority?: number | undefined;
  action?: RuleAction | undefined;
  table?: number | undefined;
  from?: string | undefined;
  to?: string | undefined;
  inputInterface?: string | undefined;
  outputInterface?: string | undefined;
  fwmark?: number | undefined;
  fwmask?: number | undefined;
  goto?: number | undefined;
  suppressPrefixLength?: number | undefined;
  tos?: number | undefined;
  isInverted?: boolean | undefined;
  protocol?: Protocol | undefined;
}

export type NeighbourState =
  | 'none'
  | 'incomplete'
  | 'reachable'
  | 'stale'
  | 'delay'
  | 'probe'
  | 'failed'
  | 'noarp'
  | 'permanent'
  | number;

export interface Neighbour {
  family: Family;
  index: number;
  address: string;
  /** Absent while it is not known. */
  mac?: string | undefined;
  state: NeighbourState;
  /** 'router' 'proxy' 'extern_learn' … */
  flags: readonly string[];
  protocol: Protocol;
}

export interface NeighbourFilter {
  family?: Family | undefined;
  index?: number | undefined;
  /** Neighbours on links that belong to this bridge or bond. */
  master?: number | undefined;
}

export interface NeighbourSpec {
  index: number;
  address: string;
  mac?: string | undefined;
  /** 'permanent' if absent. */
  state?: NeighbourState | undefined;
  flags?: readonly string[] | undefined;
}
