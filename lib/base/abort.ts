/**
 * Work that ends with the first of several signals.
 *
 * Not by AbortSignal.any(): in Node.js 20, the oldest that osctl runs on, a composite signal refers to its sources weakly, so that an
 * AbortSignal.timeout() among them is collected as garbage and never aborts anything; and a source keeps a reference to each composite as long as
 * it lives itself.
 */
import { formatDuration, MAX_TIMER_MS } from './units.js';

/**
 * Does `work` with a signal that is aborted as soon as one of `sources` is, with its reason. Nothing of it is left on the sources when the
 * work has ended.
 * @param sources  undefined ones never abort
 */
export async function withSignals<T>(
  sources: readonly (AbortSignal | undefined)[],
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const first = new AbortController();
  const released: (() => void)[] = [];
  for (const source of sources) {
    if (source === undefined) continue;
    const abort = () => first.abort(source.reason);
    if (source.aborted) abort();
    source.addEventListener('abort', abort, { once: true });
    released.push(() => source.removeEventListener('abort', abort));
  }
  try {
    return await work(first.signal);
  } finally {
    for (const release of released) release();
  }
}

/**
 * The same with one source more: aborted after `timeoutMs`, which may be infinite.
 * @throws DOMException TimeoutError  the work failed when the time was over, its cause is with what · else whatever the work throws
 */
export async function withDeadline<T>(
  timeoutMs: number,
  sources: readonly (AbortSignal | undefined)[],
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  if (timeoutMs > MAX_TIMER_MS) return await withSignals(sources, work);
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(timeoutError(timeoutMs)), Math.max(timeoutMs, 0));
  try {
    return await withSignals([...sources, late.signal], work);
  } catch (error) {
    // Whatever was ended by it says so in its own way: aborted, cut, killed.
    if (!late.signal.aborted || sources.some((source) => source?.aborted)) throw error;
    throw timeoutError(timeoutMs, error);
  } finally {
    clearTimeout(timer);
  }
}

/** Whether an error says that the time of {@link withDeadline} was over. */
export function isTimeout(error: unknown): boolean {
  return error instanceof DOMException && error.name === 'TimeoutError';
}

function timeoutError(timeoutMs: number, cause?: unknown): DOMException {
  return new DOMException(`not within ${formatDuration(timeoutMs)}`, { name: 'TimeoutError', cause });
}
