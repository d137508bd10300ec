/** Mounting, and what is mounted. */
import type { FileDescriptor } from './descriptor.js';

/** Of a single mount. The last three exclude each other; without one of them it is 'relatime'. */
export type MountAttribute =
  | 'ro'
  | 'nosuid'
  | 'nodev'
  | 'noexec'
  | 'nodiratime'
  | 'nosymfollow'
  | 'noatime'
  | 'relatime'
  | 'strictatime';

export type MountPropagation = 'private' | 'slave' | 'shared' | 'unbindable';

export type MountFlag =
  | MountAttribute
  | MountPropagation
  /** Of the file system behind the mount. */
  | 'sync'
  | 'dirsync'
  | 'lazytime'
  | 'silent'
  /** What is done; without one of the first three it is a new mount. */
  | 'bind'
  | 'move'
  | 'remount'
  | 'rec';

export type UmountFlag = 'detach' | 'force' | 'expire' | 'nofollow';

export interface MountOptions {
  source: string;
  target: string;
  fstype: string;
  flags: MountFlag[];
  /** Comma-separated options of the file system itself. */
  data?: string;
}

export interface MountTimeout {
  /**
   * Without it the call takes as long as the device does. ETIMEDOUT: nobody waits any more, but the kernel goes on, so the mount may
   * still come or go; `mountInfo` tells. A descriptor that comes too late is closed, which takes a detached mount away.
   */
  timeoutMs?: number;
}

export interface NewMount extends MountTimeout {
  fstype: string;
  source?: string;
  /**
   * Options of the file system, each by its name: true for one without a value, a descriptor where it takes one. Values of 255 bytes at
   * most. `{ ro: true }` makes the file system read-only, the attribute 'ro' this mount of it.
   */
  parameters?: Record<string, string | true | FileDescriptor>;
  attributes?: MountAttribute[];
}

export interface MountChange {
  set?: MountAttribute[];
  clear?: MountAttribute[];
  propagation?: MountPropagation;
  /** All mounts below as well; all of them or, with an error, none. */
  recursive?: boolean;
}

export interface LoopOptions {
  /** Set by the kernel as well when the file is not open for writing. */
  readOnly?: boolean;
  /** Detached by itself when nobody has the device open any more. */
  autoclear?: boolean;
  offsetBytes?: number;
  /** Without it: to the end of the file. */
  sizeLimitBytes?: number;
  /** 512, 1024, 2048 or 4096; without it the kernel chooses. */
  blockSizeBytes?: 512 | 1024 | 2048 | 4096;
}

export interface LoopDevice {
  path: string;
  /** Keeps it from being cleared; to be held until it is mounted. */
  device: FileDescriptor;
}

export interface FileSystemSpace {
  /** Magic number of statfs(2). */
  type: number;
  totalBytes: number;
  freeBytes: number;
  /** To processes without privileges. */
  availableBytes: number;
  files: number;
  freeFiles: number;
  isReadOnly: boolean;
}

export interface MountInfo {
  id: number;
  parentId: number;
  device: string;
  root: string;
  mountPoint: string;
  options: string;
  propagation: string;
  fstype: string;
  source: string;
  superOptions: string;
}

/**
 * What returns a promise runs on a thread of its own (at most 16 in a process, those of `files` included), never on Node's pool. What has
 * no timeout changes only the kernel's own tables.
 */
export interface MountModule {
  mount(options: MountOptions & MountTimeout): Promise<void>;
  /** For pseudo and memory file systems only: does not touch a device. */
  mountSync(options: MountOptions): void;
  umount(target: string, flags: UmountFlag[], options?: MountTimeout): Promise<void>;

  /** A new file system as a mount that is attached nowhere: it is gone when its descriptor is closed, unless it was moved to a place. */
  createMount(options: NewMount): Promise<FileDescriptor>;
  /** The mount at `path`; or a copy of it that is attached nowhere (`clone`), with all mounts below (`recursive`). */
  openTree(path: string, options?: MountTimeout & { clone?: boolean; recursive?: boolean }): Promise<FileDescriptor>;
  /** Gives it a place, or another one. The descriptor stays the caller's, and stays good. */
  moveMount(mount: FileDescriptor, target: string | FileDescriptor, options?: MountTimeout): Promise<void>;
  /** On what `createMount` and `openTree` return. Synchronous: it changes a few bits. */
  setAttributes(mount: FileDescriptor, change: MountChange): void;

  /** pivot_root(2): `newRoot` and `putOld` as there. For the whole process. */
  pivotRoot(newRoot: string, putOld: string): Promise<void>;
  /**
   * Makes the mount at `newRoot` the root, takes the old one away, and moves the mounts at `kept` along. All of it or, with an error,
   * none. For the whole process, whose working folder is the root then.
   */
  switchRoot(newRoot: string, kept: string[]): Promise<void>;

  /** Sets up a free loop device over an open file. */
  attachLoop(file: FileDescriptor, options?: LoopOptions): Promise<LoopDevice>;
  /** While others have the device open, it is detached when the last of them closes it. ENXIO: nothing is attached. */
  detachLoop(device: FileDescriptor): Promise<void>;

  /** statfs(2). 5 s unless given: ETIMEDOUT says that the file system does not answer. */
  statfs(path: string, options?: { timeoutMs?: number }): Promise<FileSystemSpace>;
  /** Threads for calls that can hang: how many there are, how many hang although nobody waits any more, and how many calls wait for one. */
  blockedCalls(): { threads: number; stuck: number; waiting: number };

  /** /proc/self/mountinfo with octal escapes decoded, in mount order. */
  mountInfo(): MountInfo[];
}
