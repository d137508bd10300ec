import { chmod, writeFile } from 'node:fs/promises';

const BASE = 0x40_0000;
const HEADERS_BYTES = 64 + 56;

/** e_machine, and instructions that are exit(0). */
const MACHINES: Record<string, { machine: number; code: string }> = {
  x64: { machine: 62, code: '31ffb83c0000000f05' },
  arm64: { machine: 183, code: '000080d2a80b80d2010000d4' },
};

/**
 * Writes a program that does nothing but end: no loader, no library, a page or two. What remains of starting it is the kernel's
 * work and that of whoever starts it. Layout: elf(5).
 */
export async function writeSmallestProgram(file: string): Promise<void> {
  const target = MACHINES[process.arch];
  if (!target) throw new Error(`no smallest program for ${process.arch}`);
  const code = Buffer.from(target.code, 'hex');
  const headers = Buffer.alloc(HEADERS_BYTES);
  // ELF, 64 bits, little-endian, version 1; an executable.
  headers.write('\x7fELF\x02\x01\x01', 'latin1');
  headers.writeUInt16LE(2, 16);
  headers.writeUInt16LE(target.machine, 18);
  headers.writeUInt32LE(1, 20);
  headers.writeBigUInt64LE(BigInt(BASE + HEADERS_BYTES), 24);
  headers.writeBigUInt64LE(64n, 32);
  for (const [offset, value] of [
    [52, 64],
    [54, 56],
    [56, 1],
  ] as const) {
    headers.writeUInt16LE(value, offset);
  }
  // One segment to load, readable and executable: the whole file.
  const size = BigInt(HEADERS_BYTES + code.length);
  headers.writeUInt32LE(1, 64);
  headers.writeUInt32LE(5, 68);
  for (const [offset, value] of [
    [80, BigInt(BASE)],
    [88, BigInt(BASE)],
    [96, size],
    [104, size],
    [112, 4096n],
  ] as const) {
    headers.writeBigUInt64LE(value, offset);
  }
  await writeFile(file, Buffer.concat([headers, code]));
  await chmod(file, 0o755);
}
