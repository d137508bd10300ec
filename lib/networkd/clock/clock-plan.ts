/**
 * When a time server is asked, and what is done with its answer. Pure.
 *
 *   state       answer                        what is done                next question after
 *   unsure      off by more than STEP_MS      step                        SOON_MS
 *   unsure      nearer                        slew; sure                  FIRST_POLL_MS
 *   sure        off by at most SLEW_MS        slew                        twice as long when near, half as long when far
 *   sure        off by more                   nothing: the answer may     SOON_MS
 *                                             be wrong; doubtful
 *   doubtful    off by as much again          step; unsure                SOON_MS
 *   doubtful    anything else                 as sure
 *   any         none                          the next server is asked    RETRY_MS, doubled up to MAX_RETRY_MS; when sure, the interval
 *                                                                         or MAX_RETRY_MS at least, whichever is shorter
 */
import { SECOND_MS } from '../../base/units.js';
import type { Slew } from '../../native/contract.js';

export interface ClockState {
  kind: 'unsure' | 'sure' | 'doubtful';
  /** What the last answer said, when it is doubtful. */
  doubtMs: number;
  pollMs: number;
  /** In a row. */
  failures: number;
}

/** What has to be added to the clock, and how long question and answer took. */
export interface ClockSample {
  offsetMs: number;
  delayMs: number;
}

export type ClockAction = { kind: 'step'; byMs: number } | { kind: 'slew'; slew: Slew } | { kind: 'none' };

export interface ClockStep {
  state: ClockState;
  action: ClockAction;
  /** Until the next question; whoever waits makes it a little shorter or longer, so that nodes do not ask together. */
  nextMs: number;
}

/** An hour of slewing is not worth the wait at the start. */
const STEP_MS = 100;
/** The kernel takes half a second. */
const SLEW_MS = 400;
const NEAR_MS = 10;
const FAR_MS = 50;
const SOON_MS = 2 * SECOND_MS;
const FIRST_POLL_MS = 32 * SECOND_MS;
const LAST_POLL_MS = 2048 * SECOND_MS;
const RETRY_MS = SECOND_MS;
const MAX_RETRY_MS = 64 * SECOND_MS;
/** Two answers say the same when they differ by no more than this share. */
const ALIKE = 0.1;

export const INITIAL_CLOCK: ClockState = { kind: 'unsure', doubtMs: 0, pollMs: FIRST_POLL_MS, failures: 0 };

/** @param sample  undefined: nobody answered, or nothing that could be believed */
export function planClock(state: ClockState, sample: ClockSample | undefined): ClockStep {
  if (sample === undefined) {
    const failures = state.failures + 1;
    const retryMs = Math.min(RETRY_MS * 2 ** Math.min(state.failures, 16), MAX_RETRY_MS);
    const nextMs = state.kind === 'sure' ? Math.max(retryMs, Math.min(state.pollMs, MAX_RETRY_MS)) : retryMs;
    return { state: { ...state, failures }, action: { kind: 'none' }, nextMs };
  }
  const { offsetMs } = sample;
  const distanceMs = Math.abs(offsetMs);
  const fresh: ClockState = { kind: 'sure', doubtMs: 0, pollMs: FIRST_POLL_MS, failures: 0 };
  const isAgain = state.kind === 'doubtful' && Math.abs(offsetMs - state.doubtMs) <= distanceMs * ALIKE;
  if (state.kind === 'unsure' ? distanceMs > STEP_MS : isAgain && distanceMs > SLEW_MS) {
    return { state: { ...fresh, kind: 'unsure' }, action: { kind: 'step', byMs: offsetMs }, nextMs: SOON_MS };
  }
  if (distanceMs > SLEW_MS) {
    return { state: { ...fresh, kind: 'doubtful', doubtMs: offsetMs }, action: { kind: 'none' }, nextMs: SOON_MS };
  }
  const pollMs = state.kind === 'unsure' ? FIRST_POLL_MS : nextPoll(state.pollMs, distanceMs);
  return { state: { ...fresh, pollMs }, action: { kind: 'slew', slew: slewOf(sample, pollMs) }, nextMs: pollMs };
}

function nextPoll(pollMs: number, distanceMs: number): number {
  if (distanceMs <= NEAR_MS) return Math.min(pollMs * 2, LAST_POLL_MS);
  return distanceMs >= FAR_MS ? Math.max(pollMs / 2, FIRST_POLL_MS) : pollMs;
}

/** Half of the way there and back is how wrong the answer may be. */
function slewOf({ offsetMs, delayMs }: ClockSample, pollMs: number): Slew {
  return {
    offsetMs,
    timeConstant: Math.min(Math.max(Math.round(Math.log2(pollMs / SECOND_MS)) - 4, 0), 10),
    maxErrorMs: Math.abs(offsetMs) + delayMs / 2,
    estimatedErrorMs: delayMs / 2,
  };
}
