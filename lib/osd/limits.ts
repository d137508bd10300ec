import { KIB, MIB, MINUTE_MS, SECOND_MS } from '../base/units.js';

/** Bounds on what strangers and clients can make osd hold. Its cgroup is the last one; these keep it from ever being met. */
export interface Limits {
  /** Connections in any state. */
  maxConnections: number;
  /** Connections whose client has not shown a certificate yet. */
  maxHandshakes: number;
  handshakeTimeoutMs: number;
  /** New connections a second in the long run, and how many at once; beyond that they are closed before any cryptography. */
  acceptsPerSecond: number;
  acceptBurst: number;
  /** Calls under way on one connection. */
  maxConcurrentCalls: number;
  /** Logs and Dmesg streams of all clients, and of one client certificate: each may hold two slabs. */
  maxStreams: number;
  maxStreamsPerClient: number;
  maxMessageBytes: number;
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
  maxHandshakes: 32,
  handshakeTimeoutMs: 10 * SECOND_MS,
  acceptsPerSecond: 50,
  acceptBurst: 100,
  maxConcurrentCalls: 64,
  maxStreams: 128,
  maxStreamsPerClient: 64,
  maxMessageBytes: 32 * MIB,
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
