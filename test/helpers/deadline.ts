/** A limit to waiting, for tests: what did not happen in time is named in the failure. */
import { isNative } from '../../lib/image/architecture.js';
import { testArchitecture } from './architecture.js';

/** Processors of the other architecture take about twice as long to emulate. */
const slowness = isNative(testArchitecture) ? 1 : 2;

/** Milliseconds on a machine where nodes are emulated and two tests share the processors; more for nodes of the other architecture. */
export const seconds = (count: number): number => count * 1000 * slowness;

/**
 * Gives what `promise` gives.
 * @param what   what is being waited for, for the message
 * @throws Error when the time is over; `detail` may add what was seen until then
 */
export async function within<T>(
  timeoutMs: number,
  what: string,
  promise: Promise<T>,
  detail: () => string = () => '',
): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`${what}: not within ${timeoutMs / 1000} s\n${detail()}`)), timeoutMs);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
