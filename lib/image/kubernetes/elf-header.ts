/** What a program is for, read from its header: enough to refuse one that cannot run on the node, without running it. */
import { open } from 'node:fs/promises';
import { TalosError } from '../../base/errors.js';
import type { Architecture } from '../architecture.js';

/** e_machine (elf(5)) of what nodes are made for. */
const MACHINES: ReadonlyMap<number, Architecture> = new Map([
  [62, 'amd64'],
  [183, 'arm64'],
]);
const EXECUTABLE_TYPES = new Set([2, 3]);
const PT_INTERP = 3;
const HEADER_BYTES = 64;
/** Program headers lie behind the header; more of them than fit here no program has. */
const READ_BYTES = 8192;

/** A 64-bit little-endian program. */
export interface ElfHeader {
  /** Undefined: none that nodes are made for. */
  readonly machine: Architecture | undefined;
  /** The dynamic loader; undefined for a static program. */
  readonly interpreter: string | undefined;
}

/** @throws TalosError ERR_ELF  the file is no such program */
export async function readElfHeader(file: string): Promise<ElfHeader> {
  const handle = await open(file, 'r');
  try {
    const { buffer, bytesRead } = await handle.read({ buffer: Buffer.alloc(READ_BYTES), position: 0 });
    const header = buffer.subarray(0, bytesRead);
    const isElf = header.length >= HEADER_BYTES && header.readUInt32BE(0) === 0x7f454c46;
    // 64 bits, little-endian.
    if (!isElf || header[4] !== 2 || header[5] !== 1 || !EXECUTABLE_TYPES.has(header.readUInt16LE(16))) {
      throw new TalosError('ERR_ELF', `${file} is no program for 64-bit Linux`);
    }
    return { machine: MACHINES.get(header.readUInt16LE(18)), interpreter: interpreterOf(header, file) };
  } finally {
    await handle.close();
  }
}

function interpreterOf(header: Buffer, file: string): string | undefined {
  const start = Number(header.readBigUInt64LE(32));
  const size = header.readUInt16LE(54);
  const count = header.readUInt16LE(56);
  if (start + size * count > header.length || size < 56) {
    throw new TalosError('ERR_ELF', `${file} has program headers where no linker puts them`);
  }
  for (let index = 0; index < count; index++) {
    const at = start + index * size;
    if (header.readUInt32LE(at) !== PT_INTERP) continue;
    const from = Number(header.readBigUInt64LE(at + 8));
    const length = Number(header.readBigUInt64LE(at + 32));
    return header.toString('latin1', from, from + Math.max(0, length - 1));
  }
  return undefined;
}
