import { errorCode, TalosError } from '../base/errors.js';
import { MIB } from '../base/units.js';
import type { FilesModule, MountModule } from '../native/contract.js';

export const CONFIG_DISK_LABEL = 'TALOSCONFIG';
export const CONFIG_FILE = 'config.yaml';
/** Real configs are a few KiB; what is larger is not one. */
export const MAX_CONFIG_BYTES = MIB;

export interface ConfigDiskAccess {
  mount: Pick<MountModule, 'mount' | 'umount'>;
  files: Pick<FilesModule, 'openRoot' | 'readFile'>;
  /** Device files of all file systems with this label. */
  findByLabel(label: string): Promise<string[]>;
  mountPoint: string;
}

/**
 * Reads the machine config from the config disk, which is mounted only as long as that takes.
 * @returns its text; undefined when there is no such disk
 * @throws TalosError ERR_CONFIG_DISK  the disk has no usable config file; or the error of the mount
 */
export async function readConfigDisk({
  mount,
  files,
  findByLabel,
  mountPoint,
}: ConfigDiskAccess): Promise<string | undefined> {
  const [source, ...others] = await findByLabel(CONFIG_DISK_LABEL);
  if (source === undefined) return undefined;
  if (others.length > 0) {
    const all = [source, ...others].join(', ');
    throw new TalosError(
      'ERR_CONFIG_DISK',
      `several disks have the label ${CONFIG_DISK_LABEL} (${all}), one is allowed`,
    );
  }
  await mount.mount({
    source,
    target: mountPoint,
    fstype: 'ext4',
    flags: ['ro', 'nosuid', 'nodev', 'noexec'],
    data: 'noload',
  });
  try {
    return await readBounded(files, mountPoint);
  } finally {
    await mount.umount(mountPoint, ['nofollow']);
  }
}

/** The disk comes from outside: a link would lead into our own files, a FIFO would hold us up, its size may be a lie. */
async function readBounded(files: ConfigDiskAccess['files'], mountPoint: string): Promise<string> {
  const root = await files.openRoot(mountPoint);
  try {
    return (await files.readFile(root, CONFIG_FILE, { maxBytes: MAX_CONFIG_BYTES })).toString('utf8');
  } catch (cause) {
    throw new TalosError('ERR_CONFIG_DISK', `${CONFIG_FILE} on the config disk ${problemOf(cause)}`, { cause });
  } finally {
    // Before the disk is unmounted, or it would be busy.
    root.close();
  }
}

function problemOf(error: unknown): string {
  const code = errorCode(error);
  if (code === 'EFBIG') return `has more than ${MAX_CONFIG_BYTES} bytes`;
  return code === 'EINVAL' || code === 'EISDIR' ? 'is not a file' : `cannot be opened (${code})`;
}
