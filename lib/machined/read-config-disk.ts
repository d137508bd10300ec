import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { TalosError } from '../base/errors.js';
import { MIB } from '../base/units.js';
import type { MountModule } from '../native/contract.js';

export const CONFIG_DISK_LABEL = 'TALOSCONFIG';
export const CONFIG_FILE = 'config.yaml';
/** Real configs are a few KiB; what is larger is not one. */
export const MAX_CONFIG_BYTES = MIB;

export interface ConfigDiskAccess {
  mount: Pick<MountModule, 'mount' | 'umount'>;
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
    return await readBounded(join(mountPoint, CONFIG_FILE));
  } finally {
    await mount.umount(mountPoint, ['nofollow']);
  }
}

/** The disk comes from outside: a link would lead into our own files, a FIFO would hold us up. */
async function readBounded(path: string): Promise<string> {
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK).catch((cause) => {
    throw new TalosError('ERR_CONFIG_DISK', `${CONFIG_FILE} on the config disk cannot be opened (${cause.code})`, {
      cause,
    });
  });
  try {
    const info = await file.stat();
    if (!info.isFile()) throw new TalosError('ERR_CONFIG_DISK', `${CONFIG_FILE} on the config disk is not a file`);
    if (info.size > MAX_CONFIG_BYTES) {
      throw new TalosError(
        'ERR_CONFIG_DISK',
        `${CONFIG_FILE} on the config disk has ${info.size} bytes, more than ${MAX_CONFIG_BYTES}`,
      );
    }
    // The size may be a lie of the file system; the buffer is the bound.
    const buffer = Buffer.alloc(MAX_CONFIG_BYTES);
    let length = 0;
    for (;;) {
      const { bytesRead } = await file.read(buffer, length, buffer.length - length, length);
      if (bytesRead === 0) return buffer.toString('utf8', 0, length);
      length += bytesRead;
    }
  } finally {
    await file.close();
  }
}
