/** Mounting, and what is mounted. */

export interface MountOptions {
  source: string;
  target: string;
  fstype: string;
  /** 'ro' 'nosuid' 'nodev' 'noexec' 'noatime' 'relatime' 'bind' 'rec' 'remount' 'private' 'slave' 'shared' … */
  flags: string[];
  /** Comma-separated options of the file system itself. */
  data?: string;
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

export interface MountModule {
  /** mount(2) on the thread pool. */
  mount(options: MountOptions): Promise<void>;
  /** For pseudo and memory file systems only: does not touch a device. */
  mountSync(options: MountOptions): void;
  /** umount2(2). `flags`: 'detach' 'force' 'nofollow'. */
  umount(target: string, flags: string[]): Promise<void>;
  /** /proc/self/mountinfo with octal escapes decoded, in mount order. */
  mountInfo(): MountInfo[];
}
