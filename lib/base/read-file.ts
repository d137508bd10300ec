/** Reading files that a person named. A system error has `path`, which Node leaves out when it is the reading that fails: of a directory, say. */
import { readFile } from 'node:fs/promises';

/** @throws a system error */
export async function readBytes(path: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (error) {
    throw error instanceof Error ? Object.assign(error, { path }) : error;
  }
}

/** @throws a system error */
export async function readText(path: string): Promise<string> {
  return (await readBytes(path)).toString();
}
