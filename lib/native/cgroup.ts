import {
  argumentError,
  checkAbsolutePath,
  checkDescriptor,
  checkInteger,
  checkObject,
  checkString,
} from './arguments.js';
import type { CgroupLimits, CgroupModule, CgroupStats, FileDescriptor } from './contract.js';

/** What the addon itself exports: limits by position, statistics as one typed array. */
export interface RawCgroupModule {
  create(root: string, path: string): FileDescriptor;
  /** memoryMin, memoryLow, memoryHigh, memoryMax, cpuWeight, pidsMax; NaN leaves a limit as it is. */
  setLimits(group: FileDescriptor, limits: number[]): void;
  enableControllers(group: FileDescriptor, controllers: string[]): string[];
  kill(group: FileDescriptor): void;
  remove(root: string, path: string): void;
  /** cpuUsageUsec, memoryCurrentBytes, pidsCurrent of each group in turn. */
  stats(groups: FileDescriptor[]): Float64Array;
}

const VALUES_PER_GROUP = 3;
const LIMIT_RANGES: [name: keyof CgroupLimits, minimum: number, maximum: number][] = [
  ['memoryMin', -1, Number.MAX_SAFE_INTEGER],
  ['memoryLow', -1, Number.MAX_SAFE_INTEGER],
  ['memoryHigh', -1, Number.MAX_SAFE_INTEGER],
  ['memoryMax', -1, Number.MAX_SAFE_INTEGER],
  ['cpuWeight', 1, 10_000],
  ['pidsMax', -1, Number.MAX_SAFE_INTEGER],
];
const LIMIT_NAMES: ReadonlySet<string> = new Set(LIMIT_RANGES.map(([name]) => name));

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

function toPositions(limits: CgroupLimits): number[] {
  checkObject(limits, 'limits');
  for (const name of Object.keys(limits)) {
    if (!LIMIT_NAMES.has(name)) throw argumentError('ERR_INVALID_ARG_VALUE', 'limits', 'made of known limits', name);
  }
  return LIMIT_RANGES.map(([name, minimum, maximum]) => {
    const value: unknown = limits[name];
    if (value === undefined) return Number.NaN;
    checkInteger(value, `limits.${name}`, minimum, maximum);
    return value;
  });
}

/**
 * Groups of cgroup v2. Paths are resolved beneath the root only, never through links. Nothing here blocks on a device.
 * @throws `setLimits` and `kill`: ENOENT with the control file as `path` when the controller (or cgroup.kill, kernel < 5.14) is missing
 * · `create`: ENOENT parent missing, ENOTDIR, ELOOP link in the path, EAGAIN limits of depth or number reached
 * · `remove`: EBUSY
 */
export function createCgroupModule(raw: RawCgroupModule): CgroupModule {
  return {
    create(root, path) {
      checkAbsolutePath(root, 'root');
      checkGroupPath(path);
      return raw.create(root, path);
    },
    setLimits(group, limits) {
      checkDescriptor(group, 'group');
      raw.setLimits(group, toPositions(limits));
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
    kill(group) {
      checkDescriptor(group, 'group');
      raw.kill(group);
    },
    remove(root, path) {
      checkAbsolutePath(root, 'root');
      checkGroupPath(path);
      raw.remove(root, path);
    },
    stats(groups) {
      if (!Array.isArray(groups)) throw argumentError('ERR_INVALID_ARG_TYPE', 'groups', 'an array', groups);
      for (const group of groups) checkDescriptor(group, 'groups');
      const values = raw.stats(groups);
      return groups.map((_, position): CgroupStats => {
        const start = position * VALUES_PER_GROUP;
        return {
          cpuUsageUsec: values[start] as number,
          memoryCurrentBytes: values[start + 1] as number,
          pidsCurrent: values[start + 2] as number,
        };
      });
    },
  };
}
