import { argumentError, checkInteger, checkName, checkObject, checkOptionalString, checkString } from './arguments.js';
import type { DhcpClientMessage, DhcpModule, DhcpRoute, DhcpServerMessage, DhcpSocket } from './contract.js';

/** As the message crosses: addresses are numbers in host order, absent times 0, absent names empty. */
export interface RawServerMessage {
  /** Value of option 53. */
  type: number;
  xid: number;
  yourAddress: number;
  serverId: number;
  leaseSeconds: number;
  renewalSeconds: number;
  rebindingSeconds: number;
  prefixLength?: number;
  routers: number[];
  /** Destination, length of the prefix and gateway of each route in turn. */
  routes?: number[];
  dnsServers: number[];
  ntpServers: number[];
  domain: string;
  searchDomains: string[];
  mtu?: number;
  hostname: string;
  text: string;
}

export interface RawClientMessage {
  type: number;
  xid: number;
  seconds: number;
  mac: Uint8Array;
  /** 0 without one. */
  clientAddress: number;
  requestedAddress: number | undefined;
  serverId: number | undefined;
  hostname: string;
  maxMessageBytes: number;
}

export interface RawDhcpSocket {
  broadcast(message: RawClientMessage, source: number): void;
  unicast(message: RawClientMessage, source: number, destination: number): void;
  receive(): { messages: RawServerMessage[]; rejected: string[] };
  wait(): Promise<void>;
  close(): void;
}

/** What the addon itself exports. */
export interface RawDhcpModule {
  encode(message: RawClientMessage): Buffer;
  decode(payload: Uint8Array, mac: Uint8Array): RawServerMessage;
  random(): number;
  open(index: number, mac: Uint8Array): RawDhcpSocket;
}

const CLIENT_TYPES: Readonly<Record<DhcpClientMessage['type'], number>> = {
  discover: 1,
  request: 3,
  decline: 4,
  release: 7,
};
const CLIENT_TYPE_NAMES: ReadonlySet<string> = new Set(Object.keys(CLIENT_TYPES));
const SERVER_TYPES: Readonly<Record<number, DhcpServerMessage['type']>> = { 2: 'offer', 5: 'ack', 6: 'nak' };
const FOR_EVER = 0xffff_ffff;
const MAX_INDEX = 0x7fff_ffff;
const MINIMUM_MESSAGE_BYTES = 576;

/**
 * DHCPv4 (RFC 2131): the codec, which is pure, and a socket on one interface. Nothing here blocks.
 * @throws `decode`: EBADMSG with what is wrong and at which offset · `open`: EPERM without CAP_NET_RAW, ENODEV · `broadcast`: ENETDOWN while
 *   the interface is down · `unicast`: ENETDOWN · ECANCELED calls on a closed socket
 */
export function createDhcpModule(raw: RawDhcpModule): DhcpModule {
  return {
    encode: (message) => raw.encode(toRaw(message)),
    decode(payload, mac) {
      if (!(payload instanceof Uint8Array)) {
        throw argumentError('ERR_INVALID_ARG_TYPE', 'payload', 'a Uint8Array', payload);
      }
      return fromRaw(raw.decode(payload, toMac(mac, 'mac')));
    },
    random: () => raw.random(),
    open(options) {
      checkObject(options, 'options');
      checkInteger(options.index, 'options.index', 1, MAX_INDEX);
      return wrapSocket(raw.open(options.index, toMac(options.mac, 'options.mac')));
    },
  };
}

function wrapSocket(socket: RawDhcpSocket): DhcpSocket {
  return {
    broadcast(message, source) {
      socket.broadcast(toRaw(message), source === undefined ? 0 : toNumber(source, 'source'));
    },
    unicast(message, source, destination) {
      socket.unicast(toRaw(message), toNumber(source, 'source'), toNumber(destination, 'destination'));
    },
    receive() {
      const { messages, rejected } = socket.receive();
      return { messages: messages.map(fromRaw), rejected };
    },
    wait: () => socket.wait(),
    close: () => socket.close(),
  };
}

function toRaw(message: DhcpClientMessage): RawClientMessage {
  checkObject(message, 'message');
  checkName(message.type, 'message.type', CLIENT_TYPE_NAMES);
  checkInteger(message.xid, 'message.xid', 0, FOR_EVER);
  checkInteger(message.seconds, 'message.seconds', 0, 0xffff);
  checkInteger(message.maxMessageBytes, 'message.maxMessageBytes', MINIMUM_MESSAGE_BYTES, 0xffff);
  checkOptionalString(message.hostname, 'message.hostname');
  const optional = (name: 'clientAddress' | 'requestedAddress' | 'serverId') => {
    const address = message[name];
    return address === undefined ? undefined : toNumber(address, `message.${name}`);
  };
  return {
    type: CLIENT_TYPES[message.type],
    xid: message.xid,
    seconds: message.seconds,
    mac: toMac(message.mac, 'message.mac'),
    clientAddress: optional('clientAddress') ?? 0,
    requestedAddress: optional('requestedAddress'),
    serverId: optional('serverId'),
    hostname: message.hostname ?? '',
    maxMessageBytes: message.maxMessageBytes,
  };
}

function fromRaw(raw: RawServerMessage): DhcpServerMessage {
  const { type, xid, leaseSeconds, renewalSeconds, rebindingSeconds, prefixLength, mtu, routes } = raw;
  return {
    type: SERVER_TYPES[type] as DhcpServerMessage['type'],
    xid,
    yourAddress: toText(raw.yourAddress),
    serverId: toText(raw.serverId),
    leaseSeconds: toSeconds(leaseSeconds),
    ...(renewalSeconds !== 0 && { renewalSeconds: toSeconds(renewalSeconds) }),
    ...(rebindingSeconds !== 0 && { rebindingSeconds: toSeconds(rebindingSeconds) }),
    ...(prefixLength !== undefined && { prefixLength }),
    routers: raw.routers.map(toText),
    ...(routes && { routes: toRoutes(routes) }),
    dnsServers: raw.dnsServers.map(toText),
    ntpServers: raw.ntpServers.map(toText),
    ...(raw.domain !== '' && { domain: raw.domain }),
    searchDomains: raw.searchDomains,
    ...(mtu !== undefined && { mtu }),
    ...(raw.hostname !== '' && { hostname: raw.hostname }),
    ...(raw.text !== '' && { text: raw.text }),
  };
}

function toRoutes(fields: number[]): DhcpRoute[] {
  const routes: DhcpRoute[] = [];
  for (let start = 0; start + 2 < fields.length; start += 3) {
    const [destination, length, gateway] = fields.slice(start, start + 3) as [number, number, number];
    routes.push({
      destination: `${toText(destination)}/${length}`,
      ...(gateway !== 0 && { gateway: toText(gateway) }),
    });
  }
  return routes;
}

function toSeconds(value: number): number {
  return value === FOR_EVER ? Number.POSITIVE_INFINITY : value;
}

function toText(address: number): string {
  return [address >>> 24, (address >>> 16) & 255, (address >>> 8) & 255, address & 255].join('.');
}

function toNumber(address: unknown, name: string): number {
  checkString(address, name);
  const parts = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(address)?.slice(1).map(Number);
  if (!parts || parts.some((part) => part > 255)) {
    throw argumentError('ERR_INVALID_ARG_VALUE', name, 'an IPv4 address', address);
  }
  return parts.reduce((sum, part) => sum * 256 + part, 0);
}

function toMac(mac: unknown, name: string): Uint8Array {
  checkString(mac, name);
  if (!/^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/i.test(mac)) {
    throw argumentError('ERR_INVALID_ARG_VALUE', name, 'an Ethernet address such as 52:54:00:12:34:56', mac);
  }
  return Uint8Array.from(mac.split(':'), (byte) => Number.parseInt(byte, 16));
}
