import { KIB, SECOND_MS } from '../base/units.js';
import { MAX_KEY_REQUEST_BYTES } from '../pki/key-request.js';
import type { StrangerLimits } from '../server/limits.js';

/** Bounds on what strangers can make trustd hold and do. All of its clients are strangers: what they have to show comes with the call. */
export type Limits = StrangerLimits;

export const DEFAULT_LIMITS: Limits = {
  maxConnections: 128,
  // Nobody leaves this state here (stranger-door.ts).
  maxHandshakes: 64,
  handshakeTimeoutMs: 10 * SECOND_MS,
  acceptsPerSecond: 50,
  acceptBurst: 100,
  acceptsPerSecondPerAddress: 2,
  acceptBurstPerAddress: 20,
  connectionLifetimeMs: 20 * SECOND_MS,
  callsPerSecond: 25,
  callBurst: 50,
  callsPerSecondPerAddress: 1,
  callBurstPerAddress: 10,
  maxConcurrentCalls: 4,
  maxRequestBytes: 2 * MAX_KEY_REQUEST_BYTES,
  maxMessageBytes: 256 * KIB,
  maxSessionMemoryMib: 2,
  maxHeaderBytes: 8 * KIB,
  maxHeaderCount: 32,
  idleTimeoutMs: 10 * SECOND_MS,
  keepaliveMs: 30 * SECOND_MS,
  keepaliveTimeoutMs: 20 * SECOND_MS,
};
