import { KIB, MINUTE_MS, SECOND_MS } from '../base/units.js';

/** Bounds and times of the balancer. */
export interface Limits {
  /** Connections of clients at once; one more is reset. */
  maxConnections: number;
  /** Of what a client has sent, kept until its backend has answered anything, to be sent to another one instead. */
  maxReplayBytes: number;
  /** For one backend to accept a connection; then the next one is tried. */
  connectTimeoutMs: number;
  /** From the acceptance of a client: after that no other backend is tried. */
  placingTimeoutMs: number;
  /** Of a connection that one side has ended, and on which nothing moves. */
  halfClosedTimeoutMs: number;
  keepaliveMs: number;
  /** Between two looks at a backend that is fine, and after one that failed. */
  probeIntervalMs: number;
  probeAgainMs: number;
  probeTimeoutMs: number;
  /** So many failures in a row: it is dead, and its connections are reset. */
  probeFailures: number;
}

/**
 * A backend that has vanished is found dead within probeIntervalMs + probeFailures * probeTimeoutMs + (probeFailures - 1) * probeAgainMs,
 * which is to be below 5 s.
 */
export const DEFAULT_LIMITS: Limits = {
  maxConnections: 1024,
  maxReplayBytes: 16 * KIB,
  connectTimeoutMs: SECOND_MS,
  placingTimeoutMs: 10 * SECOND_MS,
  halfClosedTimeoutMs: 5 * MINUTE_MS,
  keepaliveMs: 30 * SECOND_MS,
  probeIntervalMs: SECOND_MS,
  probeAgainMs: SECOND_MS / 4,
  probeTimeoutMs: SECOND_MS,
  probeFailures: 3,
};
