import { existsSync } from 'node:fs';
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
 * Writes all files, or none if one is there already: half of a pair is worse than none.
 * @throws ERR_FILE_EXISTS  without `force`
 */
export async function writeNewFiles(io: Io, files: readonly NewFile[], force: boolean): Promise<void> {
  const existing = force ? undefined : files.find(({ path }) => existsSync(path));
  if (existing !== undefined) throw exists(existing.path);
  for (const { path, text, isSecret } of files) {
    try {
      await writeFile(path, text, { flag: force ? 'w' : 'wx', mode: isSecret ? 0o600 : 0o644 });
    } catch (error) {
      throw errorCode(error) === 'EEXIST' ? exists(path) : error;
    }
    // An overwritten file keeps its old mode.
    if (isSecret) await chmod(path, 0o600);
    io.stderr.write(`created ${path}\n`);
  }
}

function exists(path: string): TalosError {
  return new TalosError('ERR_FILE_EXISTS', `${path} exists already`, { hint: 'overwrite it with --force' });
}
