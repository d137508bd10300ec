import { open, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { errorCode } from '../base/errors.js';
import type { NetlinkModule } from '../native/contract.js';
import { type Ext4Superblock, parseExt4Superblock, SUPERBLOCK_BYTES, SUPERBLOCK_OFFSET } from './ext4-superblock.js';
import { untilUevent } from './until-uevent.js';

/** The unit of `size` in sysfs, whatever the block size of the device. */
const SECTOR_BYTES = 512;

export interface BlockDevice {
  /** 'vda', 'nvme0n1p2'. */
  name: string;
  path: string;
  sizeBytes: number;
  isPartition: boolean;
  isReadOnly: boolean;
}

export interface LabelledFilesystem extends Ext4Superblock {
  device: BlockDevice;
}

/** Where devices are looked for; other folders in tests. */
export interface DeviceFolders {
  sysfs?: string;
  dev?: string;
}

/**
 * All disks and partitions that have a size (an empty drive or an unused loop device has none), by name.
 * Reads sysfs only: does not touch a device.
 */
export async function listBlockDevices(folders: DeviceFolders = {}): Promise<BlockDevice[]> {
  const { sysfs = '/sys/class/block', dev = '/dev' } = folders;
  const names = (await readdir(sysfs)).sort();
  const devices = await Promise.all(names.map((name) => readDevice(sysfs, dev, name)));
  return devices.filter((device) => device !== undefined && device.sizeBytes > 0) as BlockDevice[];
}

/** undefined for a device that went away meanwhile. */
async function readDevice(sysfs: string, dev: string, name: string): Promise<BlockDevice | undefined> {
  const attribute = async (file: string) => (await readFile(join(sysfs, name, file), 'utf8')).trim();
  try {
    const [sectors, readOnly] = await Promise.all([attribute('size'), attribute('ro')]);
    const isPartition = await attribute('partition').then(
      () => true,
      () => false,
    );
    return {
      name,
      // The kernel writes ! for a slash in names: 'cciss!c0d0'.
      path: join(dev, name.replaceAll('!', '/')),
      sizeBytes: Number(sectors) * SECTOR_BYTES,
      isPartition,
      isReadOnly: readOnly === '1',
    };
  } catch (error) {
    if (errorCode(error) === 'ENOENT' || errorCode(error) === 'ENODEV') return undefined;
    throw error;
  }
}

/**
 * Reads the superblock of a device, on the thread pool: sleeps as long as the device does.
 * @returns undefined when there is no ext4 on it, or when it cannot be read (no medium, gone, too short, I/O error)
 */
export async function readExt4Superblock(path: string): Promise<Ext4Superblock | undefined> {
  try {
    const file = await open(path, 'r');
    try {
      const bytes = Buffer.alloc(SUPERBLOCK_BYTES);
      const { bytesRead } = await file.read(bytes, 0, SUPERBLOCK_BYTES, SUPERBLOCK_OFFSET);
      return parseExt4Superblock(bytes.subarray(0, bytesRead));
    } finally {
      await file.close();
    }
  } catch (error) {
    // A failed system call says that this device is none; anything else is a fault of ours.
    if (errorCode(error) !== undefined) return undefined;
    throw error;
  }
}

/**
 * Every ext4 file system with this label, by device name; more than one is the caller's to judge.
 * Reads 1 KiB of each device, all at the same time; a device that does not answer delays the result for as long.
 */
export async function findExt4ByLabel(label: string, folders: DeviceFolders = {}): Promise<LabelledFilesystem[]> {
  const devices = await listBlockDevices(folders);
  const found = await Promise.all(
    devices.map(async (device) => {
      const superblock = await readExt4Superblock(device.path);
      return superblock?.label === label ? { ...superblock, device } : undefined;
    }),
  );
  return found.filter((filesystem) => filesystem !== undefined);
}

/**
 * Waits until there is an ext4 file system with this label: looks now, and whenever a block device is added or changes.
 * @throws TalosError ERR_WAIT_TIMEOUT · the reason of `signal`
 */
export function waitForExt4ByLabel(
  netlink: Pick<NetlinkModule, 'monitorUevents'>,
  label: string,
  options: { timeoutMs?: number; signal?: AbortSignal; folders?: DeviceFolders } = {},
): Promise<LabelledFilesystem[]> {
  return untilUevent({
    netlink,
    look: async () => {
      const found = await findExt4ByLabel(label, options.folders);
      return found.length > 0 ? found : undefined;
    },
    matters: (event) => event.subsystem === 'block' && event.action !== 'remove',
    timeoutMs: options.timeoutMs,
    signal: options.signal,
    describe: () => `a file system with the label '${label}'`,
  });
}
