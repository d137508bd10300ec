/** A limit to waiting, for tests: what did not happen in time is named in the failure. */

/** Milliseconds on a machine where nodes are emulated and two tests share the processors. */
export const seconds = (count: number): number => count * 1000;

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
