/** What is said of one metric after so many samples of both builds. Every metric is a cost: more is worse. Pure. */

import { chanceOfLarger, largestRatio } from '../lib/rank-test.js';
import { summarise } from '../lib/statistics.js';

/** A slow-down is believed when chance alone would show it less often than this. */
export const BELIEF = 0.001;
/** That there is none is believed when a larger one than allowed has at most this chance. */
export const DOUBT = 0.05;

/** What a build costs, sample by sample. */
export interface Samples {
  readonly base: readonly number[];
  readonly head: readonly number[];
}

export interface Verdict {
  /**
   * `slower`: beyond the limit, and it is no chance. `kept`: a slow-down beyond the limit is ruled out. `undecided`: neither, with so many samples of
   * such a spread.
   */
  readonly kind: 'slower' | 'kept' | 'undecided';
  /** Median of head by median of base. */
  readonly ratio: number;
  /** The largest ratio that is not ruled out. */
  readonly atMost: number;
  /** One-sided: how often chance shows as much. */
  readonly chance: number;
}

/**
 * @param limit  the largest ratio of medians that is allowed, such as 1.2
 * @throws RangeError when a side has no samples, or when one is not above 0
 */
export function judge({ base, head }: Samples, limit: number): Verdict {
  const ratio = summarise(head).median / summarise(base).median;
  const [atMost, chance] = [largestRatio(head, base, DOUBT), chanceOfLarger(head, base)];
  if (ratio > limit && chance <= BELIEF) return { kind: 'slower', ratio, atMost, chance };
  return { kind: atMost <= limit ? 'kept' : 'undecided', ratio, atMost, chance };
}

/** Of a cost that is the same each time, such as a size: one number a side decides. */
export function judgeExact(base: number, head: number, limit: number): Verdict {
  const ratio = head / base;
  return { kind: ratio > limit ? 'slower' : 'kept', ratio, atMost: ratio, chance: 0 };
}
