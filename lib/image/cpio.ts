/**
 * Writes cpio archives in the `newc` format that the kernel unpacks as initramfs (Documentation/driver-api/early-userspace/buffer-format).
 * Owner root, time 0, numbered inodes: the same content gives the same bytes.
 */
import { createReadStream } from 'node:fs';
import { type FileHandle, open, stat } from 'node:fs/promises';

/** One member of an archive, in the order in which the kernel is to make it. */
export type CpioEntry =
  | { readonly kind: 'directory'; readonly path: string; readonly mode: number }
  | { readonly kind: 'file'; readonly path: string; readonly mode: number; readonly file: string };

const TRAILER = 'TRAILER!!!';
const S_IFDIR = 0o040000;
const S_IFREG = 0o100000;
const ALIGNMENT = 4;
/** The format has eight hexadecimal digits for it. */
const MAX_SIZE = 0xffff_ffff;

/** Bytes that bring `size` to the next multiple of the format's alignment. */
function padding(size: number): Buffer {
  return Buffer.alloc((ALIGNMENT - (size % ALIGNMENT)) % ALIGNMENT);
}

/** The header of a member with its padded name. */
export function cpioHeader(name: string, inode: number, mode: number, links: number, size: number): Buffer {
  if (size > MAX_SIZE) throw new RangeError(`${name} is too large for an initramfs: ${size} bytes`);
  const nameBytes = Buffer.from(`${name}\0`);
  // c_ino mode uid gid nlink mtime filesize devmajor devminor rdevmajor rdevminor namesize check
  const fields = [inode, mode, 0, 0, links, 0, size, 0, 0, 0, 0, nameBytes.length, 0];
  const header = `070701${fields.map((field) => field.toString(16).padStart(8, '0').toUpperCase()).join('')}`;
  return Buffer.concat([Buffer.from(header), nameBytes, padding(header.length + nameBytes.length)]);
}

async function appendContent(handle: FileHandle, file: string): Promise<number> {
  let size = 0;
  for await (const chunk of createReadStream(file, { highWaterMark: 1 << 20 })) {
    await handle.appendFile(chunk as Buffer);
    size += (chunk as Buffer).length;
  }
  return size;
}

/** Writes an archive of `entries` to `output`. Paths are relative, without a leading slash. */
export async function writeCpio(output: string, entries: readonly CpioEntry[]): Promise<void> {
  const handle = await open(output, 'w', 0o644);
  try {
    for (const [index, entry] of entries.entries()) {
      const inode = index + 1;
      if (entry.kind === 'directory') {
        await handle.appendFile(cpioHeader(entry.path, inode, S_IFDIR | entry.mode, 2, 0));
        continue;
      }
      const { size } = await stat(entry.file);
      await handle.appendFile(cpioHeader(entry.path, inode, S_IFREG | entry.mode, 1, size));
      const written = await appendContent(handle, entry.file);
      if (written !== size) throw new Error(`${entry.file} changed while it was archived`);
      await handle.appendFile(padding(size));
    }
    await handle.appendFile(cpioHeader(TRAILER, 0, 0, 1, 0));
  } finally {
    await handle.close();
  }
}
