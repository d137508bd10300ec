import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { errorCode } from '../base/errors.js';
import type { BlockModule, Filesystem, NetlinkModule } from '../native/contract.js';
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

export interface LabelledFilesystem extends Filesystem {
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

/** What is needed of the addon's block module. */
export type Inspector = Pick<BlockModule, 'inspect'>;

const EXT_TYPES: ReadonlySet<string> = new Set(['ext2', 'ext3', 'ext4']);

/**
 * The ext2, ext3 or ext4 file system of a device.
 * @returns undefined when there is none, or when the device cannot be read (no medium, gone, too short, I/O error)
 */
export async function readExtFilesystem(block: Inspector, path: string): Promise<Filesystem | undefined> {
  try {
    const { filesystems } = await block.inspect(path);
    return filesystems.find(({ type }) => EXT_TYPES.has(type));
  } catch (error) {
    // A failed system call says that this device is none; anything else is a fault of ours.
    if (errorCode(error) !== undefined && !(error instanceof TypeError)) return undefined;
    throw error;
  }
}

/**
 * Every ext file system with this label, by device name; more than one is the caller's to judge. One whose superblock has a wrong
 * checksum is none.
 * Looks at all devices at the same time; one that does not answer delays the result for as long.
 */
export async function findExt4ByLabel(
  block: Inspector,
  label: string,
  folders: DeviceFolders = {},
): Promise<LabelledFilesystem[]> {
  const devices = await listBlockDevices(folders);
  const found = await Promise.all(
    devices.map(async (device) => {
      const filesystem = await readExtFilesystem(block, device.path);
      const isIt = filesystem?.label === label && filesystem.checksum !== 'wrong';
      return isIt ? { ...filesystem, device } : undefined;
    }),
  );
  return found.filter((filesystem) => filesystem !== undefined);
}

/**
 * Waits until there is an ext4 file system with this label: looks now, and whenever a block device is added or changes.
 * @throws TalosError ERR_WAIT_TIMEOUT · the reason of `signal`
 */
export function waitForExt4ByLabel(
  native: { netlink: Pick<NetlinkModule, 'monitorUevents'>; block: Inspector },
  label: string,
  options: { timeoutMs?: number; signal?: AbortSignal; folders?: DeviceFolders } = {},
): Promise<LabelledFilesystem[]> {
  return untilUevent({
    netlink: native.netlink,
    look: async () => {
      const found = await findExt4ByLabel(native.block, label, options.folders);
      return found.length > 0 ? found : undefined;
    },
    matters: (event) => event.subsystem === 'block' && event.action !== 'remove',
    timeoutMs: options.timeoutMs,
    signal: options.signal,
    describe: () => `a file system with the label '${label}'`,
  });
}
