import { errorCode, errorMessage, TalosError } from '../base/errors.js';
import { CONFIG_TOO_LARGE, MAX_CONFIG_BYTES } from '../config/size.js';
import type { FileDescriptor, FilesModule, MountModule } from '../native/contract.js';

export const CONFIG_DISK_LABEL = 'TALOSCONFIG';
export const CONFIG_FILE = 'config.yaml';
/** It holds the keys of the cluster. */
const CONFIG_MODE = 0o600;

export interface ConfigDiskAccess {
  mount: Pick<MountModule, 'mount' | 'umount'>;
  files: Pick<FilesModule, 'openRoot' | 'readFile' | 'replaceFile'>;
  /** Device files of all file systems with this label. */
  findByLabel(label: string): Promise<string[]>;
  mountPoint: string;
}

/**
 * Reads the machine config from the config disk, which is mounted only as long as that takes.
 * @returns its text; undefined when there is no such disk
 * @throws TalosError ERR_CONFIG_DISK  the disk has no usable config file; or the error of the mount
 */
export async function readConfigDisk(access: ConfigDiskAccess): Promise<string | undefined> {
  const source = await findDisk(access);
  if (source === undefined) return undefined;
  return mounted(access, source, 'ro', (root) => readBounded(access.files, root));
}

/**
 * Replaces the config on the config disk, whole or not at all. The disk is writable only as long as that takes.
 * @throws TalosError ERR_CONFIG_DISK  with a sentence: no disk, several, one that cannot be written, no room
 */
export async function writeConfigDisk(access: ConfigDiskAccess, text: string): Promise<void> {
  const source = await findDisk(access);
  if (source === undefined) {
    throw new TalosError(
      'ERR_CONFIG_DISK',
      `there is no config disk (a file system with the label ${CONFIG_DISK_LABEL})`,
    );
  }
  try {
    await mounted(access, source, 'rw', (root) =>
      access.files.replaceFile(root, CONFIG_FILE, Buffer.from(text), { mode: CONFIG_MODE }),
    );
  } catch (cause) {
    throw new TalosError('ERR_CONFIG_DISK', `the config disk ${writeProblem(cause)}`, { cause });
  }
}

async function findDisk({ findByLabel }: ConfigDiskAccess): Promise<string | undefined> {
  const [source, ...others] = await findByLabel(CONFIG_DISK_LABEL);
  if (others.length === 0) return source;
  const all = [source, ...others].join(', ');
  throw new TalosError('ERR_CONFIG_DISK', `several disks have the label ${CONFIG_DISK_LABEL} (${all}), one is allowed`);
}

async function mounted<T>(
  { mount, files, mountPoint }: ConfigDiskAccess,
  source: string,
  access: 'ro' | 'rw',
  work: (root: FileDescriptor) => Promise<T>,
): Promise<T> {
  const isReadOnly = access === 'ro';
  // One that was killed at work has left it mounted, maybe writable.
  await mount.umount(mountPoint, ['nofollow']).catch((error: unknown) => {
    if (errorCode(error) !== 'EINVAL') throw error;
  });
  await mount.mount({
    source,
    target: mountPoint,
    fstype: 'ext4',
    flags: [...(isReadOnly ? (['ro'] as const) : []), 'nosuid', 'nodev', 'noexec'],
    ...(isReadOnly ? { data: 'noload' } : {}),
  });
  try {
    const root = await files.openRoot(mountPoint);
    try {
      return await work(root);
    } finally {
      // Before the disk is unmounted, or it would be busy.
      root.close();
    }
  } finally {
    await mount.umount(mountPoint, ['nofollow']);
  }
}

/** The disk comes from outside: a link would lead into our own files, a FIFO would hold us up, its size may be a lie. */
async function readBounded(files: ConfigDiskAccess['files'], root: FileDescriptor): Promise<string> {
  try {
    return (await files.readFile(root, CONFIG_FILE, { maxBytes: MAX_CONFIG_BYTES })).toString('utf8');
  } catch (cause) {
    throw new TalosError('ERR_CONFIG_DISK', `${CONFIG_FILE} on the config disk ${readProblem(cause)}`, { cause });
  }
}

function readProblem(error: unknown): string {
  const code = errorCode(error);
  if (code === 'EFBIG') return CONFIG_TOO_LARGE;
  return code === 'EINVAL' || code === 'EISDIR' ? 'is not a file' : `cannot be opened (${code})`;
}

function writeProblem(error: unknown): string {
  const code = errorCode(error);
  if (code === 'EROFS' || code === 'EACCES') return 'is read-only';
  return code === 'ENOSPC' ? 'is full' : `cannot be written (${code ?? errorMessage(error)})`;
}
