/** Control groups, version 2. */
import type { FileDescriptor } from './descriptor.js';

export interface CgroupLimits {
  /** Bytes; -1 means max. */
  memoryMin?: number;
  memoryLow?: number;
  memoryHigh?: number;
  memoryMax?: number;
  /** 1 to 10000. */
  cpuWeight?: number;
  /** -1 means max. */
  pidsMax?: number;
}

export interface CgroupStats {
  cpuUsageUsec: number;
  memoryCurrentBytes: number;
  pidsCurrent: number;
}

export interface CgroupModule {
  /** Creates the group (parents must exist) if it is missing and opens its directory. `path` is relative to the root, such as 'system/osd'. */
  create(root: string, path: string): FileDescriptor;
  setLimits(group: FileDescriptor, limits: CgroupLimits): void;
  /** Enables controllers for the children of the group; those that the kernel lacks are returned, not an error. */
  enableControllers(group: FileDescriptor, controllers: string[]): string[];
  /** Writes cgroup.kill: every process of the subtree gets SIGKILL. */
  kill(group: FileDescriptor): void;
  /** rmdir; EBUSY while processes or children are left. */
  remove(root: string, path: string): void;
  /** Values the kernel does not offer (a controller is missing) are 0. */
  stats(groups: FileDescriptor[]): CgroupStats[];
}
