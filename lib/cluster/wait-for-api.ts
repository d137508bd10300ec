import { setTimeout as delay } from 'node:timers/promises';
import { isTimeout, withDeadline } from '../base/abort.js';
import { errorMessage, TalosError } from '../base/errors.js';
import { formatDuration } from '../base/units.js';
import type { ConsoleFollower } from './console-log.js';

/**
 * Asks a node's API for its version, once, and rejects when it does not answer. Given by the caller, since this layer speaks
 * no gRPC. `signal` ends the attempt.
 */
export type ApiProbe = (signal: AbortSignal) => Promise<void>;

/** The line by which osd says that it can be asked. */
export const API_LISTENING = /\[talos\] phase osd-listening/;

/** While the line has not been seen the API is asked anyway, seldom: an attempt costs the emulated node CPU time. */
const SELDOM_MS = 2000;
const SOON_MS = 50;
const ATTEMPT_TIMEOUT_MS = 5000;

/**
 * Waits until a node's API answers.
 * @param options.probe       one attempt
 * @param options.console     the node's console
 * @param options.ended       aborted with the reason when the node's QEMU ends; rejects with that reason at once
 * @param options.timeoutMs   patience
 * @param options.signal      ends the waiting with its reason
 * @throws TalosError ERR_API_TIMEOUT with the last reason why the API could not be asked
 */
export async function waitForApi(options: {
  probe: ApiProbe;
  console: ConsoleFollower;
  ended: AbortSignal;
  timeoutMs: number;
  signal?: AbortSignal | undefined;
}): Promise<void> {
  let lastError: unknown;
  const failed = (error: unknown) => {
    lastError = error;
  };
  try {
    await withDeadline(options.timeoutMs, [options.ended, options.signal], (stop) =>
      untilAnswered(options.probe, options.console, stop, failed),
    );
  } catch (error) {
    if (options.ended.aborted) throw options.ended.reason;
    options.signal?.throwIfAborted();
    if (!isTimeout(error)) throw error;
    const reason = lastError === undefined ? 'it never said that it listens' : errorMessage(lastError);
    throw new TalosError(
      'ERR_API_TIMEOUT',
      `the node's API did not answer within ${formatDuration(options.timeoutMs)}: ${reason}`,
      { cause: lastError, hint: 'read the console log for what the node is doing' },
    );
  }
}

async function untilAnswered(
  probe: ApiProbe,
  console: ConsoleFollower,
  stop: AbortSignal,
  failed: (error: unknown) => void,
): Promise<void> {
  const heard = new AbortController();
  const listening = console.waitFor(API_LISTENING, { signal: stop }).then(() => heard.abort());
  for (;;) {
    if (!heard.signal.aborted) await Promise.race([listening, delay(SELDOM_MS, undefined, { signal: stop })]);
    // An attempt from before the line waits for a connection that a node without network never saw, for seconds: it ends with the line.
    const isEarly = !heard.signal.aborted;
    try {
      await withDeadline(ATTEMPT_TIMEOUT_MS, [stop, isEarly ? heard.signal : undefined], probe);
      return;
    } catch (error) {
      failed(error);
    }
    if (!isEarly) await delay(SOON_MS, undefined, { signal: stop });
    stop.throwIfAborted();
  }
}
