/** File systems that the kernel makes up, and what of them must not be read. */
import type { FileStatus, MountModule } from '../../../native/contract.js';
import {
  KUBERNETES_FOLDER,
  KUBERNETES_RUN_FOLDER,
  KUBERNETES_STATE,
  MOUNT_POINT,
  STATE_FOLDER,
  STATE_MOUNT_POINT,
} from '../../folders.js';

/** What is in them takes no space, and they have no end worth waiting for. */
const MADE_UP: ReadonlySet<string> = new Set([
  ...['proc', 'sysfs', 'cgroup', 'cgroup2', 'devpts', 'debugfs', 'tracefs', 'securityfs', 'bpf', 'pstore'],
  ...['configfs', 'efivarfs', 'fusectl', 'mqueue', 'hugetlbfs', 'binfmt_misc', 'nsfs', 'selinuxfs'],
]);

/**
 * Of proc, wherever it is mounted. `mem` and `kcore` are the memory of processes (keys among it) and of the kernel; `kmsg` keeps a
 * reader waiting, and what it reads nobody else does.
 */
const UNREADABLE: ReadonlySet<string> = new Set(['mem', 'kcore', 'kmsg']);

/** An administrator's certificate ends some day; with the CA's key its holder would make the next one. */
const KEY_FOLDERS = [
  ...[MOUNT_POINT, STATE_FOLDER, STATE_MOUNT_POINT],
  ...[KUBERNETES_STATE, KUBERNETES_FOLDER, KUBERNETES_RUN_FOLDER],
].map((folder) => `${folder}/`);

export class SpecialFiles {
  private readonly fileSystems: ReadonlyMap<string, string>;

  /** What is mounted now. */
  constructor(mount: Pick<MountModule, 'mountInfo'>) {
    this.fileSystems = new Map(mount.mountInfo().map(({ device, fstype }) => [device, fstype]));
  }

  isMadeUp(status: FileStatus): boolean {
    return MADE_UP.has(this.fileSystemOf(status) ?? '');
  }

  /** Why a file must not be read; undefined for nearly all. No link is ever followed to it, and of what is mounted twice both places are named. */
  refusal(path: string, status: FileStatus): string | undefined {
    if (KEY_FOLDERS.some((folder) => path.startsWith(folder)))
      return 'there are keys in it, and it is not read over the API';
    const name = path.split('/').at(-1) as string;
    if (this.fileSystemOf(status) !== 'proc' || !UNREADABLE.has(name)) return undefined;
    return name === 'kmsg' ? 'the kernel log is there by dmesg' : 'it is memory, and is not read over the API';
  }

  private fileSystemOf({ identity }: FileStatus): string | undefined {
    return this.fileSystems.get(deviceName(BigInt(identity.split(':')[0] as string)));
  }
}

/** `st_dev` as mountinfo writes it: major and minor. The layout is glibc's. */
function deviceName(device: bigint): string {
  const major = ((device >> 8n) & 0xfffn) | ((device >> 32n) & ~0xfffn);
  const minor = (device & 0xffn) | ((device >> 12n) & ~0xffn);
  return `${major}:${minor & 0xffff_ffffn}`;
}
