import {
  argumentError,
  checkAbsolutePath,
  checkBoolean,
  checkDescriptor,
  checkInteger,
  checkName,
  checkNames,
  checkObject,
  checkOptionalString,
  checkString,
} from './arguments.js';
import type { FileDescriptor, LoopOptions, MountChange, MountModule, MountOptions, NewMount } from './contract.js';
import { toMountInfo } from './mount-table.js';

/** What the addon itself exports: the timeout last, undefined for none. */
export interface RawMountModule {
  mount(
    source: string,
    target: string,
    fstype: string,
    flags: string[],
    data: string,
    timeoutMs: number | undefined,
  ): Promise<void>;
  mountSync(source: string, target: string, fstype: string, flags: string[], data: string): void;
  umount(target: string, flags: string[], timeoutMs: number | undefined): Promise<void>;
  createMount(
    fstype: string,
    source: string,
    keys: string[],
    values: (string | true | FileDescriptor)[],
    attributes: string[],
    timeoutMs: number | undefined,
  ): Promise<FileDescriptor>;
  openTree(path: string, clone: boolean, recursive: boolean, timeoutMs: number | undefined): Promise<FileDescriptor>;
  moveMount(mount: FileDescriptor, target: string | FileDescriptor, timeoutMs: number | undefined): Promise<void>;
  setAttributes(mount: FileDescriptor, set: string[], clear: string[], propagation: string[], recursive: boolean): void;
  pivotRoot(newRoot: string, putOld: string): Promise<void>;
  switchRoot(newRoot: string, kept: string[]): Promise<void>;
  /** [path, device]; 0 for what is not given. */
  attachLoop(
    file: FileDescriptor,
    readOnly: boolean,
    autoclear: boolean,
    offsetBytes: number,
    sizeLimitBytes: number,
    blockSizeBytes: number,
  ): Promise<[string, FileDescriptor]>;
  detachLoop(device: FileDescriptor): Promise<void>;
  /** type, blockBytes, blocks, freeBlocks, availableBlocks, files, freeFiles, isReadOnly. */
  statfs(path: string, timeoutMs: number): Promise<Float64Array>;
  /** threads, stuck, waiting. */
  blockedCalls(): Float64Array;
  /** Texts with a NUL behind each, and ten numbers a mount: see mount-table.ts. */
  mountInfo(): [string, Uint32Array];
}

const DEFAULT_STATFS_TIMEOUT_MS = 5000;
const MAX_TIMEOUT_MS = 2 ** 31;
/** The kernel's limit for a key and for a value of fsconfig(2). */
const MAX_PARAMETER_BYTES = 255;

const ATTRIBUTES = [
  ...['ro', 'nosuid', 'nodev', 'noexec', 'nodiratime', 'nosymfollow', 'noatime', 'relatime', 'strictatime'],
];
const PROPAGATIONS = ['private', 'slave', 'shared', 'unbindable'];
export const MOUNT_ATTRIBUTES: ReadonlySet<string> = new Set(ATTRIBUTES);
export const MOUNT_PROPAGATIONS: ReadonlySet<string> = new Set(PROPAGATIONS);

/** Same names as the table in native/mount/flags.cc; a test compares them. */
export const MOUNT_FLAGS: ReadonlySet<string> = new Set([
  ...ATTRIBUTES,
  ...PROPAGATIONS,
  ...['sync', 'dirsync', 'lazytime', 'silent'],
  ...['bind', 'move', 'remount', 'rec'],
]);

export const UMOUNT_FLAGS: ReadonlySet<string> = new Set(['detach', 'force', 'expire', 'nofollow']);

const BLOCK_SIZES: readonly unknown[] = [512, 1024, 2048, 4096];

function checkMountOptions(options: MountOptions): void {
  checkObject(options, 'options');
  checkString(options.source, 'options.source');
  checkAbsolutePath(options.target, 'options.target');
  checkString(options.fstype, 'options.fstype');
  checkNames(options.flags, 'options.flags', MOUNT_FLAGS);
  checkOptionalString(options.data, 'options.data');
}

function timeoutOf(options: { timeoutMs?: number }): number | undefined {
  checkObject(options, 'options');
  const { timeoutMs } = options;
  if (timeoutMs !== undefined) checkInteger(timeoutMs, 'options.timeoutMs', 0, MAX_TIMEOUT_MS);
  return timeoutMs;
}

function checkParameter(key: string, value: unknown): void {
  const name = `options.parameters.${key}`;
  checkString(key, 'options.parameters');
  if (key === '' || Buffer.byteLength(key) > MAX_PARAMETER_BYTES) {
    throw argumentError('ERR_INVALID_ARG_VALUE', 'options.parameters', 'made of names of 1 to 255 bytes', key);
  }
  if (value === true) return;
  if (typeof value === 'object') {
    checkDescriptor(value, name);
    return;
  }
  checkString(value, name);
  if (Buffer.byteLength(value) > MAX_PARAMETER_BYTES) {
    throw argumentError('ERR_INVALID_ARG_VALUE', name, 'a string of at most 255 bytes', value);
  }
}

function checkNewMount(options: NewMount): void {
  checkObject(options, 'options');
  checkString(options.fstype, 'options.fstype');
  const { source = '', parameters = {}, attributes = [] } = options;
  checkString(source, 'options.source');
  if (Buffer.byteLength(source) > MAX_PARAMETER_BYTES) {
    throw argumentError('ERR_INVALID_ARG_VALUE', 'options.source', 'a string of at most 255 bytes', source);
  }
  checkObject(parameters, 'options.parameters');
  for (const [key, value] of Object.entries(parameters)) checkParameter(key, value);
  checkNames(attributes, 'options.attributes', MOUNT_ATTRIBUTES);
}

function checkChange(change: MountChange): void {
  checkObject(change, 'change');
  const { set = [], clear = [], propagation, recursive = false } = change;
  checkNames(set, 'change.set', MOUNT_ATTRIBUTES);
  checkNames(clear, 'change.clear', MOUNT_ATTRIBUTES);
  if (propagation !== undefined) checkName(propagation, 'change.propagation', MOUNT_PROPAGATIONS);
  checkBoolean(recursive, 'change.recursive');
}

function checkLoopOptions(options: LoopOptions): void {
  checkObject(options, 'options');
  const { readOnly = false, autoclear = false, offsetBytes = 0, sizeLimitBytes = 0, blockSizeBytes } = options;
  checkBoolean(readOnly, 'options.readOnly');
  checkBoolean(autoclear, 'options.autoclear');
  checkInteger(offsetBytes, 'options.offsetBytes', 0);
  checkInteger(sizeLimitBytes, 'options.sizeLimitBytes', 0);
  if (blockSizeBytes !== undefined && !BLOCK_SIZES.includes(blockSizeBytes)) {
    throw argumentError('ERR_INVALID_ARG_VALUE', 'options.blockSizeBytes', `one of ${BLOCK_SIZES}`, blockSizeBytes);
  }
}

/**
 * Mounting: mount(2), and the API by descriptors of Linux 5.2 (fsopen(2) and its relatives).
 *
 * `mount` stands for several calls of the kernel. A new file system and a bind are made complete, with their attributes, before they get
 * their place, so nobody sees a mount that is less restricted than what was asked for; an older kernel (ENOSYS), and options that can only be given as
 * a whole, lead to mount(2) in steps. 'remount' replaces the attributes by those named; 'bind' keeps those of its source.
 *
 * What the kernel has to say about an option is in `stage` of the error.
 * @throws EINVAL with a sentence in the message when flags contradict each other · EPERM without CAP_SYS_ADMIN · EBUSY · ENODEV no such
 * file system · ETIMEDOUT · EAGAIN no thread could be made
 */
export function createMountModule(raw: RawMountModule): MountModule {
  return {
    async mount(options) {
      checkMountOptions(options);
      const { source, target, fstype, flags, data = '' } = options;
      await raw.mount(source, target, fstype, flags, data, timeoutOf(options));
    },
    mountSync(options) {
      checkMountOptions(options);
      raw.mountSync(options.source, options.target, options.fstype, options.flags, options.data ?? '');
    },
    async umount(target, flags, options = {}) {
      checkAbsolutePath(target, 'target');
      checkNames(flags, 'flags', UMOUNT_FLAGS);
      await raw.umount(target, flags, timeoutOf(options));
    },
    async createMount(options) {
      checkNewMount(options);
      const { fstype, source = '', parameters = {}, attributes = [] } = options;
      const values = Object.values(parameters);
      return raw.createMount(fstype, source, Object.keys(parameters), values, attributes, timeoutOf(options));
    },
    async openTree(path, options = {}) {
      checkAbsolutePath(path, 'path');
      const timeoutMs = timeoutOf(options);
      const { clone = false, recursive = false } = options;
      checkBoolean(clone, 'options.clone');
      checkBoolean(recursive, 'options.recursive');
      if (recursive && !clone) {
        throw argumentError('ERR_INVALID_ARG_VALUE', 'options.recursive', "false without 'clone'", recursive);
      }
      return raw.openTree(path, clone, recursive, timeoutMs);
    },
    async moveMount(mount, target, options = {}) {
      checkDescriptor(mount, 'mount');
      if (typeof target === 'string') checkAbsolutePath(target, 'target');
      else checkDescriptor(target, 'target');
      await raw.moveMount(mount, target, timeoutOf(options));
    },
    setAttributes(mount, change) {
      checkDescriptor(mount, 'mount');
      checkChange(change);
      const { set = [], clear = [], propagation, recursive = false } = change;
      raw.setAttributes(mount, set, clear, propagation === undefined ? [] : [propagation], recursive);
    },
    async pivotRoot(newRoot, putOld) {
      checkAbsolutePath(newRoot, 'newRoot');
      checkAbsolutePath(putOld, 'putOld');
      await raw.pivotRoot(newRoot, putOld);
    },
    async switchRoot(newRoot, kept) {
      checkAbsolutePath(newRoot, 'newRoot');
      if (!Array.isArray(kept)) throw argumentError('ERR_INVALID_ARG_TYPE', 'kept', 'an array of strings', kept);
      for (const path of kept) checkAbsolutePath(path, 'kept');
      await raw.switchRoot(newRoot, kept);
    },
    async attachLoop(file, options = {}) {
      checkDescriptor(file, 'file');
      checkLoopOptions(options);
      const { readOnly = false, autoclear = false, offsetBytes = 0, sizeLimitBytes = 0, blockSizeBytes = 0 } = options;
      const [path, device] = await raw.attachLoop(
        file,
        readOnly,
        autoclear,
        offsetBytes,
        sizeLimitBytes,
        blockSizeBytes,
      );
      return { path, device };
    },
    async detachLoop(device) {
      checkDescriptor(device, 'device');
      await raw.detachLoop(device);
    },
    async statfs(path, options = {}) {
      checkAbsolutePath(path, 'path');
      const values = await raw.statfs(path, timeoutOf(options) ?? DEFAULT_STATFS_TIMEOUT_MS);
      const [type, blockBytes, blocks, free, available, files, freeFiles, isReadOnly] = values as unknown as number[];
      const bytes = (count: number | undefined) => (count as number) * (blockBytes as number);
      return {
        type: type as number,
        totalBytes: bytes(blocks),
        freeBytes: bytes(free),
        availableBytes: bytes(available),
        files: files as number,
        freeFiles: freeFiles as number,
        isReadOnly: isReadOnly === 1,
      };
    },
    blockedCalls() {
      const [threads = 0, stuck = 0, waiting = 0] = raw.blockedCalls();
      return { threads, stuck, waiting };
    },
    mountInfo: () => toMountInfo(...raw.mountInfo()),
  };
}
