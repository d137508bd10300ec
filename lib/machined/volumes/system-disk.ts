/** The disk that STATE and EPHEMERAL are on: how it is recognised, and brought into a form that the kernel goes by. */
import { errorCode, errorMessage, TalosError } from '../../base/errors.js';
import { MIB } from '../../base/units.js';
import type { BlockModule, GptPartition, GptTable } from '../../native/contract.js';
import type { BlockDevice } from '../../os/block-devices.js';
import { EPHEMERAL, STATE, UNMADE, type VolumeId, type VolumeLayout } from './layout.js';

export interface VolumePartition {
  layout: VolumeLayout;
  number: number;
  /** Of the device. */
  path: string;
  startBytes: number;
  sizeBytes: number;
  /** Its file system is not whole. */
  isUnmade: boolean;
}

export interface SystemDisk {
  device: BlockDevice;
  volumes: Readonly<Record<VolumeId, VolumePartition>>;
  /** What is wrong with its table, a sentence each. */
  problems: readonly string[];
}

/** A disk may end this much behind its last partition, for the second table and for alignment, without being called larger. */
const SLACK_BYTES = 64 * MIB;

/**
 * Looks for the disk by the types of its partitions. Reads tables only.
 * @param disks  whole disks
 * @returns undefined when there is none
 * @throws TalosError ERR_SYSTEM_DISK  several
 */
export async function findSystemDisk(
  block: Pick<BlockModule, 'readGpt'>,
  disks: readonly BlockDevice[],
): Promise<SystemDisk | undefined> {
  const all = await Promise.all(disks.map((disk) => readSystemDisk(block, disk)));
  const [found, ...others] = all.filter((disk) => disk !== undefined);
  if (others.length === 0) return found;
  const paths = [found, ...others].map((disk) => disk?.device.path).join(', ');
  throw new TalosError('ERR_SYSTEM_DISK', `several disks have STATE and EPHEMERAL (${paths}), one is allowed`);
}

/** undefined for any other disk, and for one that cannot be read. */
export async function readSystemDisk(
  block: Pick<BlockModule, 'readGpt'>,
  device: BlockDevice,
): Promise<SystemDisk | undefined> {
  let table: GptTable | undefined;
  try {
    table = await block.readGpt(device.path);
  } catch (error) {
    // A failed system call says that this device is none (no medium, damaged beyond repair); anything else is a fault of ours.
    if (errorCode(error) !== undefined && !(error instanceof TypeError)) return undefined;
    throw error;
  }
  return table && systemDiskOf(device, table);
}

export function systemDiskOf(device: BlockDevice, table: GptTable): SystemDisk | undefined {
  const state = partitionOf(device, table.partitions, STATE);
  const ephemeral = partitionOf(device, table.partitions, EPHEMERAL);
  if (!state || !ephemeral) return undefined;
  return { device, volumes: { STATE: state, EPHEMERAL: ephemeral }, problems: table.problems };
}

function partitionOf(
  device: BlockDevice,
  partitions: readonly GptPartition[],
  layout: VolumeLayout,
): VolumePartition | undefined {
  const found = partitions.find(({ typeGuid }) => typeGuid === layout.typeGuid);
  if (!found) return undefined;
  const { number, startBytes, sizeBytes, attributes } = found;
  // As the kernel names partitions: with a p behind a name that ends with a digit.
  const path = `${device.path}${/\d$/.test(device.path) ? 'p' : ''}${number}`;
  return { layout, number, path, startBytes, sizeBytes, isUnmade: (attributes & UNMADE) !== 0n };
}

/** Whether the disk is larger than its table thinks. */
export function hasGrown({ device, volumes }: SystemDisk): boolean {
  const { startBytes, sizeBytes } = volumes.EPHEMERAL;
  return device.sizeBytes - (startBytes + sizeBytes) > SLACK_BYTES;
}

/**
 * Mends the table, lets EPHEMERAL have all of the disk, and makes the kernel's partitions those of the table.
 * @param use  whether anything of the disk may be mounted: then partitions can become longer, and nothing else
 * @throws TalosError ERR_SYSTEM_DISK  with the reason
 */
export async function settleTable(
  block: Pick<BlockModule, 'changeGpt' | 'syncPartitions'>,
  disk: SystemDisk,
  use: 'unused' | 'in use' = 'unused',
): Promise<SystemDisk> {
  const { device, volumes } = disk;
  return aboutDisk(device, async () => {
    const change = { number: volumes.EPHEMERAL.number, ...(hasGrown(disk) && { grows: true }) };
    const table = await block.changeGpt(device.path, [change], { mayBeInUse: use === 'in use' });
    await block.syncPartitions(device.path);
    return systemDiskOf(device, table) as SystemDisk;
  });
}

/** Says of which disk an error is. */
export async function aboutDisk<T>({ path }: BlockDevice, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    throw new TalosError('ERR_SYSTEM_DISK', `the disk ${path}: ${errorMessage(cause)}`, { cause });
  }
}
