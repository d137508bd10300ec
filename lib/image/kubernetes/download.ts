/** Fetching one file whose sum is known before. */
import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import path from 'node:path';
import type { Progress } from '../../base/build-cache.js';
import { errorMessage, TalosError } from '../../base/errors.js';
import { MIB } from '../../base/units.js';

/** What is fetched. */
export interface Download {
  readonly url: string;
  /** Where it goes; written anew. */
  readonly file: string;
  /** In hexadecimal. */
  readonly sha512: string;
  /** What is larger is given up. */
  readonly maxBytes: number;
  readonly onProgress: Progress;
}

/**
 * Fetches it, redirects included.
 * @throws TalosError ERR_DOWNLOAD  it cannot be had · ERR_CHECKSUM  it is something else
 */
export async function download({ url, file, sha512, maxBytes, onProgress }: Download): Promise<void> {
  const name = path.basename(url);
  onProgress(`fetching ${name}`);
  const response = await fetch(url).catch((error: unknown) => failed(url, reason(error), error));
  if (!response.ok || response.body === null)
    return failed(url, `the answer is ${response.status} ${response.statusText}`);
  if (new URL(response.url).protocol !== new URL(url).protocol) failed(url, `it leads to ${response.url}`);
  const totalBytes = Number(response.headers.get('content-length') ?? 0);
  const hash = createHash('sha512');
  const handle = await open(file, 'w', 0o600);
  let bytes = 0;
  try {
    for await (const piece of response.body) {
      bytes += piece.length;
      if (bytes > maxBytes) failed(url, `it is larger than ${Math.floor(maxBytes / 1e6)} MB`);
      hash.update(piece);
      await handle.writeFile(piece);
      const percent = totalBytes > 0 ? Math.min(99, Math.floor((100 * bytes) / totalBytes)) : undefined;
      onProgress(`fetching ${name}, ${Math.floor(bytes / MIB)} MiB`, percent);
    }
  } catch (error) {
    if (error instanceof TalosError || isOfDisk(error)) throw error;
    failed(url, `it ended after ${bytes} bytes: ${reason(error)}`, error);
  } finally {
    await handle.close();
  }
  const sum = hash.digest('hex');
  if (sum === sha512) return;
  throw new TalosError('ERR_CHECKSUM', `${url} is not the file that was pinned: its SHA-512 is ${sum}`, {
    hint: 'it was changed on the way or where it is published; nothing of it is used',
  });
}

function failed(url: string, problem: string, cause?: unknown): never {
  throw new TalosError('ERR_DOWNLOAD', `cannot fetch ${url}: ${problem}`, {
    hint: 'see that this machine reaches it, or take the release from a folder: --kubernetes-directory',
    cause,
  });
}

/** fetch() puts what happened behind "fetch failed". */
function reason(error: unknown): string {
  return errorMessage(error instanceof Error && error.cause !== undefined ? error.cause : error);
}

/** Writing failed, not reading: the cache says what to do about that. */
function isOfDisk(error: unknown): boolean {
  return error instanceof Error && 'syscall' in error && error.syscall === 'write';
}
