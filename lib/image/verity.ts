/**
 * Hash trees of dm-verity, in the layout of veritysetup(8): a superblock behind the data, the tree behind that. Sources: verity.rst of
 * the kernel's device-mapper documentation, and cryptsetup's wiki page "DMVerity" for the superblock.
 */
import { createHash } from 'node:crypto';
import { type FileHandle, open } from 'node:fs/promises';
import { writeAt } from './write-at.js';

/** Data and hashes alike; a page of every kernel that we build. */
export const VERITY_BLOCK_BYTES = 4096;

const ALGORITHM = 'sha256';
const DIGEST_BYTES = 32;
const DIGESTS_PER_BLOCK = VERITY_BLOCK_BYTES / DIGEST_BYTES;
const READ_BYTES = 4 * 1024 * 1024;

/** What was appended to a file. */
export interface VerityTree {
  /** The root hash, in hexadecimal: whoever has it can tell whether any block was changed. */
  readonly rootHash: string;
  /** Also in hexadecimal. */
  readonly salt: string;
  readonly dataBlocks: number;
  /** Where the superblock is, in bytes; the tree begins one block later. */
  readonly hashOffset: number;
}

/** SHA-256 of the salt and a block: dm-verity's format 1. */
function digestOf(salt: Buffer, block: Buffer): Buffer {
  return createHash(ALGORITHM).update(salt).update(block).digest();
}

/** Digests, one behind the other, as whole blocks. */
function toBlocks(digests: readonly Buffer[]): Buffer {
  const blocks = Math.ceil(digests.length / DIGESTS_PER_BLOCK);
  return Buffer.concat(digests, blocks * VERITY_BLOCK_BYTES);
}

/** The levels of the tree above the digests of the data, the top one first, as it is stored. */
function levelsOf(salt: Buffer, dataDigests: readonly Buffer[]): { levels: Buffer[]; rootHash: Buffer } {
  const levels: Buffer[] = [];
  let digests = dataDigests;
  // A single block of data has no tree: its digest is the root hash.
  while (digests.length > 1) {
    const level = toBlocks(digests);
    levels.unshift(level);
    digests = blocksOf(level).map((block) => digestOf(salt, block));
  }
  return { levels, rootHash: digests[0] as Buffer };
}

function blocksOf(bytes: Buffer): Buffer[] {
  const count = bytes.length / VERITY_BLOCK_BYTES;
  return Array.from({ length: count }, (_, index) =>
    bytes.subarray(index * VERITY_BLOCK_BYTES, (index + 1) * VERITY_BLOCK_BYTES),
  );
}

/** The superblock that veritysetup(8) reads; all numbers are little-endian. */
function superblock(salt: Buffer, uuid: Buffer, dataBlocks: number): Buffer {
  const block = Buffer.alloc(VERITY_BLOCK_BYTES);
  block.write('verity\0\0', 0, 'latin1');
  block.writeUInt32LE(1, 8); // version
  block.writeUInt32LE(1, 12); // hash type: the salt comes first
  uuid.copy(block, 16, 0, 16);
  block.write(ALGORITHM, 32, 'latin1');
  block.writeUInt32LE(VERITY_BLOCK_BYTES, 64); // data blocks
  block.writeUInt32LE(VERITY_BLOCK_BYTES, 68); // hash blocks
  block.writeBigUInt64LE(BigInt(dataBlocks), 72);
  block.writeUInt16LE(salt.length, 80);
  salt.copy(block, 88);
  return block;
}

async function* piecesOf(file: FileHandle, size: number): AsyncGenerator<Buffer> {
  for (let position = 0; position < size; ) {
    const buffer = Buffer.alloc(Math.min(READ_BYTES, size - position));
    const { bytesRead } = await file.read({ buffer, position });
    if (bytesRead === 0) throw new Error('the file became shorter while it was read');
    yield buffer.subarray(0, bytesRead);
    position += bytesRead;
  }
}

/**
 * Appends superblock and tree to a file, which is filled up with zeros to whole blocks before. The salt comes from the content, so the
 * same file gets the same tree.
 */
export async function appendVerityTree(path: string): Promise<VerityTree> {
  const file = await open(path, 'r+');
  try {
    const { size } = await file.stat();
    const hashOffset = Math.ceil(size / VERITY_BLOCK_BYTES) * VERITY_BLOCK_BYTES;
    await file.truncate(hashOffset);
    const content = createHash(ALGORITHM);
    for await (const piece of piecesOf(file, hashOffset)) content.update(piece);
    const salt = content.digest();
    const dataDigests: Buffer[] = [];
    for await (const piece of piecesOf(file, hashOffset)) {
      // A regular file is read in the pieces asked for, and those are whole blocks.
      for (const block of blocksOf(piece)) dataDigests.push(digestOf(salt, block));
    }
    const { levels, rootHash } = levelsOf(salt, dataDigests);
    const tail = Buffer.concat([superblock(salt, rootHash, dataDigests.length), ...levels]);
    await writeAt(file, tail, hashOffset);
    return {
      rootHash: rootHash.toString('hex'),
      salt: salt.toString('hex'),
      dataBlocks: dataDigests.length,
      hashOffset,
    };
  } finally {
    await file.close();
  }
}
