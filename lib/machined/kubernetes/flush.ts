import { constants } from 'node:fs';
import { open, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { errorCode } from '../../base/errors.js';

/**
 * Puts files on the medium that somebody else has written without waiting for that: those in the folder and, as far as they are named, in folders of it.
 * @param below  paths relative to the folder; those that are not there are no error
 */
export async function flushFolder(folder: string, below: readonly string[] = []): Promise<void> {
  for (const path of [folder, ...below.map((name) => join(folder, name))]) {
    const entries = await readdir(path, { withFileTypes: true }).catch((error: unknown) => {
      if (errorCode(error) === 'ENOENT') return undefined;
      throw error;
    });
    if (entries === undefined) continue;
    for (const entry of entries) if (entry.isFile()) await flush(join(path, entry.name));
    // Their names.
    await flush(path);
  }
}

async function flush(path: string): Promise<void> {
  try {
    const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW);
    try {
      await file.sync();
    } finally {
      await file.close();
    }
  } catch (error) {
    // It was removed, or replaced by whoever flushes it himself.
    if (errorCode(error) !== 'ENOENT' && errorCode(error) !== 'ELOOP') throw error;
  }
}
