import { chmod, writeFile } from 'node:fs/promises';
import { errorCode, TalosError } from '../base/errors.js';
import type { Io } from './io.js';

/** Files that a command makes; `isSecret` ones are for their owner only. */
export interface NewFile {
  path: string;
  text: string;
  isSecret: boolean;
}

/**
 * Writes all files, or says which one is there already before any is written over.
 * @throws ERR_FILE_EXISTS  without `force`
 */
export async function writeNewFiles(io: Io, files: readonly NewFile[], force: boolean): Promise<void> {
  for (const { path, text, isSecret } of files) {
    try {
      await writeFile(path, text, { flag: force ? 'w' : 'wx', mode: isSecret ? 0o600 : 0o644 });
      // An overwritten file keeps its old mode.
      if (isSecret) await chmod(path, 0o600);
    } catch (error) {
      if (errorCode(error) !== 'EEXIST') throw error;
      throw new TalosError('ERR_FILE_EXISTS', `${path} exists already`, { hint: 'overwrite it with --force' });
    }
    io.stderr.write(`created ${path}\n`);
  }
}
