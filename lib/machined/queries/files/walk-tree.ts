/** Walks over trees: depth first, names in order, in bounded memory, and nothing through a link. */
import { errorCode } from '../../../base/errors.js';
import { ControlError } from '../../../control/errors.js';
import type { FileDescriptor, FileLook, FileStatus, FilesModule } from '../../../native/contract.js';
import { describeCode, fileFailure, fileProblem } from './failures.js';
import { beneathRoot } from './node-path.js';

/** Looked at in one call, and in memory together. */
const LOOK_AT_ONCE = 512;
/** What a directory may have; the names of one are in memory together. */
const MAX_ENTRIES = 500_000;
/** Each keeps one of the few threads that machined has for such calls (native/reactor/deadline_threads.h), for as long as the kernel likes. */
const MAX_SILENT = 3;

export interface WalkedFile {
  /** Absolute, for people: what is no UTF-8 in it is U+FFFD. */
  path: string;
  /** From where the walk began, which is '.' itself when it is a directory, and the name when it is none. */
  relative: string;
  /** Beneath the root, as it can be opened. */
  bytes: Buffer;
  /** 0: where the walk began. */
  depth: number;
  status: FileStatus;
  /** What a link says. */
  target: string | undefined;
}

export type WalkStep =
  /** Comes before what is in it. */
  | { kind: 'file'; file: WalkedFile }
  /** Everything in a directory that was entered has come. */
  | { kind: 'left'; file: WalkedFile }
  /** This one could not be looked at, or not be entered, and the walk goes on. */
  | { kind: 'problem'; path: string; relative: string; text: string };

export interface WalkOptions {
  /** Absolute; where it begins. */
  path: string;
  /** Directories as deep as that are not entered any more. */
  maxDepth?: number;
  /** Asked for each directory beneath where the walk begins. */
  mayEnter?: (file: WalkedFile) => boolean;
  signal: AbortSignal;
}

/** A directory that is being walked. No descriptor is kept: it is found anew for each piece of its names. */
interface Frame {
  file: WalkedFile;
  names: Buffer;
  position: number;
  looks: FileLook[];
}

/** @throws ControlError  where the walk was to begin · too many directories do not answer */
export async function* walkTree(
  files: FilesModule,
  root: FileDescriptor,
  { path, maxDepth = Number.POSITIVE_INFINITY, mayEnter = () => true, signal }: WalkOptions,
): AsyncGenerator<WalkStep, void, undefined> {
  const first = await beginning(files, root, path);
  yield { kind: 'file', file: first };
  if (first.status.kind !== 'directory' || maxDepth < 1) return;
  const frames: Frame[] = [
    await enter(files, root, first).catch(async (error) => {
      throw await fileFailure(files, root, path, error);
    }),
  ];
  let silent = 0;
  const count = (error: unknown): void => {
    if (errorCode(error) !== 'ETIMEDOUT' || ++silent < MAX_SILENT) return;
    const text = `${path}: ${MAX_SILENT} directories in it do not answer, and it is walked no further`;
    throw new ControlError('DEADLINE_EXCEEDED', text, { cause: error });
  };
  for (let frame = frames.at(-1); frame !== undefined; frame = frames.at(-1)) {
    signal.throwIfAborted();
    const look = frame.looks.shift();
    if (look === undefined) {
      try {
        if (await lookOn(files, root, frame)) continue;
      } catch (error) {
        if (!isGone(frame.file, error)) yield problem(frame.file, error);
        count(error);
      }
      frames.pop();
      yield { kind: 'left', file: frame.file };
      continue;
    }
    const at = child(frame.file, look);
    if (look.status === undefined) {
      // As isGone has it.
      if (look.errorCode !== 'ENOENT') yield { kind: 'problem', ...at, text: describeCode(look.errorCode).text };
      continue;
    }
    const file: WalkedFile = { ...at, status: look.status, target: look.target };
    yield { kind: 'file', file };
    if (file.status.kind !== 'directory' || file.depth >= maxDepth || !mayEnter(file)) continue;
    if (frames.some((above) => above.file.status.identity === file.status.identity)) {
      yield { kind: 'problem', ...at, text: 'it is a directory that it lies in itself, and is not entered again' };
      continue;
    }
    try {
      frames.push(await enter(files, root, file));
    } catch (error) {
      if (!isGone(file, error)) yield problem(file, error);
      count(error);
      yield { kind: 'left', file };
    }
  }
}

async function beginning(files: FilesModule, root: FileDescriptor, path: string): Promise<WalkedFile> {
  const place = beneathRoot(path);
  try {
    const status = await files.stat(root, place);
    if (status.kind === 'link') throw Object.assign(new Error('ELOOP'), { code: 'ELOOP', syscall: 'openat2' });
    const relative = status.kind === 'directory' ? '.' : (path.split('/').at(-1) as string);
    return { path, relative, bytes: Buffer.from(place), depth: 0, status, target: undefined };
  } catch (error) {
    throw await fileFailure(files, root, path, error);
  }
}

async function enter(files: FilesModule, root: FileDescriptor, file: WalkedFile): Promise<Frame> {
  const names = await files.listNames(root, file.bytes, { maxEntries: MAX_ENTRIES });
  return { file, names, position: 0, looks: [] };
}

/** Looks at the next piece of the names. False: there is none. */
async function lookOn(files: FilesModule, root: FileDescriptor, frame: Frame): Promise<boolean> {
  const start = frame.position;
  let end = start;
  for (let count = 0; count < LOOK_AT_ONCE && end < frame.names.length; count++) end = frame.names.indexOf(0, end) + 1;
  if (end === start) return false;
  frame.position = end;
  frame.looks = await files.lookAt(root, frame.file.bytes, frame.names.subarray(start, end));
  return true;
}

function child(folder: WalkedFile, look: FileLook): Pick<WalkedFile, 'path' | 'relative' | 'bytes' | 'depth'> {
  const isRoot = folder.path === '/';
  return {
    path: isRoot ? `/${look.name}` : `${folder.path}/${look.name}`,
    relative: folder.depth === 0 ? look.name : `${folder.relative}/${look.name}`,
    bytes: isRoot ? look.bytes : Buffer.concat([folder.bytes, Buffer.from('/'), look.bytes]),
    depth: folder.depth + 1,
  };
}

/** What is gone by now was never there; but where the walk began, there was something. */
function isGone({ depth }: WalkedFile, error: unknown): boolean {
  return depth > 0 && errorCode(error) === 'ENOENT';
}

function problem({ path, relative }: WalkedFile, error: unknown): WalkStep {
  const told = fileProblem(error);
  if (told === undefined) throw error;
  return { kind: 'problem', path, relative, text: told.text };
}
