/**
 * The superblock of ext2, ext3 and ext4, as far as finding a file system needs it. Pure; believes nothing it reads.
 * Source: Documentation/filesystems/ext4/super.rst of the kernel.
 */

/** Where the superblock begins on the device, and how much of it is read. */
export const SUPERBLOCK_OFFSET = 1024;
export const SUPERBLOCK_BYTES = 1024;

const MAGIC = 0xef53;
const MAGIC_OFFSET = 0x38;
const BLOCKS_OFFSET = 0x04;
const LOG_BLOCK_SIZE_OFFSET = 0x18;
const UUID_OFFSET = 0x68;
const LABEL_OFFSET = 0x78;
const LABEL_BYTES = 16;
/** 64 KiB blocks. */
const MAX_LOG_BLOCK_SIZE = 6;

export interface Ext4Superblock {
  label: string;
  /** Lower case, with hyphens. */
  uuid: string;
  sizeBytes: number;
}

/** @returns undefined when the bytes are no such superblock */
export function parseExt4Superblock(bytes: Buffer): Ext4Superblock | undefined {
  if (bytes.length < SUPERBLOCK_BYTES || bytes.readUInt16LE(MAGIC_OFFSET) !== MAGIC) return undefined;
  const logBlockSize = bytes.readUInt32LE(LOG_BLOCK_SIZE_OFFSET);
  if (logBlockSize > MAX_LOG_BLOCK_SIZE) return undefined;
  const label = bytes.subarray(LABEL_OFFSET, LABEL_OFFSET + LABEL_BYTES);
  const end = label.indexOf(0);
  return {
    label: label.toString('utf8', 0, end === -1 ? LABEL_BYTES : end),
    uuid: bytes.toString('hex', UUID_OFFSET, UUID_OFFSET + 16).replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-'),
    sizeBytes: bytes.readUInt32LE(BLOCKS_OFFSET) * 1024 * 2 ** logBlockSize,
  };
}
