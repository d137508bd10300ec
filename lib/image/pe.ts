/**
 * Portable executables, as UEFI starts them: reads their section table, and adds sections to one (Microsoft's PE format; UAPI group,
 * "Unified Kernel Image"). Nothing else of the file is touched, so a stub stays what its maker built.
 */
import { open } from 'node:fs/promises';
import { TalosError } from '../base/errors.js';
import { writeAt } from './write-at.js';

/** One section of a file. Addresses are relative to where the image is loaded. */
export interface PeSection {
  readonly name: string;
  /** Length of the content; in the file it is padded up to `fileSize`. */
  readonly size: number;
  readonly address: number;
  readonly fileSize: number;
  readonly fileOffset: number;
  readonly characteristics: number;
}

/** What matters of a file's headers. */
export interface PeFacts {
  /** 0x8664 amd64, 0xaa64 arm64. */
  readonly machine: number;
  /** 10: an EFI application. */
  readonly subsystem: number;
  readonly sectionAlignment: number;
  readonly fileAlignment: number;
  readonly headersSize: number;
  readonly imageSize: number;
  /** Position of the section table in the file. */
  readonly tableOffset: number;
  readonly sections: readonly PeSection[];
}

/** A section to be added: read-only data. Names have at most eight bytes. */
export interface NewSection {
  readonly name: string;
  readonly content: Buffer;
}

const MZ = 0x5a4d;
const PE_MAGIC = 0x00004550;
const PE32_PLUS = 0x20b;
const COFF_SIZE = 24;
const ENTRY_SIZE = 40;
const NAME_SIZE = 8;
/** IMAGE_SCN_CNT_INITIALIZED_DATA | IMAGE_SCN_MEM_READ */
const READ_ONLY_DATA = 0x4000_0040;
/** Positions in the optional header of PE32+. */
const OPTIONAL = { initializedData: 8, alignments: 32, imageSize: 56, headersSize: 60, checksum: 64, subsystem: 68 };

const align = (value: number, to: number) => Math.ceil(value / to) * to;

function invalid(problem: string): TalosError {
  return new TalosError('ERR_PE', `not a portable executable for 64 bits: ${problem}`);
}

/** Where the optional header begins. */
function optionalHeader(file: Buffer): number {
  if (file.length < 64 || file.readUInt16LE(0) !== MZ) throw invalid('it does not begin with MZ');
  const header = file.readUInt32LE(0x3c);
  if (header + COFF_SIZE + OPTIONAL.subsystem + 2 > file.length) throw invalid('it is cut short');
  if (file.readUInt32LE(header) !== PE_MAGIC) throw invalid('it has no PE header');
  const optional = header + COFF_SIZE;
  if (file.readUInt16LE(optional) !== PE32_PLUS) throw invalid('its optional header is not PE32+');
  return optional;
}

/**
 * Reads the headers.
 * @param file the whole file, or at least its headers
 * @throws TalosError ERR_PE when it is none, is for 32 bits or is cut short
 */
export function parsePe(file: Buffer): PeFacts {
  const optional = optionalHeader(file);
  const coff = optional - COFF_SIZE + 4;
  const count = file.readUInt16LE(coff + 2);
  const tableOffset = optional + file.readUInt16LE(coff + 16);
  if (tableOffset + count * ENTRY_SIZE > file.length) throw invalid('its section table is cut short');
  const sections = Array.from({ length: count }, (_, index): PeSection => {
    const at = tableOffset + index * ENTRY_SIZE;
    return {
      name: file.toString('latin1', at, at + NAME_SIZE).replace(/\0+$/, ''),
      size: file.readUInt32LE(at + 8),
      address: file.readUInt32LE(at + 12),
      fileSize: file.readUInt32LE(at + 16),
      fileOffset: file.readUInt32LE(at + 20),
      characteristics: file.readUInt32LE(at + 36),
    };
  });
  return {
    machine: file.readUInt16LE(coff),
    subsystem: file.readUInt16LE(optional + OPTIONAL.subsystem),
    sectionAlignment: file.readUInt32LE(optional + OPTIONAL.alignments),
    fileAlignment: file.readUInt32LE(optional + OPTIONAL.alignments + 4),
    headersSize: file.readUInt32LE(optional + OPTIONAL.headersSize),
    imageSize: file.readUInt32LE(optional + OPTIONAL.imageSize),
    tableOffset,
    sections,
  };
}

/**
 * Writes `base` with more sections behind its own: each begins at the next multiple of the section alignment in memory, and at the next
 * multiple of the file alignment in the file.
 * @throws TalosError ERR_PE when the headers have no room for them or they do not fit into the format's 4 GiB
 */
export async function writeWithSections(base: Buffer, added: readonly NewSection[], output: string): Promise<void> {
  const facts = parsePe(base);
  const { placed, imageSize } = place(base, facts, added);
  const header = Buffer.from(base.subarray(0, facts.headersSize));
  const optional = optionalHeader(base);
  header.writeUInt16LE(facts.sections.length + placed.length, optional - COFF_SIZE + 6);
  header.writeUInt32LE(imageSize, optional + OPTIONAL.imageSize);
  const dataSize = placed.reduce((sum, section) => sum + section.fileSize, 0);
  header.writeUInt32LE(
    header.readUInt32LE(optional + OPTIONAL.initializedData) + dataSize,
    optional + OPTIONAL.initializedData,
  );
  // Of no use to firmware, and wrong from here on; zero says that there is none.
  header.writeUInt32LE(0, optional + OPTIONAL.checksum);
  for (const [index, section] of placed.entries()) {
    writeEntry(header, facts.tableOffset + (facts.sections.length + index) * ENTRY_SIZE, section);
  }
  const handle = await open(output, 'w', 0o644);
  try {
    await writeAt(handle, header, 0);
    await writeAt(handle, base.subarray(header.length), header.length);
    for (const [index, section] of placed.entries()) {
      const content = added[index]?.content ?? Buffer.alloc(0);
      await writeAt(handle, content, section.fileOffset);
      await writeAt(handle, Buffer.alloc(section.fileSize - content.length), section.fileOffset + content.length);
    }
  } finally {
    await handle.close();
  }
}

function place(base: Buffer, facts: PeFacts, added: readonly NewSection[]) {
  const tableEnd = facts.tableOffset + (facts.sections.length + added.length) * ENTRY_SIZE;
  const firstContent = Math.min(facts.headersSize, ...facts.sections.map((section) => section.fileOffset));
  if (tableEnd > firstContent) throw invalid(`its headers have no room for ${added.length} more sections`);
  let address = Math.max(facts.headersSize, ...facts.sections.map((section) => section.address + section.size));
  let fileOffset = align(base.length, facts.fileAlignment);
  const placed: PeSection[] = [];
  for (const { name, content } of added) {
    if (Buffer.byteLength(name) > NAME_SIZE) throw invalid(`${name} is too long for a section's name`);
    address = align(address, facts.sectionAlignment);
    const fileSize = align(content.length, facts.fileAlignment);
    placed.push({ name, size: content.length, address, fileSize, fileOffset, characteristics: READ_ONLY_DATA });
    address += content.length;
    fileOffset += fileSize;
  }
  const imageSize = align(address, facts.sectionAlignment);
  if (imageSize > 0xffff_ffff || fileOffset > 0xffff_ffff) throw invalid('with the new sections it exceeds 4 GiB');
  return { placed, imageSize };
}

function writeEntry(header: Buffer, at: number, section: PeSection): void {
  header.fill(0, at, at + ENTRY_SIZE);
  header.write(section.name, at, 'latin1');
  header.writeUInt32LE(section.size, at + 8);
  header.writeUInt32LE(section.address, at + 12);
  header.writeUInt32LE(section.fileSize, at + 16);
  header.writeUInt32LE(section.fileOffset, at + 20);
  header.writeUInt32LE(section.characteristics, at + 36);
}
