import { KIB, MIB, MINUTE_MS, SECOND_MS } from '../base/units.js';
import { MAX_CONFIG_REQUEST_BYTES } from '../config/size.js';
import type { DoorLimits, Http2Limits } from '../server/limits.js';

/** Bounds on what strangers and clients can make osd hold. Its cgroup is the last one; these keep it from ever being met. */
export interface Limits extends DoorLimits, Omit<Http2Limits, 'maxRequestBytes'> {
  /** Of clients that show the same certificate. */
  maxConnectionsPerClient: number;
  /** What is left of these rates and bursts when a rush of connections takes all time: half of the last share each 100 ms, not below this. */
  minAcceptShare: number;
  /** Logs and Dmesg streams of all clients, and of one client certificate: each may hold two slabs. */
  maxStreams: number;
  maxStreamsPerClient: number;
  /** Calls under way on all connections, and on those of one client certificate; over when the client has taken the whole answer. */
  maxCalls: number;
  maxCallsPerClient: number;
  /** Of a request that carries a machine config. */
  maxConfigRequestBytes: number;
  /** Of requests that are names and flags: all but a machine config. */
  maxSmallMessageBytes: number;
  /** Calls whose request may be of `maxConfigRequestBytes`, at once. */
  maxLargeCalls: number;
  /** For a client to send its request. */
  requestTimeoutMs: number;
  /** For a client to take the rest of an answer that is complete. */
  answerTimeoutMs: number;
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
  minAcceptShare: 1 / 16,
  maxConcurrentCalls: 160,
  maxStreams: 256,
  maxStreamsPerClient: 128,
  maxCalls: 512,
  maxCallsPerClient: 256,
  maxMessageBytes: 32 * MIB,
  maxConfigRequestBytes: MAX_CONFIG_REQUEST_BYTES,
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
