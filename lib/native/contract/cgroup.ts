/** Control groups, version 2. */
import type { FileDescriptor } from './descriptor.js';

/** Of one block device; -1 or nothing: no limit. */
export interface CgroupIoLimit {
  major: number;
  minor: number;
  readBytesPerSecond?: number;
  writeBytesPerSecond?: number;
  readOperationsPerSecond?: number;
  writeOperationsPerSecond?: number;
}

/** What is not named stays as it is. */
export interface CgroupLimits {
  /** Bytes; -1 means max. */
  memoryMin?: number;
  memoryLow?: number;
  memoryHigh?: number;
  memoryMax?: number;
  memorySwapMax?: number;
  /** Whether an out-of-memory kill takes all processes of the group. */
  memoryOomGroup?: boolean;
  /** 1 to 10000. */
  cpuWeight?: number;
  /** Microseconds of CPU time (-1 means max) in each period (1,000 to 1,000,000; otherwise it stays as it is). */
  cpuMax?: { quotaUsec: number; periodUsec?: number };
  /** -1 means max. */
  pidsMax?: number;
  /** 1 to 10000. */
  ioWeight?: number;
  ioMax?: readonly CgroupIoLimit[];
  /** Lists such as '0-3,8'; '' means those of the parent. */
  cpusetCpus?: string;
  cpusetMems?: string;
}

export interface CgroupPressure {
  /** Per cent of the time in which at least one task was held up, over the last 10, 60 and 300 s; and microseconds in all. */
  some: { avg10: number; avg60: number; avg300: number; totalUsec: number };
  /** … in which all of them were, at the same time. */
  full: { avg10: number; avg60: number; avg300: number; totalUsec: number };
}

/** The sets of values that were asked for, but for those that the kernel does not have for this group: no such controller, or the group is gone. */
export interface CgroupStats {
  cpu?: {
    usageUsec: number;
    userUsec: number;
    systemUsec: number;
    /** Of cpuMax: periods in which the group wanted to run, those in which it had to wait, and for how long in all. */
    periods: number;
    throttledPeriods: number;
    throttledUsec: number;
  };
  memoryBytes?: number;
  /** Processes and threads. */
  pids?: number;
  memoryStat?: {
    anonBytes: number;
    fileBytes: number;
    kernelBytes: number;
    shmemBytes: number;
    inactiveAnonBytes: number;
    activeAnonBytes: number;
    inactiveFileBytes: number;
    activeFileBytes: number;
    slabReclaimableBytes: number;
    slabUnreclaimableBytes: number;
    pageFaults: number;
    majorPageFaults: number;
  };
  memoryEvents?: CgroupMemoryEvents;
  swapBytes?: number;
  /** Of all devices together. */
  io?: {
    readBytes: number;
    writtenBytes: number;
    reads: number;
    writes: number;
    discardedBytes: number;
    discards: number;
  };
  cpuPressure?: CgroupPressure;
  memoryPressure?: CgroupPressure;
  ioPressure?: CgroupPressure;
}

export type CgroupStatSet = keyof CgroupStats;

/** How often it came to that. */
export interface CgroupMemoryEvents {
  /** Reclaimed although below memoryLow. */
  low: number;
  /** Held up for being above memoryHigh. */
  high: number;
  /** Was about to exceed memoryMax. */
  max: number;
  /** Could not be brought below memoryMax by reclaim. */
  oom: number;
  /** Processes killed for want of memory. */
  oomKill: number;
  oomGroupKill: number;
}

export interface CgroupEvents {
  'cgroup.events': { isPopulated: boolean; isFrozen: boolean };
  /** With the groups below. */
  'memory.events': CgroupMemoryEvents;
  /** Without them. */
  'memory.events.local': CgroupMemoryEvents;
  /** How often a fork failed for the limit. */
  'pids.events': { max: number };
}

/** Keeps the event loop alive until it is closed, or has ended by itself. */
export interface EventWatch {
  /** Nothing is called from then on. Idempotent. */
  close(): void;
}

export interface CgroupEventHandlers<File extends keyof CgroupEvents> {
  /** With the state now, and after each change; changes in quick succession may come as one. */
  onChange(event: CgroupEvents[File]): void;
  /** The last call: the group is gone (seen when something else has changed), or the file cannot be read. */
  onEnd?(error?: Error): void;
}

/** Statistics of the same groups again and again, from control files that stay open. */
export interface CgroupSampler {
  /** Descriptors in use: one for each set and group whose file is there. */
  readonly descriptors: number;
  readonly maxDescriptors: number;
  /** Values of a group in `sample()`. */
  readonly rowSize: number;
  /** Gives the group a row: that of a group that was removed, or a new last one. EMFILE when there would be more than `maxDescriptors`. */
  add(group: FileDescriptor): number;
  /** Gives up the row and its descriptors. */
  remove(row: number): void;
  /**
   * One row a group, as native/cgroup/stats.h lays them out: the values of the sets in the order of the table there. NaN: not there, or no group in that
   * row. The array is the same each time as long as no row is added; it is overwritten by the next call.
   */
  sample(): Float64Array;
  /** `sample()`, decoded. */
  stats(): CgroupStats[];
  close(): void;
}

export interface CgroupModule {
  /** Creates the group (parents must exist) if it is missing and opens its directory. `path` is relative to the root, such as 'system/osd'. */
  create(root: string, path: string): FileDescriptor;
  setLimits(group: FileDescriptor, limits: CgroupLimits): void;
  /** Enables controllers for the children of the group; those that the kernel lacks are returned, not an error. */
  enableControllers(group: FileDescriptor, controllers: string[]): string[];
  /** Moves a process with all its threads into the group. Its memory stays charged to where it was allocated. */
  addProcess(group: FileDescriptor, pid: number): void;
  /** Writes cgroup.kill: every process of the subtree gets SIGKILL. */
  kill(group: FileDescriptor): void;
  /** Stops every process of the subtree; resolves when the last one has stopped. After ETIMEDOUT the group still freezes: thaw it. */
  freeze(group: FileDescriptor, options?: { timeoutMs?: number }): Promise<void>;
  /** Lets them run again; resolves when the group is no longer frozen. */
  thaw(group: FileDescriptor, options?: { timeoutMs?: number }): Promise<void>;
  /** Resolves when there is no process (zombies do not count) in the subtree, or no group any more. */
  emptied(group: FileDescriptor, options?: { timeoutMs?: number }): Promise<void>;
  /** rmdir; EBUSY while processes or children are left. */
  remove(root: string, path: string): void;
  /** One call for all groups: opens, reads and closes the files. `sets`: cpu, memoryBytes and pids unless given. */
  stats(groups: readonly FileDescriptor[], sets?: readonly CgroupStatSet[]): CgroupStats[];
  /** `maxDescriptors`: half of what the process may open unless given. */
  openSampler(options?: { sets?: readonly CgroupStatSet[]; maxDescriptors?: number }): CgroupSampler;
  watchEvents<File extends keyof CgroupEvents>(
    group: FileDescriptor,
    file: File,
    handlers: CgroupEventHandlers<File>,
  ): EventWatch;
  /**
   * Calls back, at most once in each window, when tasks of the group were held up for `stallUsec` within `windowUsec` (500,000 to 10,000,000).
   * The watch of a group that is removed ends by itself.
   * @throws EINVAL numbers that the kernel does not take · ENOENT, EOPNOTSUPP the kernel counts no pressure
   */
  watchPressure(
    group: FileDescriptor,
    trigger: { resource: 'cpu' | 'memory' | 'io'; kind: 'some' | 'full'; stallUsec: number; windowUsec: number },
    onStall: () => void,
  ): EventWatch;
}
