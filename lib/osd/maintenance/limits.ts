import { KIB, MINUTE_MS, SECOND_MS } from '../../base/units.js';
import { MAX_CONFIG_REQUEST_BYTES } from '../../config/size.js';
import type { StrangerLimits } from '../../server/limits.js';

/**
 * Bounds on what strangers can make a node without a config hold: in the worst case 32 connections with a machine config of 1 MiB in each of
 * their calls.
 */
export const MAINTENANCE_LIMITS: StrangerLimits = {
  maxConnections: 64,
  // Nobody leaves this state here (stranger-door.ts).
  maxHandshakes: 32,
  handshakeTimeoutMs: 10 * SECOND_MS,
  acceptsPerSecond: 50,
  acceptBurst: 100,
  acceptsPerSecondPerAddress: 5,
  acceptBurstPerAddress: 25,
  // A machine config over a slow line, and its answer.
  connectionLifetimeMs: 2 * MINUTE_MS,
  callsPerSecond: 25,
  callBurst: 50,
  callsPerSecondPerAddress: 5,
  callBurstPerAddress: 20,
  maxConcurrentCalls: 2,
  maxRequestBytes: MAX_CONFIG_REQUEST_BYTES,
  maxMessageBytes: 1024 * KIB,
  maxSessionMemoryMib: 2,
  maxHeaderBytes: 8 * KIB,
  maxHeaderCount: 32,
  idleTimeoutMs: MINUTE_MS,
  keepaliveMs: 30 * SECOND_MS,
  keepaliveTimeoutMs: 20 * SECOND_MS,
};
