import { MINUTE_MS, SECOND_MS } from '../../base/units.js';

/** Messages with one transaction id: a question, sent again until it is answered or given up. Times are milliseconds of the boot clock. */
export interface Exchange {
  xid: number;
  startedAtMs: number;
  /** Times that the question was sent. */
  attempts: number;
  resendAtMs: number;
  /** The field `secs` of the question: seconds since the client began to look for an address, as of the last time it was sent. */
  seconds: number;
}

/** What the machine needs of the world. */
export interface Surroundings {
  nowMs: number;
  /** 32 random bits. */
  random(): number;
}

const FIRST_DELAY_MS = 4 * SECOND_MS;
const LONGEST_DELAY_MS = 64 * SECOND_MS;
const JITTER_MS = SECOND_MS;
const MAX_SECONDS = 0xffff;
/** Between two requests for more time. */
const SHORTEST_RENEWAL_MS = MINUTE_MS;

/** 0 to 1, without 1. */
export function fraction({ random }: Surroundings): number {
  return random() / 2 ** 32;
}

/** The first question, sent now. It is sent again after 4 s, doubled up to 64 s, each time a second more or less (RFC 2131, 4.1). */
export function firstAttempt(world: Surroundings): Exchange {
  const xid = world.random();
  return { xid, startedAtMs: world.nowMs, attempts: 1, resendAtMs: world.nowMs + delayMs(1, world), seconds: 0 };
}

/** The same question again. */
export function nextAttempt(exchange: Exchange, world: Surroundings): Exchange {
  const { nowMs } = world;
  const attempts = exchange.attempts + 1;
  return {
    ...exchange,
    attempts,
    resendAtMs: nowMs + delayMs(attempts, world),
    seconds: secondsSince(exchange.startedAtMs, nowMs),
  };
}

/**
 * A request for more time, sent now. It is sent again when half of the time until `untilMs` has passed, but not within a minute
 * (RFC 2131, 4.4.5).
 */
export function renewalAttempt(exchange: Exchange | undefined, untilMs: number, world: Surroundings): Exchange {
  const { nowMs, random } = world;
  const resendAtMs = nowMs + Math.max((untilMs - nowMs) / 2, SHORTEST_RENEWAL_MS);
  if (!exchange) return { xid: random(), startedAtMs: nowMs, attempts: 1, resendAtMs, seconds: 0 };
  const seconds = secondsSince(exchange.startedAtMs, nowMs);
  return { ...exchange, attempts: exchange.attempts + 1, resendAtMs, seconds };
}

function delayMs(attempts: number, world: Surroundings): number {
  const base = Math.min(FIRST_DELAY_MS * 2 ** (attempts - 1), LONGEST_DELAY_MS);
  return Math.round(base + JITTER_MS * (2 * fraction(world) - 1));
}

function secondsSince(startedAtMs: number, nowMs: number): number {
  return Math.min(Math.floor((nowMs - startedAtMs) / SECOND_MS), MAX_SECONDS);
}
