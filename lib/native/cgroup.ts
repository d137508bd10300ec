import {
  argumentError,
  checkAbsolutePath,
  checkDescriptor,
  checkInteger,
  checkObject,
  checkString,
} from './arguments.js';
import { createCgroupEvents, type RawCgroupEvents } from './cgroup-events.js';
import { toRawLimits } from './cgroup-limits.js';
import { DEFAULT_SETS, decodeStats, rowSizeOf, toSetBits } from './cgroup-stats.js';
import type { CgroupModule, CgroupSampler, FileDescriptor } from './contract.js';

export interface RawCgroupSampler {
  readonly descriptors: number;
  readonly maxDescriptors: number;
  add(group: FileDescriptor): number;
  /** False when there is no group in that row. */
  remove(row: number): boolean;
  sample(): Float64Array;
  close(): void;
}

/** What the addon itself exports: limits by position, statistics as one typed array. */
export interface RawCgroupModule extends RawCgroupEvents {
  /** File and doubles of each set of statistics, by bit: for a test. */
  statSets(): [file: string, size: number][];
  create(root: string, path: string): FileDescriptor;
  /** As cgroup-limits.ts makes them. */
  setLimits(
    group: FileDescriptor,
    numbers: Float64Array,
    cpusetCpus: string | undefined,
    cpusetMems: string | undefined,
    io: Float64Array,
  ): void;
  enableControllers(group: FileDescriptor, controllers: string[]): string[];
  addProcess(group: FileDescriptor, pid: number): void;
  kill(group: FileDescriptor): void;
  remove(root: string, path: string): void;
  /** One row a group, as cgroup-stats.ts reads them. */
  stats(groups: readonly FileDescriptor[], sets: number): Float64Array;
  /** 0: half of the process's limit. */
  openSampler(sets: number, maxDescriptors: number): RawCgroupSampler;
}

const MAX_PID = 0x3f_ffff;
/** fs.nr_open as the kernel sets it. */
const MAX_DESCRIPTORS = 1 << 20;
const MAX_ROW = 0x7fff_ffff;

function checkGroupPath(path: unknown): asserts path is string {
  checkString(path, 'path');
  const parts = path.split('/');
  if (parts.some((part) => part === '' || part === '.' || part === '..')) {
    throw argumentError(
      'ERR_INVALID_ARG_VALUE',
      'path',
      "relative to the root, without empty parts, '.' and '..'",
      path,
    );
  }
}

/**
 * Groups of cgroup v2. Paths are resolved beneath the root only, never through links. Nothing here blocks on a device.
 * @throws control files (`setLimits`, `kill`, `freeze`, `stats` …): ENOENT with the file as `path` when the controller (or cgroup.kill,
 * kernel < 5.14) is missing or the group is gone · EBADMSG a text that no kernel writes
 * · `create`: ENOENT parent missing, ENOTDIR, ELOOP link in the path, EAGAIN limits of depth or number reached
 * · `addProcess`: ESRCH, EBUSY controllers are enabled for the group's children · `remove`: EBUSY · `freeze`, `thaw`, `emptied`: ETIMEDOUT
 */
export function createCgroupModule(raw: RawCgroupModule): CgroupModule {
  return {
    ...createCgroupEvents(raw),
    create(root, path) {
      checkAbsolutePath(root, 'root');
      checkGroupPath(path);
      return raw.create(root, path);
    },
    setLimits(group, limits) {
      checkDescriptor(group, 'group');
      const { numbers, cpusetCpus, cpusetMems, io } = toRawLimits(limits);
      raw.setLimits(group, numbers, cpusetCpus, cpusetMems, io);
    },
    enableControllers(group, controllers) {
      checkDescriptor(group, 'group');
      if (!Array.isArray(controllers)) {
        throw argumentError('ERR_INVALID_ARG_TYPE', 'controllers', 'an array of strings', controllers);
      }
      for (const controller of controllers) {
        checkString(controller, 'controllers');
        // One of them must not smuggle a second into the line that the kernel is given.
        if (!/^[a-z_]+$/.test(controller)) {
          throw argumentError('ERR_INVALID_ARG_VALUE', 'controllers', 'names of controllers', controller);
        }
      }
      return raw.enableControllers(group, controllers);
    },
    addProcess(group, pid) {
      checkDescriptor(group, 'group');
      checkInteger(pid, 'pid', 1, MAX_PID);
      raw.addProcess(group, pid);
    },
    kill(group) {
      checkDescriptor(group, 'group');
      raw.kill(group);
    },
    remove(root, path) {
      checkAbsolutePath(root, 'root');
      checkGroupPath(path);
      raw.remove(root, path);
    },
    stats(groups, sets = DEFAULT_SETS) {
      if (!Array.isArray(groups)) throw argumentError('ERR_INVALID_ARG_TYPE', 'groups', 'an array', groups);
      for (const group of groups) checkDescriptor(group, 'groups');
      const bits = toSetBits(sets);
      return decodeStats(raw.stats(groups, bits), bits, groups.length);
    },
    openSampler(options = {}) {
      checkObject(options, 'options');
      const { sets = DEFAULT_SETS, maxDescriptors } = options;
      if (maxDescriptors !== undefined) checkInteger(maxDescriptors, 'options.maxDescriptors', 1, MAX_DESCRIPTORS);
      const bits = toSetBits(sets);
      return wrapSampler(raw.openSampler(bits, maxDescriptors ?? 0), bits);
    },
  };
}

function wrapSampler(raw: RawCgroupSampler, bits: number): CgroupSampler {
  const rowSize = rowSizeOf(bits);
  return {
    rowSize,
    get descriptors() {
      return raw.descriptors;
    },
    get maxDescriptors() {
      return raw.maxDescriptors;
    },
    add(group) {
      checkDescriptor(group, 'group');
      return raw.add(group);
    },
    remove(row) {
      checkInteger(row, 'row', 0, MAX_ROW);
      if (!raw.remove(row)) throw argumentError('ERR_INVALID_ARG_VALUE', 'row', 'that of a group', row);
    },
    sample: () => raw.sample(),
    stats() {
      const values = raw.sample();
      return decodeStats(values, bits, values.length / rowSize);
    },
    close: () => raw.close(),
  };
}
