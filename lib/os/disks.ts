import { readdir, readlink } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { MountInfo } from '../native/contract.js';
import { hardwareDevices } from './hardware.js';
import { readAttribute } from './proc/read.js';

export type DiskType = 'SSD' | 'HDD' | 'NVME' | 'SD' | 'CD';

export interface Disk {
  /** Bytes. */
  size: number;
  model: string;
  /** Path of the device node. */
  deviceName: string;
  name: string;
  serial: string;
  modalias: string;
  uuid: string;
  wwid: string;
  type: DiskType;
  busPath: string;
  systemDisk: boolean;
  subsystem: string;
  readonly: boolean;
}

/** The unit of `size` in sysfs, whatever the block size of the device. */
const SECTOR_BYTES = 512;
/** What the node itself lives on: the root, and the partitions STATE and EPHEMERAL. */
const SYSTEM_MOUNTS = new Set(['/', '/system/state', '/var']);

/** MAJOR:MINOR of what the node itself lives on. @param mounts  of the node */
export function systemDevices(mounts: readonly Pick<MountInfo, 'device' | 'mountPoint'>[]): string[] {
  return mounts.filter(({ mountPoint }) => SYSTEM_MOUNTS.has(mountPoint)).map(({ device }) => device);
}

/**
 * The disks of the machine that have a size (an empty drive has none), by name. Reads sysfs only: no disk is touched.
 * @param system  what the node itself lives on, as `systemDevices` tells
 */
export async function listDisks(system: readonly string[], sys = '/sys'): Promise<Disk[]> {
  const hardware = await hardwareDevices(`${sys}/block`);
  const used = new Set(system);
  const found = await Promise.all(
    [...hardware].map(([name, busPath]) => readDisk(join(sys, 'block', name), name, busPath, used)),
  );
  return found.filter((disk) => disk.size > 0);
}

async function readDisk(folder: string, name: string, busPath: string, used: ReadonlySet<string>): Promise<Disk> {
  const first = async (...files: string[]) => {
    for (const file of files) {
      const value = await readAttribute(join(folder, file));
      if (value) return value;
    }
    return '';
  };
  const [size, readonly, model, serial, modalias, uuid, wwid, rotational, subsystem, devices] = await Promise.all([
    first('size'),
    first('ro'),
    first('device/model', 'device/name'),
    // virtio shows it at the disk, NVMe and MMC at the device; SCSI has it in a page of binary data.
    first('serial', 'device/serial'),
    first('device/modalias'),
    first('uuid'),
    first('wwid', 'device/wwid', 'device/cid'),
    first('queue/rotational'),
    readlink(join(folder, 'subsystem')).catch(() => ''),
    deviceNumbers(folder, name),
  ]);
  return {
    size: Number(size) * SECTOR_BYTES,
    model,
    // The kernel writes ! for a slash in names.
    deviceName: `/dev/${name.replaceAll('!', '/')}`,
    name,
    serial,
    modalias,
    uuid,
    wwid,
    type: typeOf(name, rotational === '1'),
    busPath,
    systemDisk: devices.some((device) => used.has(device)),
    subsystem: subsystem.replace(/^(\.\.\/)+/, '/sys/'),
    readonly: readonly === '1',
  };
}

function typeOf(name: string, isRotational: boolean): DiskType {
  if (name.startsWith('nvme')) return 'NVME';
  if (name.startsWith('mmcblk')) return 'SD';
  if (name.startsWith('sr')) return 'CD';
  return isRotational ? 'HDD' : 'SSD';
}

/** `major:minor` of the disk, of its partitions, and of what device-mapper has made of either. */
async function deviceNumbers(folder: string, name: string): Promise<string[]> {
  const partitions = (await readdir(folder).catch(() => [])).filter((entry) => entry.startsWith(name));
  const folders = [folder, ...partitions.map((partition) => join(folder, partition))];
  const holders = await Promise.all(folders.map((each) => readdir(join(each, 'holders')).catch(() => [])));
  const above = holders.flat().map((holder) => join(folder, '..', basename(holder)));
  const numbers = await Promise.all([...folders, ...above].map((each) => readAttribute(join(each, 'dev'))));
  return numbers.filter((number) => number !== undefined);
}
