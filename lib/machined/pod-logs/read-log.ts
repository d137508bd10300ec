/** Reads a container's log: what there is, and what is written from then on, over all files that follow each other. */
import { pipeline, Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { errorCode } from '../../base/errors.js';
import { KIB } from '../../base/units.js';
import type { common } from '../../gen/machine/machine.js';
import type { DescriptorModule, FileDescriptor, FilesModule } from '../../native/contract.js';
import { CriLines } from './cri-lines.js';
import type { FoundLog } from './find-log.js';
import { FolderWatch } from './folder-watch.js';
import { type LogFile, listLogFiles } from './log-files.js';
import { tailPosition } from './tail.js';

const SLAB_BYTES = 128 * KIB;

export interface ReadLogOptions {
  files: Pick<FilesModule, 'readDirectory' | 'openBeneath' | 'statFile' | 'stat' | 'read'>;
  descriptors: Pick<DescriptorModule, 'duplicate'>;
  /** Newest lines to begin with; below zero: all of the newest file. */
  tailLines: number;
  follow: boolean;
  /** Ends it; what is thrown then is its reason. */
  signal: AbortSignal;
}

interface OpenFile {
  file: LogFile;
  descriptor: FileDescriptor;
  /** As the file system has it, whatever its name is by now. */
  identity: string;
  position: number;
  /** The last rotation of the same run that came before it. */
  after: string;
}

/**
 * Yields lines in slabs of at most about 128 KiB. Without `follow` it ends where the newest file ended at the call. With it, it goes on:
 *
 *   end of the file → does a later one exist? → no: wait for a change of the folder
 *                                             → yes: read this one to its end once more, then the later one from its beginning
 *
 * and ends when the folder is gone with its pod. A later run of the container is a later file, unless one run was asked for.
 */
export async function* readPodLog(found: FoundLog, options: ReadLogOptions): AsyncGenerator<common.Data.$Properties> {
  const { files, descriptors, tailLines, follow, signal } = options;
  const { folder, attempt } = found;
  const isWanted = (file: LogFile) => attempt === undefined || file.attempt === attempt;
  const list = async () => (await listLogFiles(files, folder)).filter(isWanted);
  // Before anything is read: no change is missed between the end of a file and the wait.
  const changes = follow ? new FolderWatch(descriptors, folder) : undefined;
  const lines = new CriLines();
  let open: OpenFile | undefined;
  try {
    const last = (there: readonly LogFile[]) => Promise.resolve(there.length - 1);
    while (open === undefined && (await list()).length > 0) open = await openNext(files, folder, list, last);
    if (open) {
      const { sizeBytes } = await files.statFile(open.descriptor);
      if (tailLines >= 0) open.position = await tailPosition(files, open.descriptor, sizeBytes, tailLines);
      if (!follow) {
        yield* readUpTo(options, open, lines, sizeBytes);
        yield* asData(lines.end());
        return;
      }
    }
    while (changes) {
      if (open) yield* readUpTo(options, open, lines, Number.POSITIVE_INFINITY);
      const behind = (there: readonly LogFile[]) => next(files, folder, there, open);
      if ((await behind(await list())) < 0) {
        if (await isGone(files, folder)) break;
        await changes.changedOnce(signal);
        continue;
      }
      const opened = await openNext(files, folder, list, behind);
      if (opened === undefined) continue;
      const earlier = open;
      open = opened;
      if (earlier === undefined) continue;
      try {
        // Its writer went over to the later file after that was made: there may be a last line.
        yield* readUpTo(options, earlier, lines, Number.POSITIVE_INFINITY);
        if (earlier.file.attempt !== opened.file.attempt) yield* asData(lines.end());
      } finally {
        earlier.descriptor.close();
      }
    }
    yield* asData(lines.end());
  } finally {
    changes?.close();
    open?.descriptor.close();
  }
}

async function* readUpTo(
  { files, signal }: ReadLogOptions,
  open: OpenFile,
  lines: CriLines,
  end: number,
): AsyncGenerator<common.Data.$Properties> {
  if (open.file.isCompressed) {
    // All of it at once: nobody writes to it.
    if (open.position === 0) yield* readCompressed(files, open, lines, signal);
    return;
  }
  while (open.position < end) {
    signal.throwIfAborted();
    const maxBytes = Math.min(SLAB_BYTES, end - open.position);
    const bytes = await files.read(open.descriptor, { position: open.position, maxBytes });
    open.position += bytes.length;
    yield* asData(lines.take(bytes));
    if (bytes.length < maxBytes) return;
  }
}

/** One that was rotated twice while its reader was slow. */
async function* readCompressed(
  files: ReadLogOptions['files'],
  open: OpenFile,
  lines: CriLines,
  signal: AbortSignal,
): AsyncGenerator<common.Data.$Properties> {
  async function* compressed() {
    for (let bytes = await piece(); bytes.length > 0; bytes = await piece()) yield bytes;
  }
  const piece = async () => {
    const bytes = await files.read(open.descriptor, { position: open.position, maxBytes: SLAB_BYTES });
    open.position += bytes.length;
    return bytes;
  };
  // What fails on the way in fails here, in the loop.
  const plain = pipeline(Readable.from(compressed()), createGunzip({ chunkSize: SLAB_BYTES }), () => {});
  for await (const bytes of plain) {
    signal.throwIfAborted();
    yield* asData(lines.take(bytes));
  }
}

function* asData(bytes: Buffer): Generator<common.Data.$Properties> {
  if (bytes.length > 0) yield { bytes };
}

/** Where in the list the file behind the open one is, which may have got another name meanwhile; below zero: there is none. */
async function next(
  files: ReadLogOptions['files'],
  folder: FileDescriptor,
  list: readonly LogFile[],
  open: OpenFile | undefined,
): Promise<number> {
  if (open === undefined) return list.length > 0 ? 0 : -1;
  const { attempt, when } = open.file;
  for (const [at, file] of list.entries()) {
    const status = await files.stat(folder, file.name).catch(() => undefined);
    if (status?.identity !== open.identity) continue;
    open.file = file;
    return at + 1 < list.length ? at + 1 : -1;
  }
  // It was compressed, or removed. One that was the current one is the first that was rotated since.
  const at = list.findIndex((file) => isLater(file, attempt, when === '' ? open.after : when));
  const isOwn = when === '' && list[at]?.attempt === attempt && list[at]?.isCompressed;
  const later = isOwn ? at + 1 : at;
  return later < list.length ? later : -1;
}

function isLater(file: LogFile, attempt: number, when: string): boolean {
  return file.attempt > attempt || (file.attempt === attempt && (file.when === '' || file.when > when));
}

async function isGone(files: ReadLogOptions['files'], folder: FileDescriptor): Promise<boolean> {
  const { links } = await files.stat(folder, '.');
  return links === 0;
}

/**
 * Opens the file that `choose` names by its place in the list. Names change while one looks: what was opened counts when it is what a second
 * look would choose as well.
 * @returns undefined: it was not, and whoever wants it looks again
 */
async function openNext(
  files: ReadLogOptions['files'],
  folder: FileDescriptor,
  list: () => Promise<LogFile[]>,
  choose: (there: readonly LogFile[]) => Promise<number>,
): Promise<OpenFile | undefined> {
  const before = await list();
  const name = before[await choose(before)]?.name;
  if (name === undefined) return undefined;
  let descriptor: FileDescriptor;
  try {
    descriptor = await files.openBeneath(folder, name);
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined;
    throw error;
  }
  let isKept = false;
  try {
    const { identity } = await files.statFile(descriptor);
    const there = await list();
    const at = await choose(there);
    const file = there[at];
    const status = await files.stat(folder, name).catch(() => undefined);
    if (file?.name !== name || status?.identity !== identity) return undefined;
    isKept = true;
    const earlier = there[at - 1];
    return { file, descriptor, identity, position: 0, after: earlier?.attempt === file.attempt ? earlier.when : '' };
  } finally {
    if (!isKept) descriptor.close();
  }
}
