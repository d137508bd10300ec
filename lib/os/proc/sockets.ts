import { SocketAddress } from 'node:net';
import { columns, count } from './text.js';

/** Files of /proc/net, one a protocol. */
export const SOCKET_PROTOCOLS = [...(['tcp', 'tcp6', 'udp', 'udp6', 'udplite', 'udplite6', 'raw', 'raw6'] as const)];
export type SocketProtocol = (typeof SOCKET_PROTOCOLS)[number];

/** The kernel's numbers of TCP states (include/net/tcp_states.h); of a datagram socket only these two are seen. */
export const SocketState = { established: 1, close: 7, listen: 10 } as const;

export interface Socket {
  l4proto: SocketProtocol;
  localip: string;
  localport: number;
  remoteip: string;
  remoteport: number;
  /** 1 to 12. */
  state: number;
  /** Bytes. */
  txqueue: number;
  rxqueue: number;
  /** Which timer runs: 0 none, 1 retransmission, 2 another one, 3 TIME_WAIT, 4 zero window probe. */
  tr: number;
  /** When it ends, in the kernel's clock ticks. */
  timerwhen: number;
  retrnsmt: number;
  uid: number;
  timeout: number;
  /** 0: it belongs to no process any more. */
  inode: number;
  ref: number;
  /** 0 where the kernel does not tell addresses of its own. */
  pointer: number;
}

/** So much is parsed at a time: about ten milliseconds' worth. */
const LINES_AT_A_TIME = 1000;

/**
 * A file of /proc/net, in pieces, so that a caller may do something else between them: there can be hundreds of thousands of sockets.
 * Source: Documentation/networking/proc_net_tcp.rst.
 */
export function* parseSockets(text: string, l4proto: SocketProtocol): Generator<Socket[], void, undefined> {
  const [_titles, ...lines] = text.trimEnd().split('\n');
  // Those of many sockets are the same.
  const addresses = new Map<string, string>();
  const address = (digits: string): string => {
    const known = addresses.get(digits) ?? addressOf(digits);
    addresses.set(digits, known);
    return known;
  };
  for (let at = 0; at < lines.length; at += LINES_AT_A_TIME) {
    yield lines.slice(at, at + LINES_AT_A_TIME).map((line) => socket(columns(line), l4proto, address));
  }
}

function socket(line: readonly string[], l4proto: SocketProtocol, address: (digits: string) => string): Socket {
  const [, local = '', remote = '', state, queues = '', timer = '', retransmits, uid, timeout, inode, ref, pointer] =
    line;
  const [localip, localport] = endpoint(local, address);
  const [remoteip, remoteport] = endpoint(remote, address);
  const [txqueue, rxqueue] = queues.split(':').map(hex);
  const [tr, timerwhen] = timer.split(':').map(hex);
  return {
    l4proto,
    ...{ localip, localport, remoteip, remoteport },
    state: hex(state),
    txqueue: txqueue ?? 0,
    rxqueue: rxqueue ?? 0,
    tr: tr ?? 0,
    timerwhen: timerwhen ?? 0,
    retrnsmt: hex(retransmits),
    uid: count(uid),
    timeout: count(timeout),
    inode: count(inode),
    ref: count(ref),
    pointer: pointerOf(pointer),
  };
}

function hex(digits: string | undefined): number {
  return count(`0x${digits ?? ''}`);
}

/** Above 2^53 it would be another number, and an address that is not exact says nothing. */
function pointerOf(digits: string | undefined): number {
  const value = hex(digits);
  return Number.isSafeInteger(value) ? value : 0;
}

function endpoint(text: string, address: (digits: string) => string): [string, number] {
  const [digits = '', port] = text.split(':');
  return [address(digits), hex(port)];
}

function addressOf(digits: string): string {
  return digits.length === 8 ? ipv4(digits) : ipv6(digits);
}

/** The kernel prints the words of an address as they lie in memory, and both our architectures are little-endian. */
function bytesOf(digits: string): number[] {
  const words = digits.match(/.{8}/g) ?? [];
  return words.flatMap((word) => (word.match(/../g) ?? []).reverse().map((byte) => Number.parseInt(byte, 16)));
}

function ipv4(digits: string): string {
  return bytesOf(digits).join('.');
}

function ipv6(digits: string): string {
  const bytes = bytesOf(digits);
  const groups = Array.from({ length: 8 }, (_, at) =>
    (((bytes[2 * at] ?? 0) << 8) | (bytes[2 * at + 1] ?? 0)).toString(16),
  );
  // RFC 5952 by the C library.
  return new SocketAddress({ family: 'ipv6', address: groups.join(':') }).address;
}

/**
 * Waits for whoever comes, instead of talking to someone. A datagram socket says so by its state (one that was connected is ESTABLISHED) and by
 * having no peer.
 */
export function isListening({ l4proto, state, remoteip, remoteport }: Socket): boolean {
  if (l4proto === 'tcp' || l4proto === 'tcp6') return state === SocketState.listen;
  return state === SocketState.close && remoteport === 0 && (remoteip === '0.0.0.0' || remoteip === '::');
}
