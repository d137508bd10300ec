// Ctrl-C and its like for commands that have something to put away: the first signal ends the work in order, the second at once.
import { constants } from 'node:os';

/** @typedef {'SIGINT' | 'SIGTERM' | 'SIGHUP'} EndingSignal */

/** @type {EndingSignal[]} */
const ending = ['SIGINT', 'SIGTERM', 'SIGHUP'];

/** The work was ended by a signal. */
export class Interrupted extends Error {
  /** @param {EndingSignal} signal */
  constructor(signal) {
    super(`ended by ${signal}`);
    /** As shells have it. */
    this.exitCode = 128 + constants.signals[signal];
  }
}

/**
 * From now on the first signal does nothing but to abort what is returned, with an {@link Interrupted} as its reason.
 * @returns {AbortSignal}
 */
export function onInterruption() {
  const controller = new AbortController();
  const listeners = ending.map((signal) => /** @type {const} */ ([signal, () => interrupt(signal)]));
  const interrupt = (signal) => {
    for (const [each, listener] of listeners) process.removeListener(each, listener);
    controller.abort(new Interrupted(signal));
  };
  for (const [signal, listener] of listeners) process.on(signal, listener);
  return controller.signal;
}

/**
 * Waits for work that cannot be told to end.
 * @template T
 * @param {AbortSignal} interruption
 * @param {Promise<T>} work
 * @returns {Promise<T>}
 * @throws {Interrupted}
 */
export async function unlessInterrupted(interruption, work) {
  const interrupted = new Promise((_, reject) => {
    if (interruption.aborted) reject(interruption.reason);
    interruption.addEventListener('abort', () => reject(interruption.reason), { once: true });
  });
  return Promise.race([work, interrupted]);
}
