import { setTimeout as sleep } from 'node:timers/promises';
import { nextDelay } from '../../base/back-off.js';
import { errorMessage } from '../../base/errors.js';

/**
 * Tries until it works, later each time. Never rejects.
 * @param problem  told why it does not work yet, each reason once in a row
 * @returns undefined: the signal came
 */
export async function untilDone<T>(
  work: (signal: AbortSignal) => Promise<T>,
  { signal, problem, maxDelayMs }: { signal: AbortSignal; problem(text: string): void; maxDelayMs: number },
): Promise<T | undefined> {
  let lastProblem = '';
  for (let delayMs = 0; !signal.aborted; ) {
    try {
      return await work(signal);
    } catch (error) {
      const text = errorMessage(error);
      if (!signal.aborted && text !== lastProblem) problem(text);
      lastProblem = text;
    }
    delayMs = nextDelay(delayMs, 0, maxDelayMs);
    await sleep(delayMs * (0.5 + Math.random() / 2), undefined, { signal }).catch(() => {});
  }
  return undefined;
}
