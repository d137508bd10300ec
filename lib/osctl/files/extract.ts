/**
 * Unpacks what a node sent into a folder. The node is not trusted with what else is on this machine: nothing is written through a link or
 * outside of the folder, and links lead nowhere else. npm's tar refuses '..', absolute names and ways through links; what is said about
 * links here is ours.
 */
import { once } from 'node:events';
import { posix } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import type { ReadEntry } from 'tar/read-entry';
import { Unpack } from 'tar/unpack';
import { errorCode, errorMessage, TalosError } from '../../base/errors.js';

/** Nothing special is taken over: a program that runs as its owner on a node must not do so here. */
const PERMISSIONS = 0o777;

export interface Extraction {
  files: number;
  /** What was not unpacked, and why. */
  leftOut: string[];
}

/**
 * @param chunks  a tar archive, compressed by gzip
 * @throws TalosError  it is none, or was cut off
 */
export async function extract(
  folder: string,
  chunks: AsyncIterable<Uint8Array>,
  onFile: (files: number) => void = () => {},
): Promise<Extraction> {
  const extraction: Extraction = { files: 0, leftOut: [] };
  let isMisread = false;
  const unpack = new Unpack({
    cwd: folder,
    preserveOwner: false,
    onReadEntry: (entry) => {
      // Takes it out of what is unpacked.
      if (isMisread) entry.type = 'Unsupported';
    },
    filter: (_path, subject) => {
      const entry = subject as ReadEntry;
      const why = refusal(entry);
      if (why !== undefined) extraction.leftOut.push(`${entry.path}: ${why}`);
      else {
        if (entry.mode !== undefined) entry.mode &= PERMISSIONS;
        if (entry.type !== 'Directory') onFile(++extraction.files);
      }
      return why === undefined;
    },
    onwarn: (code, message, data) => {
      if (code === 'TAR_ENTRY_INFO') return;
      const entry = (data as { entry?: ReadEntry }).entry;
      extraction.leftOut.push(`${entry?.path ?? folder}: ${errorMessage(message)}`);
    },
  });
  // In the order of the members. tar reads these headers line by line: with a line end in a name the rest of the name could say anything,
  // also where the next member begins.
  unpack.on('meta', (records: string) => {
    isMisread ||= hasLineEnds(records);
  });
  const failed = new Promise<never>((_resolve, reject) => {
    unpack.once('error', (error: unknown) => reject(broken(error)));
  });
  const finished = once(unpack, 'finish');
  // Whoever waits for one of these hears of it.
  for (const promise of [failed, finished]) promise.catch(() => {});
  let isEmpty = true;
  for await (const chunk of unzip(chunks)) {
    // Empty blocks are the end of an archive, also of one of nothing, which tar takes for none.
    if (isEmpty && chunk.every((byte) => byte === 0)) continue;
    isEmpty = false;
    if (!unpack.write(chunk)) await Promise.race([once(unpack, 'drain'), failed]);
  }
  if (isEmpty) return extraction;
  unpack.end();
  await Promise.race([finished, failed]);
  if (isMisread) throw broken(new Error('a long name in it has a line end; fetch it with `-` and unpack it with tar'));
  return extraction;
}

/** Whether a value of a pax header has a line end in it: each record begins with its length, the one behind it included. */
function hasLineEnds(records: string): boolean {
  // A long name in GNU's form is no record.
  if (!/^\d+ [^=\n]+=/.test(records)) return false;
  const bytes = Buffer.from(records);
  for (let start = 0; start < bytes.length; ) {
    const length = Number.parseInt(bytes.toString('latin1', start, start + 20), 10);
    if (!(length > 0) || bytes.indexOf('\n', start) !== start + length - 1) return true;
    start += length;
  }
  return false;
}

async function* unzip(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer, void, undefined> {
  const gunzip = createGunzip();
  // What fails in it comes out of it.
  void pipeline(Readable.from(chunks, { objectMode: false }), gunzip).catch(() => {});
  try {
    for await (const chunk of gunzip) yield chunk as Buffer;
  } catch (error) {
    throw errorCode(error)?.startsWith('Z_') ? broken(error) : error;
  }
}

function broken(cause: unknown): TalosError {
  return new TalosError('ERR_ARCHIVE', `the archive cannot be unpacked: ${errorMessage(cause)}`, { cause });
}

function refusal(entry: ReadEntry): string | undefined {
  switch (entry.type) {
    case 'File':
    case 'OldFile':
    case 'ContiguousFile':
    case 'Directory':
      return nameProblem(entry.path);
    case 'SymbolicLink':
      return nameProblem(entry.path) ?? linkProblem(entry.path, entry.linkpath ?? '');
    case 'Link':
      return 'it is a hard link, and these are not unpacked';
    default:
      return 'it is neither a file nor a directory nor a link';
  }
}

function nameProblem(path: string): string | undefined {
  if (path.startsWith('/')) return 'its name is absolute';
  return path.split('/').includes('..') ? 'its name leads out of the folder' : undefined;
}

/**
 * A link may go up only at its start, and no further than it is deep: its own folder is a real one, since nothing is unpacked through links, and
 * from there on names lead downwards or through links for which the same holds. So no chain of links leads out.
 */
export function linkProblem(path: string, target: string): string | undefined {
  if (target.startsWith('/')) return `it is a link to ${target}, which is outside of the folder`;
  const depth = posix.normalize(path).replace(/\/$/, '').split('/').length - 1;
  const parts = target.split('/').filter((part) => part !== '' && part !== '.');
  const ups = parts.findIndex((part) => part !== '..');
  const leading = ups < 0 ? parts.length : ups;
  if (leading > depth) return `it is a link to ${target}, which is outside of the folder`;
  return parts.slice(leading).includes('..')
    ? `it is a link to ${target}, which may lead out of the folder`
    : undefined;
}
