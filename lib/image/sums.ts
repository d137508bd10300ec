/** SHA256SUMS: a folder's checksums, in the format of sha256sum(1). */
import { existsSync } from 'node:fs';
import { readFile, rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { hashFile } from '../base/build-cache.js';

export const SUMS_NAME = 'SHA256SUMS';

/** Parses what sha256sum printed: name → sum. Lines of another form are left out. */
export function parseSums(text: string): Map<string, string> {
  const sums = new Map<string, string>();
  for (const line of text.split('\n')) {
    const [, sum, name] = /^([0-9a-f]{64}) [ *](.+)$/.exec(line) ?? [];
    if (sum !== undefined && name !== undefined) sums.set(name, sum);
  }
  return sums;
}

/**
 * Writes the sums of `names` into the folder's SHA256SUMS. Other files that it lists already and that are still there keep their lines.
 * @returns the file
 */
export async function writeSums(folder: string, names: readonly string[]): Promise<string> {
  const file = path.join(folder, SUMS_NAME);
  const sums = parseSums(await readFile(file, 'utf8').catch(() => ''));
  for (const name of sums.keys()) if (!existsSync(path.join(folder, name))) sums.delete(name);
  for (const name of names) sums.set(name, await hashFile(path.join(folder, name)));
  const lines = [...sums].sort(([left], [right]) => (left < right ? -1 : 1)).map(([name, sum]) => `${sum}  ${name}\n`);
  await writeFile(`${file}.new`, lines.join(''));
  await rename(`${file}.new`, file);
  return file;
}
