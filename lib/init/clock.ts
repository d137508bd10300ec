/** Time as PID 1 uses it; tests put their own in its place. */
export interface Clock {
  /** Milliseconds of CLOCK_MONOTONIC, which on Linux starts at boot: the kernel log's own time base. */
  monotonicMs(): number;
  /** Milliseconds of the wall clock. */
  wallMs(): number;
  /** Runs `callback` once, later; the result cancels it. */
  after(delayMs: number, callback: () => void): () => void;
}

export const systemClock: Clock = {
  monotonicMs: () => Number(process.hrtime.bigint()) / 1e6,
  wallMs: () => Date.now(),
  after(delayMs, callback) {
    const timer = setTimeout(callback, delayMs);
    return () => clearTimeout(timer);
  },
};

/** Resolves after `delayMs` of the given clock. */
export function sleep(clock: Clock, delayMs: number): Promise<void> {
  return new Promise((resolve) => {
    clock.after(delayMs, resolve);
  });
}

/**
 * Waits for `work`, but not longer than `deadlineMs`. A rejection is passed on; one that comes after the deadline is nobody's any more.
 * @returns whether the work was done in time
 */
export async function within(clock: Clock, deadlineMs: number, work: Promise<unknown>): Promise<boolean> {
  let cancel = () => {};
  const expired = new Promise<false>((resolve) => {
    cancel = clock.after(deadlineMs, () => resolve(false));
  });
  try {
    return await Promise.race([work.then(() => true), expired]);
  } finally {
    cancel();
  }
}
