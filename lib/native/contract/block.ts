/** Disks: what is on them, partition tables, dm-verity. Every call sleeps on a device, and runs on a thread of its own. */

import type { FileDescriptor } from './descriptor.js';

export interface BlockTimeout {
  /**
   * 30 s for calls that only read, none for the others, unless given. ETIMEDOUT: the device does not answer. What was asked for may still
   * happen, and until the kernel lets go the device stays open, exclusively where it was to be written.
   */
  timeoutMs?: number;
}

export interface BlockDeviceInfo {
  /** false: a regular file that holds the image of a disk, with sectors of 512 bytes. */
  isBlockDevice: boolean;
  /** As the kernel has it; a file never is. */
  isReadOnly: boolean;
  sizeBytes: number;
  logicalSectorBytes: number;
  physicalSectorBytes: number;
  /** 0 when the device does not say. */
  optimalIoBytes: number;
}

/** A known mark: 'ext', 'xfs', 'gpt', 'mbr', 'luks', 'md' … (docs/native/block.md). */
export interface BlockSignature {
  name: string;
  usage: 'filesystem' | 'table' | 'raid' | 'volume' | 'crypto' | 'swap' | 'cache';
  /** In bytes from the start of the device. */
  offset: number;
  length: number;
}

export interface Filesystem {
  type: 'ext2' | 'ext3' | 'ext4' | 'xfs' | 'vfat' | 'squashfs' | 'erofs';
  /** '' without one; bytes that are no UTF-8 are U+FFFD. */
  label: string;
  /** Lower case, with hyphens; 'ABCD-1234' for vfat, '' for squashfs. */
  uuid: string;
  blockBytes: number;
  /** As the file system says. */
  sizeBytes: number;
  /** Of the superblock; 'none' where the format has none. */
  checksum: 'none' | 'valid' | 'wrong';
}

export interface BlockInspection {
  sizeBytes: number;
  /** No table and no known mark: the only disks that may be taken without being asked to. */
  isEmpty: boolean;
  /** Empty, and zeros in the first 68 KiB: not even unknown data there. */
  isBlank: boolean;
  /** By offset. */
  signatures: BlockSignature[];
  /** Of the types above; usually none or one. */
  filesystems: Filesystem[];
  /** Superblocks that cannot be true, a sentence with the offset each. */
  problems: string[];
}

export interface GptPartition {
  /** From 1; not always without gaps. */
  number: number;
  /** Lower case, as `id` is. */
  typeGuid: string;
  id: string;
  name: string;
  startBytes: number;
  sizeBytes: number;
  /** 64 bits; those from 48 on belong to the type. */
  attributes: bigint;
}

export interface GptTable {
  diskId: string;
  sectorBytes: number;
  /** Which copy was gone by: the backup only when the primary is not valid. */
  source: 'primary' | 'backup';
  partitions: GptPartition[];
  /** What `repairGpt` would mend, a sentence each; empty for a table in order. */
  problems: string[];
}

export interface GptPartitionRequest {
  typeGuid: string;
  name: string;
  /** Rounded up to the alignment; all that is left without it, for the last partition only. */
  sizeBytes?: number;
  attributes?: bigint;
  /** Made at random without it. */
  id?: string;
}

export interface GptRequest {
  partitions: GptPartitionRequest[];
  diskId?: string;
  /** Also where a table is already, which is lost. Never over anything else: wipe that first. */
  replacesGpt?: boolean;
}

/** What becomes of a partition that is there already. */
export interface GptPartitionChange {
  number: number;
  /** In place of those that it has. */
  attributes?: bigint;
  /** Up to the end of the disk; it must be the last one. */
  grows?: boolean;
}

export interface PartitionSync {
  /** The kernel read the whole table again; false while a partition is in use, and for loop devices, which the kernel does not search. */
  wasReread: boolean;
  /** Numbers of the partitions that had to be deleted and added one by one. */
  deleted: number[];
  /** Of those that only became longer: in place, also while they are in use. */
  grown: number[];
  added: number[];
}

export interface Growth {
  /** Of the device that the file system lies on. */
  deviceBytes: number;
  /** As statfs counts: without what the file system needs for itself. */
  fromBytes: number;
  /** The same as `fromBytes` when it had all of its device. */
  toBytes: number;
}

export interface VerityRequest {
  /** Below /dev/mapper by convention; 1 to 127 bytes. */
  name: string;
  uuid?: string;
  /** Absolute paths; the same for both when the tree lies behind the data. */
  dataDevice: string;
  hashDevice: string;
  dataBlockBytes?: number;
  hashBlockBytes?: number;
  dataBlocks: number;
  /** In hash blocks; past a superblock, if there is one. */
  hashStartBlock: number;
  /** 'sha256' unless given. */
  algorithm?: string;
  /** Lower-case hexadecimal. */
  rootDigest: string;
  salt?: string;
  /** What a wrong block leads to: EIO for its reader ('error'), a reboot, or a panic. */
  onCorruption?: 'error' | 'restart' | 'panic';
  ignoresZeroBlocks?: boolean;
}

export interface VerityStatus {
  /** false from the first wrong block on. */
  isIntact: boolean;
  isSuspended: boolean;
  isReadOnly: boolean;
  openCount: number;
  /** '/dev/dm-N' */
  path: string;
}

/** An absolute path, or a device that is open already: who works on it need not be who may open it. */
export type DeviceTarget = string | FileDescriptor;

export interface BlockModule {
  /** To read and write, and exclusively: to be passed on to whoever may not open it. */
  openExclusively(path: string, options?: BlockTimeout): Promise<FileDescriptor>;
  info(device: DeviceTarget, options?: BlockTimeout): Promise<BlockDeviceInfo>;
  inspect(device: DeviceTarget, options?: BlockTimeout): Promise<BlockInspection>;
  /** Zeroes all known marks and nothing else; gives what was zeroed. */
  wipeSignatures(device: DeviceTarget, options?: BlockTimeout): Promise<BlockSignature[]>;
  /** Discards a range (its contents are undefined afterwards unless 'zero'). */
  erase(
    device: DeviceTarget,
    kind: 'discard' | 'secure' | 'zero',
    offset: number,
    length: number,
    options?: BlockTimeout,
  ): Promise<void>;
  /** Puts all that was written to the device onto the medium. */
  flush(device: DeviceTarget, options?: BlockTimeout): Promise<void>;
  /**
   * Lets a mounted ext4 have all of its device, while it is in use.
   * @param folder  its root, or any folder in it, as `files.openRoot` opens it
   */
  growExt4(folder: FileDescriptor, options?: BlockTimeout): Promise<Growth>;
  /** undefined without a table. */
  readGpt(path: string, options?: BlockTimeout): Promise<GptTable | undefined>;
  createGpt(path: string, request: GptRequest, options?: BlockTimeout): Promise<GptTable>;
  repairGpt(path: string, options?: BlockTimeout): Promise<GptTable>;
  /**
   * Changes some partitions of a table, mends what `problems` has, and leaves everything else as it is.
   * @param options.mayBeInUse  the disk, by its partitions: false unless given
   */
  changeGpt(
    path: string,
    changes: readonly GptPartitionChange[],
    options?: BlockTimeout & { mayBeInUse?: boolean },
  ): Promise<GptTable>;
  /** Makes the kernel's partitions those of the table; none where there is none. */
  syncPartitions(path: string, options?: BlockTimeout): Promise<PartitionSync>;
  createVerity(request: VerityRequest, options?: BlockTimeout): Promise<VerityStatus>;
  verityStatus(name: string, options?: BlockTimeout): Promise<VerityStatus>;
  /** `deferred`: with its last user, if it has any now. */
  removeMapped(name: string, options?: BlockTimeout & { deferred?: boolean }): Promise<void>;
}
