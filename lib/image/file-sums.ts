/** Checksums of files, several in one reading: SPDX wants SHA-1 for its verification codes, people want SHA-256. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';

/** In hexadecimal. */
export interface FileSums {
  readonly sha1: string;
  readonly sha256: string;
}

export async function fileSums(file: string): Promise<FileSums> {
  const [sha1, sha256] = [createHash('sha1'), createHash('sha256')];
  for await (const chunk of createReadStream(file, { highWaterMark: 1 << 20 })) {
    sha1.update(chunk as Buffer);
    sha256.update(chunk as Buffer);
  }
  return { sha1: sha1.digest('hex'), sha256: sha256.digest('hex') };
}
