/**
 * STATE and EPHEMERAL: what the node keeps on a disk, and how they lie on it. They are known by their types, which nobody else uses, so that
 * a partition that happens to have the same name is left alone.
 */
import { GIB, MIB } from '../../base/units.js';
import type { GptRequest, MountFlag } from '../../native/contract.js';
import { STATE_MOUNT_POINT } from '../folders.js';

export type VolumeId = 'STATE' | 'EPHEMERAL';

export interface VolumeLayout {
  /** Name of the partition, and label of its file system. */
  readonly id: VolumeId;
  readonly typeGuid: string;
  /** The rest of the disk without it. */
  readonly sizeBytes?: number;
  readonly mountPoint: string;
  readonly flags: readonly MountFlag[];
  /** Of mke2fs: blocks that only root may fill, in percent. */
  readonly reservedPercent: number;
  /** What it is for, and why its flags are weaker than nosuid, nodev, noexec where they are. */
  readonly reason: string;
}

export const STATE: VolumeLayout = {
  id: 'STATE',
  typeGuid: '87b3e2ef-1b24-4a36-908e-24a1672b0bff',
  sizeBytes: 100 * MIB,
  mountPoint: STATE_MOUNT_POINT,
  flags: ['nosuid', 'nodev', 'noexec'],
  reservedPercent: 0,
  reason: 'the machine config',
};

export const EPHEMERAL: VolumeLayout = {
  id: 'EPHEMERAL',
  typeGuid: '884955d7-c192-4148-866f-3635328319d5',
  mountPoint: '/var',
  flags: ['nosuid', 'nodev'],
  // What pods cannot fill is left for those who look after them.
  reservedPercent: 1,
  reason: 'containers and their images, whose programs run from there, so no noexec',
};

export const VOLUMES: readonly VolumeLayout[] = [STATE, EPHEMERAL];

/** Attribute of a partition whose file system is not whole yet: it is made anew at the next boot, whatever is in it. */
export const UNMADE = 1n << 48n;

/** Smaller disks are left alone: nothing that a node is for fits on them. */
export const MINIMUM_DISK_BYTES = GIB;

/** The table of a new disk. Nothing in it is made yet. */
export const NEW_TABLE: GptRequest = {
  partitions: VOLUMES.map(({ id, typeGuid, sizeBytes }) => ({
    name: id,
    typeGuid,
    attributes: UNMADE,
    ...(sizeBytes !== undefined && { sizeBytes }),
  })),
};
