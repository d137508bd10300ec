import { constants } from 'node:os';
import { argumentError, checkDescriptor, checkFunction, checkInteger, checkName, checkObject } from './arguments.js';
import { toMemoryEvents } from './cgroup-stats.js';
import type { CgroupEventHandlers, CgroupEvents, CgroupModule, EventWatch, FileDescriptor } from './contract.js';

/** What the addon itself exports of groups that tell something. */
export interface RawCgroupEvents {
  /** `callback(values)` now and after each change; `callback()` when the group is gone, `callback(undefined, error)`: the last call. */
  watchEvents(
    group: FileDescriptor,
    file: string,
    callback: (values?: Float64Array, error?: Error) => void,
  ): EventWatch;
  watchPressure(
    group: FileDescriptor,
    resource: string,
    isFull: boolean,
    stallUsec: number,
    windowUsec: number,
    /** `isGone`, the group: the last call. */
    callback: (isGone: boolean) => void,
  ): EventWatch;
  setFrozen(group: FileDescriptor, frozen: boolean): void;
}

const DECODERS: { [File in keyof CgroupEvents]: (values: Float64Array) => CgroupEvents[File] } = {
  'cgroup.events': ([populated, frozen]) => ({ isPopulated: populated === 1, isFrozen: frozen === 1 }),
  'memory.events': toMemoryEvents,
  'memory.events.local': toMemoryEvents,
  'pids.events': ([max]) => ({ max: max as number }),
};
const FILES: ReadonlySet<string> = new Set(Object.keys(DECODERS));
const RESOURCES: ReadonlySet<string> = new Set(['cpu', 'memory', 'io']);
const KINDS: ReadonlySet<string> = new Set(['some', 'full']);
/** The kernel's own bounds of a window. */
const WINDOW_USEC = { minimum: 500_000, maximum: 10_000_000 };
/** A process that is stuck in the kernel does not freeze before it is through. */
const FREEZE_TIMEOUT_MS = 10_000;
const MAX_TIMEOUT_MS = 0x7fff_ffff;

type EventMembers = 'watchEvents' | 'watchPressure' | 'freeze' | 'thaw' | 'emptied';

/** The part of the module that waits. Nothing is polled: the reactor is told by the kernel. */
export function createCgroupEvents(raw: RawCgroupEvents): Pick<CgroupModule, EventMembers> {
  function watchEvents<File extends keyof CgroupEvents>(
    group: FileDescriptor,
    file: File,
    handlers: CgroupEventHandlers<File>,
  ): EventWatch {
    checkDescriptor(group, 'group');
    checkName(file, 'file', FILES);
    checkObject(handlers, 'handlers');
    checkFunction(handlers.onChange, 'handlers.onChange');
    if (handlers.onEnd !== undefined) checkFunction(handlers.onEnd, 'handlers.onEnd');
    const watch = raw.watchEvents(group, file, (values, error) => {
      if (values) return handlers.onChange(DECODERS[file](values));
      watch.close();
      handlers.onEnd?.(error);
    });
    return watch;
  }

  /** Resolves when cgroup.events says so, or the group is gone. */
  function until(
    group: FileDescriptor,
    isReached: (event: CgroupEvents['cgroup.events']) => boolean,
    timeoutMs: number | undefined,
    syscall: string,
  ): Promise<void> {
    return new Promise((resolve, reject) => {
      let timer: NodeJS.Timeout | undefined;
      const end = (settle: () => void) => {
        clearTimeout(timer);
        watch.close();
        settle();
      };
      const watch = watchEvents(group, 'cgroup.events', {
        onChange: (event) => {
          if (isReached(event)) end(resolve);
        },
        onEnd: (error) => end(() => (error ? reject(error) : resolve())),
      });
      if (timeoutMs !== undefined) timer = setTimeout(() => end(() => reject(timedOut(syscall))), timeoutMs);
    });
  }

  const setFrozen = async (group: FileDescriptor, isFrozen: boolean, options?: { timeoutMs?: number }) => {
    checkDescriptor(group, 'group');
    const timeoutMs = checkTimeout(options) ?? FREEZE_TIMEOUT_MS;
    raw.setFrozen(group, isFrozen);
    await until(group, (event) => event.isFrozen === isFrozen, timeoutMs, isFrozen ? 'freeze' : 'thaw');
  };

  return {
    watchEvents,
    watchPressure(group, trigger, onStall) {
      checkDescriptor(group, 'group');
      checkObject(trigger, 'trigger');
      const { resource, kind, stallUsec, windowUsec } = trigger;
      checkName(resource, 'trigger.resource', RESOURCES);
      checkName(kind, 'trigger.kind', KINDS);
      checkInteger(windowUsec, 'trigger.windowUsec', WINDOW_USEC.minimum, WINDOW_USEC.maximum);
      checkInteger(stallUsec, 'trigger.stallUsec', 1, windowUsec);
      checkFunction(onStall, 'onStall');
      const watch = raw.watchPressure(group, resource, kind === 'full', stallUsec, windowUsec, (isGone) => {
        if (isGone) watch.close();
        else onStall();
      });
      return watch;
    },
    freeze: (group, options) => setFrozen(group, true, options),
    thaw: (group, options) => setFrozen(group, false, options),
    async emptied(group, options) {
      checkDescriptor(group, 'group');
      await until(group, (event) => !event.isPopulated, checkTimeout(options), 'emptied');
    },
  };
}

function checkTimeout(options: { timeoutMs?: number } | undefined): number | undefined {
  if (options === undefined) return undefined;
  checkObject(options, 'options');
  const { timeoutMs } = options;
  if (timeoutMs !== undefined) checkInteger(timeoutMs, 'options.timeoutMs', 0, MAX_TIMEOUT_MS);
  for (const name of Object.keys(options)) {
    if (name !== 'timeoutMs') throw argumentError('ERR_INVALID_ARG_VALUE', 'options', 'timeoutMs alone', name);
  }
  return timeoutMs;
}

function timedOut(syscall: string): Error {
  const errno = -constants.errno.ETIMEDOUT;
  return Object.assign(new Error(`ETIMEDOUT: timed out, ${syscall}`), { code: 'ETIMEDOUT', errno, syscall });
}
