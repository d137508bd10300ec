import { KIB, MIB, MINUTE_MS, SECOND_MS } from '../base/units.js';

/** Bounds on what strangers and clients can make osd hold. Its cgroup is the last one; these keep it from ever being met. */
export interface Limits {
  /** Connections in any state. */
  maxConnections: number;
  /** Of clients that show the same certificate. */
  maxConnectionsPerClient: number;
  /** Connections whose client has not shown a certificate yet; beyond that the oldest gives way, so that silence cannot lock anybody out. */
  maxHandshakes: number;
  handshakeTimeoutMs: number;
  /** New connections a second in the long run, and how many at once; beyond that they are closed before any cryptography. */
  acceptsPerSecond: number;
  acceptBurst: number;
  acceptsPerSecondPerAddress: number;
  acceptBurstPerAddress: number;
  /** Calls under way on one connection. */
  maxConcurrentCalls: number;
  /** Logs and Dmesg streams of all clients, and of one client certificate: each may hold two slabs. */
  maxStreams: number;
  maxStreamsPerClient: number;
  /** Calls under way on all connections, and on those of one client certificate; over when the client has taken the whole answer. */
  maxCalls: number;
  maxCallsPerClient: number;
  /** Of messages, those that osd sends included. */
  maxMessageBytes: number;
  /** Of requests that are names and flags: all but a machine config. */
  maxSmallMessageBytes: number;
  /** Calls whose request may be of `maxMessageBytes`, at once. */
  maxLargeCalls: number;
  /** For a client to send its request. */
  requestTimeoutMs: number;
  /** For a client to take the rest of an answer that is complete. */
  answerTimeoutMs: number;
  /** Of one HTTP/2 session's buffers and tables. */
  maxSessionMemoryMib: number;
  maxHeaderBytes: number;
  maxHeaderCount: number;
  idleTimeoutMs: number;
  keepaliveMs: number;
  keepaliveTimeoutMs: number;
}

export const DEFAULT_LIMITS: Limits = {
  maxConnections: 256,
  maxConnectionsPerClient: 128,
  maxHandshakes: 64,
  handshakeTimeoutMs: 10 * SECOND_MS,
  acceptsPerSecond: 100,
  acceptBurst: 200,
  acceptsPerSecondPerAddress: 25,
  acceptBurstPerAddress: 50,
  maxConcurrentCalls: 160,
  maxStreams: 256,
  maxStreamsPerClient: 128,
  maxCalls: 512,
  maxCallsPerClient: 256,
  maxMessageBytes: 32 * MIB,
  maxSmallMessageBytes: 64 * KIB,
  maxLargeCalls: 2,
  requestTimeoutMs: 30 * SECOND_MS,
  answerTimeoutMs: MINUTE_MS,
  maxSessionMemoryMib: 32,
  maxHeaderBytes: 16 * KIB,
  maxHeaderCount: 64,
  idleTimeoutMs: 15 * MINUTE_MS,
  keepaliveMs: 30 * SECOND_MS,
  keepaliveTimeoutMs: 20 * SECOND_MS,
};

/** Lets through `perSecond` in the long run and `burst` at once. */
export class TokenBucket {
  private tokens: number;
  private filledAtMs: number;

  /** @param now  milliseconds of a clock that never goes back */
  constructor(
    private readonly perSecond: number,
    private readonly burst: number,
    private readonly now: () => number = () => performance.now(),
  ) {
    this.tokens = burst;
    this.filledAtMs = now();
  }

  take(): boolean {
    const now = this.now();
    this.tokens = Math.min(this.burst, this.tokens + ((now - this.filledAtMs) / SECOND_MS) * this.perSecond);
    this.filledAtMs = now;
    if (this.tokens < 1) return false;
    this.tokens -= 1;
    return true;
  }
}

/** Addresses with a bucket of their own; the one that was not seen for the longest time makes room for a new one. */
const MAX_ADDRESSES = 1024;

/** A bucket for each address, so that one host cannot use up what all share. An IPv6 host has its whole /64. */
export class AddressBuckets {
  private readonly buckets = new Map<string, TokenBucket>();

  constructor(
    private readonly perSecond: number,
    private readonly burst: number,
    private readonly now: () => number = () => performance.now(),
  ) {}

  take(address: string): boolean {
    const key = hostPart(address);
    const bucket = this.buckets.get(key) ?? new TokenBucket(this.perSecond, this.burst, this.now);
    // Last in the map is last seen.
    this.buckets.delete(key);
    this.buckets.set(key, bucket);
    if (this.buckets.size > MAX_ADDRESSES) {
      for (const oldest of this.buckets.keys()) {
        this.buckets.delete(oldest);
        break;
      }
    }
    return bucket.take();
  }
}

/** IPv4 whole, also when it is mapped into IPv6; of IPv6 the first four groups. */
function hostPart(address: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address);
  if (mapped) return mapped[1] as string;
  if (!address.includes(':')) return address;
  const [left = '', right] = (address.split('%')[0] as string).split('::');
  const head = left === '' ? [] : left.split(':');
  if (right !== undefined) {
    const tail = right === '' ? [] : right.split(':');
    while (head.length + tail.length < 8) head.push('0');
    head.push(...tail);
  }
  return head.slice(0, 4).join(':');
}
