/** DHCP from the side of a server, written apart from lib/native so that the two check each other. RFC 2131 and 2132. */
import type { DhcpServerMessage } from '../../../lib/native/contract.js';

const COOKIE = 0x63825363;
const OPTIONS = 240;
const TYPES = ['', 'discover', 'offer', 'request', 'decline', 'ack', 'nak', 'release'];

export interface ClientRequest {
  type: string;
  xid: number;
  seconds: number;
  mac: string;
  clientAddress: string;
  requestedAddress: string | undefined;
  serverId: string | undefined;
  hostname: string | undefined;
  maxMessageBytes: number | undefined;
  clientId: string;
  /** Codes of the options that are asked for. */
  wanted: number[];
}

export type ServerReply = Pick<DhcpServerMessage, 'type' | 'xid' | 'serverId'> &
  Partial<Omit<DhcpServerMessage, 'searchDomains'>> & { mac: string };

/** @throws when it is no message of a client: nothing is forgiven here */
export function readRequest(message: Buffer): ClientRequest {
  if (message.length < 300 || message[0] !== 1 || message[1] !== 1 || message[2] !== 6)
    throw new Error('no BOOTP request');
  if (message.readUInt32BE(236) !== COOKIE) throw new Error('no DHCP message');
  const options = new Map<number, Buffer>();
  for (let position = OPTIONS; message[position] !== 255; ) {
    const code = message.readUInt8(position);
    const length = message.readUInt8(position + 1);
    if (code === 0 || options.has(code)) throw new Error(`option ${code} where it should not be`);
    options.set(code, message.subarray(position + 2, position + 2 + length));
    position += 2 + length;
  }
  const address = (code: number) => options.get(code)?.join('.');
  return {
    type: TYPES[options.get(53)?.[0] ?? 0] ?? '',
    xid: message.readUInt32BE(4),
    seconds: message.readUInt16BE(8),
    mac: message.toString('hex', 28, 34).replace(/(..)(?=.)/g, '$1:'),
    clientAddress: message.subarray(12, 16).join('.'),
    requestedAddress: address(50),
    serverId: address(54),
    hostname: options.get(12)?.toString(),
    maxMessageBytes: options.get(57)?.readUInt16BE(0),
    clientId: options.get(61)?.toString('hex') ?? '',
    wanted: [...(options.get(55) ?? [])],
  };
}

export function encodeReply(reply: ServerReply): Buffer {
  const head = Buffer.alloc(OPTIONS);
  head.set([2, 1, 6]);
  head.writeUInt32BE(reply.xid, 4);
  head.set(bytesOf(reply.yourAddress ?? '0.0.0.0'), 16);
  head.write(reply.mac.replaceAll(':', ''), 28, 'hex');
  head.writeUInt32BE(COOKIE, 236);
  const options: [code: number, value: number[] | undefined][] = [
    [53, [TYPES.indexOf(reply.type)]],
    [54, bytesOf(reply.serverId)],
    [51, seconds(reply.leaseSeconds)],
    [58, seconds(reply.renewalSeconds)],
    [59, seconds(reply.rebindingSeconds)],
    [1, reply.prefixLength === undefined ? undefined : maskOf(reply.prefixLength)],
    [3, addresses(reply.routers)],
    [121, reply.routes?.flatMap(({ destination, gateway }) => routeOf(destination, gateway))],
    [6, addresses(reply.dnsServers)],
    [42, addresses(reply.ntpServers)],
    [15, text(reply.domain)],
    [12, text(reply.hostname)],
    [26, reply.mtu === undefined ? undefined : [reply.mtu >> 8, reply.mtu & 255]],
    [56, text(reply.text)],
  ];
  const there = options.flatMap(([code, value]) => (value === undefined ? [] : [code, value.length, ...value]));
  return Buffer.concat([head, Buffer.from([...there, 255])]);
}

function bytesOf(address: string): number[] {
  return address.split('.').map(Number);
}

function addresses(list: string[] | undefined): number[] | undefined {
  return list === undefined || list.length === 0 ? undefined : list.flatMap(bytesOf);
}

function seconds(value: number | undefined): number[] | undefined {
  if (value === undefined) return undefined;
  return [value >>> 24, (value >>> 16) & 255, (value >>> 8) & 255, value & 255];
}

function text(value: string | undefined): number[] | undefined {
  return value === undefined ? undefined : [...Buffer.from(value)];
}

function maskOf(length: number): number[] {
  return [0, 8, 16, 24].map((start) => 256 - 2 ** (8 - Math.min(Math.max(length - start, 0), 8)));
}

function routeOf(destination: string, gateway = '0.0.0.0'): number[] {
  const [network = '', length = ''] = destination.split('/');
  return [Number(length), ...bytesOf(network).slice(0, Math.ceil(Number(length) / 8)), ...bytesOf(gateway)];
}
