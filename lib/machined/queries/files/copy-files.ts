import { once } from 'node:events';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { KIB, MIB } from '../../../base/units.js';
import { ControlError } from '../../../control/errors.js';
import type { common } from '../../../gen/machine/machine.js';
import type { FileDescriptor, FileStatus } from '../../../native/contract.js';
import { fileFailure, fileProblem } from './failures.js';
import { nodePath } from './node-path.js';
import { type FileSources, openReadable, SLAB_BYTES } from './read-file.js';
import { TAR_END, type TarMember, tarHeader, tarPadding, zeros } from './tar-blocks.js';
import { type WalkedFile, walkTree } from './walk-tree.js';

/** Fast: the way is a network between machines that stand side by side. */
const GZIP_LEVEL = 2;
/** Of a file that says it is empty, or that the kernel makes up: how long it is shows only when it is read. */
const MAX_MADE_UP_BYTES = MIB;

type Data = common.Data.$Properties;

/**
 * Copy: a tree, or one file, as tar.gz, with modes, owners and times. Links are copied as links; what is neither file, directory nor link is
 * left out. What was left out or came out otherwise is told in messages without bytes, as `metadata.error`.
 */
export async function* copyFiles(sources: FileSources, text: string): AsyncGenerator<Data, void, undefined> {
  const path = nodePath(text);
  const told: string[] = [];
  const gzip = createGzip({ level: GZIP_LEVEL, chunkSize: SLAB_BYTES });
  const archive = Readable.from(
    tarOf(sources, path, (problem) => told.push(problem)),
    {
      objectMode: false,
      highWaterMark: 64 * KIB,
    },
  );
  // Its failure is the failure of what comes out of it.
  void pipeline(archive, gzip).catch(() => {});
  const problems = function* () {
    for (const error of told.splice(0)) yield { metadata: { error } };
  };
  try {
    for await (const bytes of gzip) {
      yield* problems();
      yield { bytes: bytes as Buffer };
    }
    yield* problems();
  } finally {
    // What it has under way ends before the root folder is closed.
    archive.destroy();
    if (!archive.closed) await once(archive, 'close');
  }
}

async function* tarOf(
  sources: FileSources,
  path: string,
  tell: (problem: string) => void,
): AsyncGenerator<Buffer, void, undefined> {
  const { files, root, special, signal } = sources;
  let isMadeUp = false;
  const leftOut = (file: WalkedFile) => whyLeftOut(file) ?? madeUp(file);
  const madeUp = (file: WalkedFile) =>
    !isMadeUp && file.depth > 0 && special.isMadeUp(file.status) ? 'a file system that the kernel makes up' : undefined;
  const mayEnter = (file: WalkedFile) => leftOut(file) === undefined;
  for await (const step of walkTree(files, root, { path, mayEnter, signal })) {
    if (step.kind === 'problem') tell(`${step.path} was left out: ${step.text}`);
    if (step.kind !== 'file') continue;
    const { file } = step;
    if (file.depth === 0) isMadeUp = special.isMadeUp(file.status);
    const why = leftOut(file);
    if (why !== undefined && file.depth === 0) {
      throw new ControlError('FAILED_PRECONDITION', `${path}: it is ${why}, and is not copied`);
    }
    if (why !== undefined) tell(`${file.path} was left out: it is ${why}`);
    else if (file.status.kind === 'file') yield* contentOf(sources, file, tell);
    else if (file.depth > 0) yield tarHeader(member(file, file.status, 0));
  }
  yield TAR_END;
}

/** Names in an archive are text; so a name of other bytes would come out as another name. */
function whyLeftOut({ path, bytes, status, target }: WalkedFile): string | undefined {
  if (status.kind !== 'file' && status.kind !== 'directory' && status.kind !== 'link') return `a ${status.kind}`;
  const isText = path === '/' || bytes.equals(Buffer.from(path.slice(1)));
  return isText && !target?.includes('\ufffd') ? undefined : 'a name that is no UTF-8';
}

function member({ relative, status, target }: WalkedFile, { mode, uid, gid, modifiedMs }: FileStatus, size: number) {
  const type = status.kind === 'directory' ? 'Directory' : status.kind === 'link' ? 'SymbolicLink' : 'File';
  return { type, path: relative, mode, uid, gid, modifiedMs, sizeBytes: size, target } satisfies TarMember;
}

/** A file of as many bytes as its header says, whatever happens to it meanwhile. */
async function* contentOf(
  sources: FileSources,
  file: WalkedFile,
  tell: (problem: string) => void,
): AsyncGenerator<Buffer, void, undefined> {
  const { files, root, special, signal } = sources;
  let handle: FileDescriptor;
  let status: FileStatus;
  let first: Buffer;
  try {
    handle = await openReadable(sources, file.path);
  } catch (error) {
    if (file.depth === 0 || !(error instanceof ControlError)) throw error;
    return tell(`${error.message}: left out`);
  }
  try {
    status = await files.statFile(handle);
    const isSizeless = status.sizeBytes === 0 || special.isMadeUp(status);
    const size = isSizeless ? MAX_MADE_UP_BYTES : status.sizeBytes;
    try {
      first = await files.read(handle, { position: 0, maxBytes: Math.min(size, isSizeless ? size : SLAB_BYTES) });
    } catch (error) {
      if (file.depth === 0) throw await fileFailure(files, root, file.path, error);
      return tell(`${file.path} was left out: ${(fileProblem(error) ?? raise(error)).text}`);
    }
    if (isSizeless) {
      yield tarHeader(member(file, status, first.length));
      yield first;
      yield tarPadding(first.length);
      if (first.length === size) tell(`${file.path} was cut: only its first ${size} bytes are there`);
      return;
    }
    yield tarHeader(member(file, status, size));
    let position = 0;
    for (let piece = first; piece.length > 0; ) {
      signal.throwIfAborted();
      position += piece.length;
      yield piece;
      if (position >= size) break;
      try {
        piece = await files.read(handle, { position, maxBytes: Math.min(size - position, SLAB_BYTES) });
      } catch (error) {
        tell(`${file.path}: ${(fileProblem(error) ?? raise(error)).text}`);
        break;
      }
    }
    if (position < size) {
      tell(`${file.path} became shorter while it was read: its last ${size - position} bytes are zeros`);
      yield* zeros(size - position);
    } else if ((await files.statFile(handle)).sizeBytes > size) {
      tell(`${file.path} grew while it was read: only its first ${size} bytes are there`);
    }
    yield tarPadding(size);
  } finally {
    handle.close();
  }
}

function raise(error: unknown): never {
  throw error;
}
