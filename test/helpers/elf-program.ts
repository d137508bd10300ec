/** The smallest files that are ELF programs by their headers; they cannot be run. */

const HEADER_BYTES = 64;
const PROGRAM_HEADER_BYTES = 56;
const PT_INTERP = 3;

/** What a made program says of itself. */
export interface ElfProgram {
  /** e_machine: 62 is x86-64, 183 AArch64. */
  readonly machine: number;
  /** A static program has none. */
  readonly interpreter?: string;
  /** What else is in the file. */
  readonly content?: string;
}

/** The bytes of such a file: 64 bits, little-endian, an executable with one program header. */
export function elfProgram({ machine, interpreter, content = '' }: ElfProgram): Buffer {
  const header = Buffer.alloc(HEADER_BYTES + PROGRAM_HEADER_BYTES);
  header.write('\x7fELF\x02\x01\x01', 'latin1');
  header.writeUInt16LE(2, 16);
  header.writeUInt16LE(machine, 18);
  header.writeBigUInt64LE(BigInt(HEADER_BYTES), 32);
  header.writeUInt16LE(HEADER_BYTES, 52);
  header.writeUInt16LE(PROGRAM_HEADER_BYTES, 54);
  header.writeUInt16LE(1, 56);
  const name = Buffer.from(interpreter === undefined ? '' : `${interpreter}\0`);
  if (interpreter !== undefined) {
    header.writeUInt32LE(PT_INTERP, HEADER_BYTES);
    header.writeBigUInt64LE(BigInt(header.length), HEADER_BYTES + 8);
    header.writeBigUInt64LE(BigInt(name.length), HEADER_BYTES + 32);
  }
  return Buffer.concat([header, name, Buffer.from(content, 'latin1')]);
}
