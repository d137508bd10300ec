/**
 * What a machine config says about the network and the time, as networkd gets it: plain data that was checked, without anything that is
 * secret. One document; what is not in it is not wanted.
 */
import { canonicalAddress, canonicalPrefix, familyOf, networkOf } from '../base/ip-address.js';
import { extraAddresses } from './extra-hosts.js';
import type { DhcpConfig } from './network-schema.js';
import type { MachineConfig } from './schema.js';

/** Text of the document: it has to fit a frame of the control protocol, and PID 1 keeps it. */
export const MAX_NETWORK_DOCUMENT_BYTES = 48 * 1024;
/** As many as a config may name. */
const MAX_TIME_SERVERS = 16;

/** Interfaces that have all that is said; texts may have `*` for any text. */
export interface LinkSelector {
  name?: string;
  busPath?: string;
  hardwareAddr?: string;
  pciId?: string;
  driver?: string;
  isPhysical?: boolean;
}

export interface RouteWish {
  family: 'inet' | 'inet6';
  /** CIDR notation without host bits, or 'default'. */
  destination: string;
  gateway?: string;
  source?: string;
  /** Never absent: the kernel has one for every route. */
  metric: number;
  mtu?: number;
}

export interface DhcpWish {
  metric?: number;
  isHostnameIgnored: boolean;
}

export interface InterfaceWish {
  selector: LinkSelector;
  /** Hands off. */
  isIgnored: boolean;
  dhcp?: DhcpWish;
  /** CIDR notation, with host bits. */
  addresses: string[];
  routes: RouteWish[];
  mtu?: number;
}

export interface NetworkDocument {
  /** '' for none. */
  hostname: string;
  interfaces: InterfaceWish[];
  nameservers: string[];
  searchDomains: string[];
  isSearchDomainDisabled: boolean;
  extraHosts: { address: string; names: string[] }[];
  time: { servers: string[]; isDisabled: boolean };
  /** There is no config yet, and one is to be fetched from there. It may hold a password: it is for networkd, and for no log. */
  configUrl?: string;
}

/** Of a node that has no config. */
export const NO_NETWORK: NetworkDocument = {
  hostname: '',
  interfaces: [],
  nameservers: [],
  searchDomains: [],
  isSearchDomainDisabled: false,
  extraHosts: [],
  time: { servers: [], isDisabled: false },
};

/** Every card asks for an address. */
export const EVERY_CARD: InterfaceWish = {
  selector: { isPhysical: true },
  isIgnored: false,
  dhcp: { isHostnameIgnored: false },
  addresses: [],
  routes: [],
};

/**
 * Of a node that waits for its config to come over the network: every card asks for an address, as far as the kernel command line has nothing
 * else to say.
 */
export function waitingNetwork(configUrl: string | undefined): NetworkDocument {
  return { ...NO_NETWORK, interfaces: [EVERY_CARD], ...(configUrl !== undefined && { configUrl }) };
}

/** The metric of a route that names none: the kernel's own choice. */
export function defaultMetric(family: 'inet' | 'inet6'): number {
  return family === 'inet' ? 0 : 1024;
}

type NetworkConfig = NonNullable<MachineConfig['machine']['network']>;
type InterfaceConfig = NonNullable<NetworkConfig['interfaces']>[number];

/** @param dhcp  documents of the kind DHCPv4Config */
export function networkDocumentOf(config: MachineConfig, dhcp: readonly DhcpConfig[]): NetworkDocument {
  const { network = {}, time = {} } = config.machine;
  return {
    hostname: network.hostname ?? '',
    interfaces: [...(network.interfaces ?? []).map(interfaceWish), ...dhcp.map(ofDhcpConfig)],
    nameservers: network.nameservers ?? [],
    searchDomains: network.searchDomains ?? [],
    isSearchDomainDisabled: network.disableSearchDomain ?? false,
    extraHosts: (network.extraHostEntries ?? []).map(({ ip, aliases }) => ({ address: ip, names: aliases })),
    time: { servers: timeServersOf(config), isDisabled: time.disabled ?? false },
  };
}

/** Those with addresses in the config by them: whoever asks has no /etc/hosts. */
function timeServersOf(config: MachineConfig): string[] {
  const places = (name: string) => {
    const own = extraAddresses(config, name);
    return own.length > 0 ? own : [name];
  };
  return (config.machine.time?.servers ?? []).flatMap(places).slice(0, MAX_TIME_SERVERS);
}

function interfaceWish(entry: InterfaceConfig): InterfaceWish {
  const { deviceSelector: device, dhcpOptions } = entry;
  const wantsDhcp = entry.dhcp === true && dhcpOptions?.ipv4 !== false;
  const metric = dhcpOptions?.routeMetric;
  return {
    selector: {
      ...(entry.interface !== undefined && { name: entry.interface }),
      ...(device?.busPath !== undefined && { busPath: device.busPath }),
      ...(device?.hardwareAddr !== undefined && { hardwareAddr: device.hardwareAddr.toLowerCase() }),
      ...(device?.pciID !== undefined && { pciId: device.pciID.toLowerCase() }),
      ...(device?.driver !== undefined && { driver: device.driver }),
      ...(device?.physical !== undefined && { isPhysical: device.physical }),
    },
    isIgnored: entry.ignore ?? false,
    ...(wantsDhcp && { dhcp: { isHostnameIgnored: false, ...(metric !== undefined && { metric }) } }),
    addresses: (entry.addresses ?? []).map(canonicalPrefix),
    routes: (entry.routes ?? []).map(routeWish),
    ...(entry.mtu !== undefined && { mtu: entry.mtu }),
  };
}

function routeWish(route: NonNullable<InterfaceConfig['routes']>[number]): RouteWish {
  const family = familyOf(route.network ?? route.gateway ?? '');
  const network = route.network === undefined ? undefined : networkOf(route.network);
  return {
    family,
    destination: network === undefined || network.endsWith('/0') ? 'default' : network,
    ...(route.gateway !== undefined && { gateway: canonicalAddress(route.gateway) }),
    ...(route.source !== undefined && { source: canonicalAddress(route.source) }),
    metric:
      route.metric === undefined || (family === 'inet6' && route.metric === 0) ? defaultMetric(family) : route.metric,
    ...(route.mtu !== undefined && { mtu: route.mtu }),
  };
}

function ofDhcpConfig({ name, routeMetric, ignoreHostname }: DhcpConfig): InterfaceWish {
  return {
    selector: { name },
    isIgnored: false,
    dhcp: { isHostnameIgnored: ignoreHostname ?? false, ...(routeMetric !== undefined && { metric: routeMetric }) },
    addresses: [],
    routes: [],
  };
}

/** For the way to networkd. */
export function encodeNetworkDocument(document: NetworkDocument): Uint8Array {
  return Buffer.from(JSON.stringify(document));
}

/**
 * What `encodeNetworkDocument` has made; empty: of a node without a config.
 * @throws SyntaxError  it is none: the other side is of another version
 */
export function decodeNetworkDocument(bytes: Uint8Array): NetworkDocument {
  if (bytes.length === 0) return NO_NETWORK;
  return { ...NO_NETWORK, ...(JSON.parse(Buffer.from(bytes).toString('utf8')) as NetworkDocument) };
}
