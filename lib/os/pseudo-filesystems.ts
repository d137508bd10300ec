import { mkdirSync } from 'node:fs';
import { errorCode, errorMessage, TalosError } from '../base/errors.js';
import type { MountFlag, MountInfo, MountModule } from '../native/contract.js';

export interface PseudoFilesystem {
  target: string;
  fstype: string;
  flags: MountFlag[];
  data?: string;
  /** Without it there is no node; the others are reported when they fail (most likely: configured out of the kernel). */
  isRequired: boolean;
  /** What it is for, and why its flags are weaker than nosuid, nodev, noexec where they are. */
  reason: string;
}

const TIGHT: MountFlag[] = ['nosuid', 'nodev', 'noexec'];

/** What PID 1 mounts, parents first. The first three and cgroup2 may be there already: stage0 needs them. */
export const PSEUDO_FILESYSTEMS: readonly PseudoFilesystem[] = [
  { target: '/proc', fstype: 'proc', flags: TIGHT, isRequired: true, reason: 'processes and sysctls' },
  { target: '/sys', fstype: 'sysfs', flags: TIGHT, isRequired: true, reason: 'devices' },
  {
    target: '/dev',
    fstype: 'devtmpfs',
    flags: ['nosuid', 'noexec'],
    data: 'mode=0755',
    isRequired: true,
    reason: 'device nodes, so no nodev',
  },
  {
    target: '/dev/pts',
    fstype: 'devpts',
    flags: ['nosuid', 'noexec'],
    data: 'gid=5,mode=0620,ptmxmode=0666',
    isRequired: false,
    reason: 'terminals of `kubectl exec -t`; device nodes, so no nodev',
  },
  {
    target: '/dev/shm',
    fstype: 'tmpfs',
    flags: TIGHT,
    data: 'mode=1777',
    isRequired: false,
    reason: 'POSIX shared memory',
  },
  {
    target: '/run',
    fstype: 'tmpfs',
    flags: TIGHT,
    data: 'mode=0755,size=20%',
    isRequired: true,
    reason: 'sockets and state of services',
  },
  {
    target: '/tmp',
    fstype: 'tmpfs',
    flags: TIGHT,
    data: 'mode=1777,size=64M',
    isRequired: true,
    reason: 'scratch files of programs that insist',
  },
  {
    target: '/system',
    fstype: 'tmpfs',
    flags: TIGHT,
    data: 'mode=0755,size=64M',
    isRequired: true,
    reason: 'what the node knows of itself until reboot',
  },
  {
    target: '/etc/cni',
    fstype: 'tmpfs',
    flags: TIGHT,
    data: 'mode=0755,size=1M',
    isRequired: false,
    reason: 'what network plugins of a cluster configure; until the next boot',
  },
  {
    target: '/var',
    fstype: 'tmpfs',
    flags: ['nosuid', 'nodev'],
    data: 'mode=0755,size=50%',
    isRequired: true,
    reason: 'stands in for EPHEMERAL until there is a disk: programs of containers run from there, so no noexec',
  },
  {
    target: '/sys/fs/cgroup',
    fstype: 'cgroup2',
    flags: TIGHT,
    // A pod cannot touch the limits of the group it was given; memory.min of a group protects all that is below it.
    data: 'nsdelegate,memory_recursiveprot',
    isRequired: true,
    reason: 'limits and ends of services and pods',
  },
  {
    target: '/sys/kernel/security',
    fstype: 'securityfs',
    flags: TIGHT,
    isRequired: false,
    reason: 'state of the security modules',
  },
  {
    target: '/sys/fs/bpf',
    fstype: 'bpf',
    flags: TIGHT,
    data: 'mode=0700',
    isRequired: false,
    reason: 'pinned maps of network plugins',
  },
  { target: '/sys/fs/pstore', fstype: 'pstore', flags: TIGHT, isRequired: false, reason: 'why the last boot ended' },
];

export interface MountReport {
  mounted: string[];
  /** Were there already; their options were set anew. */
  remounted: string[];
  failed: { target: string; message: string }[];
}

/**
 * Mounts the table. May be repeated: what is mounted already, with the same type, is remounted with the table's options.
 * Does not block: none of these has a device.
 * @param prefix  put before every target, for tests
 * @throws TalosError ERR_MOUNT when a required one fails; `cause` is the error of mount(2)
 */
export function mountPseudoFilesystems(
  mount: Pick<MountModule, 'mountSync' | 'mountInfo'>,
  table: readonly PseudoFilesystem[] = PSEUDO_FILESYSTEMS,
  prefix = '',
): MountReport {
  const report: MountReport = { mounted: [], remounted: [], failed: [] };
  for (const entry of table) {
    const target = prefix + entry.target;
    try {
      const wasMounted = isMounted(mount, target, entry.fstype);
      if (!wasMounted) makeMountPoint(target);
      mount.mountSync({
        source: entry.fstype,
        target,
        fstype: entry.fstype,
        flags: wasMounted ? ['remount', ...entry.flags] : entry.flags,
        ...(entry.data !== undefined && { data: entry.data }),
      });
      (wasMounted ? report.remounted : report.mounted).push(target);
    } catch (error) {
      if (entry.isRequired) {
        throw new TalosError('ERR_MOUNT', `${target} (${entry.fstype}) could not be mounted: ${errorMessage(error)}`, {
          cause: error,
        });
      }
      report.failed.push({ target, message: errorMessage(error) });
    }
  }
  return report;
}

/** Before /proc is there, nothing can be looked up; mounting over what stage0 left is harmless then. */
function isMounted(mount: Pick<MountModule, 'mountInfo'>, target: string, fstype: string): boolean {
  let mounts: MountInfo[];
  try {
    mounts = mount.mountInfo();
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return false;
    throw error;
  }
  // The last one mounted on a point is the one that is seen.
  return mounts.findLast(({ mountPoint }) => mountPoint === target)?.fstype === fstype;
}

function makeMountPoint(target: string): void {
  try {
    mkdirSync(target, 0o755);
  } catch (error) {
    // On a read-only root the folder is part of the image; below /sys the kernel makes it or has no such file system.
    // EROFS and EPERM are told before EEXIST is: if the folder is missing, mount says so.
    const code = errorCode(error) ?? '';
    if (!['EEXIST', 'EROFS', 'EPERM', 'ENOENT'].includes(code)) throw error;
  }
}
