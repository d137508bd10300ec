import { TalosError } from '../base/errors.js';
import type { NetlinkModule, Uevent } from '../native/contract.js';

export interface UntilUeventOptions<T> {
  netlink: Pick<NetlinkModule, 'monitorUevents'>;
  /** Looks whether what is waited for is there. Called once at the start, and again after events that matter; never twice at a time. */
  look(): T | undefined | Promise<T | undefined>;
  /** Whether `look` could find more after this event. */
  matters(event: Uevent): boolean;
  /** Without it the wait has no end but `signal`. */
  timeoutMs?: number | undefined;
  signal?: AbortSignal | undefined;
  /** What is waited for, for the message of the time-out: "the interface 'eth0'". Called when it has come to that. */
  describe(): string;
}

/**
 * Waits for something that the kernel announces by a uevent, without polling: the monitor is there before the first look, so
 * nothing can appear unseen between the two, and a lost event (overrun) is a reason to look again.
 * Does not block; holds a netlink socket until it settles.
 * @throws TalosError ERR_WAIT_TIMEOUT · the reason of `signal` · what `look` throws
 */
export async function untilUevent<T>(options: UntilUeventOptions<T>): Promise<T> {
  const { netlink, look, matters, timeoutMs, signal } = options;
  signal?.throwIfAborted();
  const { promise, resolve, reject } = withResolvers<T>();
  let isLooking = false;
  let isStale = false;

  const lookAgain = async (): Promise<void> => {
    // An event during a look may be about what that look has passed already.
    isStale = true;
    if (isLooking) return;
    isLooking = true;
    try {
      while (isStale) {
        isStale = false;
        const found = await look();
        if (found !== undefined) return resolve(found);
      }
    } catch (error) {
      reject(error);
    } finally {
      isLooking = false;
    }
  };

  const monitor = netlink.monitorUevents({
    onUevent: (event) => {
      if (matters(event)) void lookAgain();
    },
    onOverrun: () => void lookAgain(),
  });
  const timer =
    timeoutMs === undefined
      ? undefined
      : setTimeout(() => {
          try {
            reject(new TalosError('ERR_WAIT_TIMEOUT', `${options.describe()} did not appear within ${timeoutMs} ms`));
          } catch (error) {
            reject(error);
          }
        }, timeoutMs);
  const onAbort = () => reject(signal?.reason);
  signal?.addEventListener('abort', onAbort, { once: true });
  try {
    void lookAgain();
    return await promise;
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', onAbort);
    monitor.close();
  }
}

/** Promise.withResolvers() of newer Node versions. */
function withResolvers<T>() {
  let resolve!: (value: T) => void;
  let reject!: (reason: unknown) => void;
  const promise = new Promise<T>((onResolve, onReject) => {
    resolve = onResolve;
    reject = onReject;
  });
  return { promise, resolve, reject };
}
