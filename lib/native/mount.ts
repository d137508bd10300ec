import { checkAbsolutePath, checkNames, checkObject, checkOptionalString, checkString } from './arguments.js';
import type { MountInfo, MountModule, MountOptions } from './contract.js';

/** What the addon itself exports: the mount table as one flat array, ten strings a mount in the order of MountInfo. */
export interface RawMountModule {
  mount(source: string, target: string, fstype: string, flags: string[], data: string): Promise<void>;
  mountSync(source: string, target: string, fstype: string, flags: string[], data: string): void;
  umount(target: string, flags: string[]): Promise<void>;
  mountInfo(): string[];
}

const FIELDS_PER_MOUNT = 10;

/** Same names as the table in native/mount/mount.cc; a test compares them. */
export const MOUNT_FLAGS: ReadonlySet<string> = new Set([
  ...['ro', 'nosuid', 'nodev', 'noexec', 'nodiratime', 'nosymfollow', 'noatime', 'relatime', 'strictatime'],
  ...['sync', 'dirsync', 'lazytime', 'silent'],
  ...['bind', 'move', 'remount', 'rec'],
  ...['private', 'slave', 'shared', 'unbindable'],
]);

export const UMOUNT_FLAGS: ReadonlySet<string> = new Set(['detach', 'force', 'expire', 'nofollow']);

function checkMountOptions(options: MountOptions): void {
  checkObject(options, 'options');
  checkString(options.source, 'options.source');
  checkAbsolutePath(options.target, 'options.target');
  checkString(options.fstype, 'options.fstype');
  checkNames(options.flags, 'options.flags', MOUNT_FLAGS);
  checkOptionalString(options.data, 'options.data');
}

/**
 * Mounting, as described by mount(2).
 *
 * One `mount` call may stand for several of the kernel's: a bind with attributes is the bind and a change of its attributes
 * (of all mounts below with 'rec'), a propagation flag is always a call of its own. A new mount that could not be given all
 * that was asked for is detached again. 'remount' replaces the attributes by those named; 'bind' keeps those of its source.
 *
 * `mount` and `umount` sleep on a thread of the pool for as long as the device takes; `mountSync` and `mountInfo` do not touch a device.
 * @throws EINVAL with a sentence in the message when flags contradict each other
 */
export function createMountModule(raw: RawMountModule): MountModule {
  return {
    async mount(options) {
      checkMountOptions(options);
      await raw.mount(options.source, options.target, options.fstype, options.flags, options.data ?? '');
    },
    mountSync(options) {
      checkMountOptions(options);
      raw.mountSync(options.source, options.target, options.fstype, options.flags, options.data ?? '');
    },
    async umount(target, flags) {
      checkAbsolutePath(target, 'target');
      checkNames(flags, 'flags', UMOUNT_FLAGS);
      await raw.umount(target, flags);
    },
    mountInfo() {
      const fields = raw.mountInfo();
      const mounts: MountInfo[] = [];
      for (let start = 0; start < fields.length; start += FIELDS_PER_MOUNT) mounts.push(toMountInfo(fields, start));
      return mounts;
    },
  };
}

function toMountInfo(fields: string[], start: number): MountInfo {
  const field = (offset: number) => fields[start + offset] as string;
  return {
    id: Number(field(0)),
    parentId: Number(field(1)),
    device: field(2),
    root: field(3),
    mountPoint: field(4),
    options: field(5),
    propagation: field(6),
    fstype: field(7),
    source: field(8),
    superOptions: field(9),
  };
}
