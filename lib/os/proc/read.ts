import { open } from 'node:fs/promises';
import { errorCode } from '../../base/errors.js';
import { MIB } from '../../base/units.js';

/** Ample for what the kernel says about a machine; files that grow with the number of sockets have their own bound. */
const DEFAULT_MAX_BYTES = 4 * MIB;
const CHUNK_BYTES = 64 * 1024;

/**
 * A file of /proc or /sys, whole. Their sizes are told as 0, so only reading to the end tells how much there is.
 * @throws EFBIG more than `maxBytes` · else as open(2) and read(2); the path is in the error either way
 */
export async function readKernelFile(path: string, maxBytes = DEFAULT_MAX_BYTES): Promise<string> {
  const file = await open(path, 'r');
  try {
    const full: Buffer[] = [];
    let chunk = Buffer.allocUnsafe(CHUNK_BYTES);
    // The kernel gives a page at a time, however much is asked for: a chunk is filled before the next one is made.
    for (let used = 0; ; ) {
      const { bytesRead } = await file.read(chunk, used, CHUNK_BYTES - used, null);
      if (bytesRead === 0) return Buffer.concat([...full, chunk.subarray(0, used)]).toString('utf8');
      used += bytesRead;
      if (full.length * CHUNK_BYTES + used > maxBytes) throw tooLarge(path, maxBytes);
      if (used < CHUNK_BYTES) continue;
      full.push(chunk);
      chunk = Buffer.allocUnsafe(CHUNK_BYTES);
      used = 0;
    }
  } finally {
    await file.close();
  }
}

/** As above, without the newline at its end; undefined when it is not there (any more), cannot be read or has no value. */
export async function readAttribute(path: string): Promise<string | undefined> {
  try {
    return (await readKernelFile(path)).trim();
  } catch (error) {
    if (errorCode(error) === undefined || error instanceof TypeError) throw error;
    return undefined;
  }
}

function tooLarge(path: string, maxBytes: number): Error {
  return Object.assign(new Error(`EFBIG: more than ${maxBytes} bytes, read '${path}'`), {
    code: 'EFBIG',
    errno: -27,
    syscall: 'read',
    path,
  });
}
