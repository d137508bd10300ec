import { getSystemErrorName } from 'node:util';
import {
  argumentError,
  checkBoolean,
  checkDescriptor,
  checkInteger,
  checkName,
  checkObject,
  checkString,
} from './arguments.js';
import type { FileDescriptor, FileKind, FileLook, FilePath, FileStatus, FilesModule, OpenFlags } from './contract.js';

/** kind, mode, uid, gid, links, size, modified, identity. */
type RawStatus = [number, number, number, number, number, number, number, string];

/** What the addon itself exports: numbers for names, the timeout last, undefined for none. */
export interface RawFilesModule {
  openRoot(path: string, timeoutMs: number): Promise<FileDescriptor>;
  openFolder(root: FileDescriptor, path: FilePath, timeoutMs: number): Promise<FileDescriptor>;
  openFile(
    root: FileDescriptor,
    path: FilePath,
    access: number,
    creation: number,
    truncate: boolean,
    mode: number,
    timeoutMs: number,
  ): Promise<FileDescriptor>;
  stat(root: FileDescriptor, path: string, timeoutMs: number): Promise<RawStatus>;
  statFile(file: FileDescriptor, timeoutMs: number): Promise<RawStatus>;
  /** Names, each with a NUL behind it, and one byte an entry: its kind. */
  readDirectory(root: FileDescriptor, path: string, maxEntries: number, timeoutMs: number): Promise<[Buffer, Buffer]>;
  /** Names, each with a NUL behind it. */
  listNames(root: FileDescriptor, path: FilePath, maxEntries: number, timeoutMs: number): Promise<Buffer>;
  /** A record a name: see `toLook`; and targets, each with a NUL behind it. */
  lookAt(root: FileDescriptor, path: FilePath, names: Uint8Array, timeoutMs: number): Promise<[Buffer, Buffer]>;
  /** Name, value, name, value … */
  attributes(root: FileDescriptor, path: FilePath, maxBytes: number, timeoutMs: number): Promise<(string | Buffer)[]>;
  readLink(root: FileDescriptor, path: string, timeoutMs: number): Promise<string>;
  makeDirectory(root: FileDescriptor, path: string, mode: number, timeoutMs: number): Promise<boolean>;
  remove(root: FileDescriptor, path: string, isFolder: boolean, timeoutMs: number): Promise<void>;
  rename(root: FileDescriptor, from: string, to: string, replace: boolean, timeoutMs: number): Promise<void>;
  readFile(root: FileDescriptor, path: string, maxBytes: number, timeoutMs: number): Promise<Buffer>;
  replaceFile(root: FileDescriptor, path: string, data: Uint8Array, mode: number, timeoutMs: number): Promise<void>;
  read(file: FileDescriptor, position: number, maxBytes: number, timeoutMs: number): Promise<Buffer>;
}

const DEFAULT_TIMEOUT_MS = 30_000;
const MAX_TIMEOUT_MS = 2 ** 31;
const MAX_ENTRIES = 100_000;
/** What one call may bring into memory. */
const MAX_BYTES = 2 ** 30;

const NUMBER_BYTES = 8;
const RECORD_BYTES = 10 * NUMBER_BYTES;

/** In the order of the numbers of native/files/entries.h. */
const KINDS: readonly FileKind[] = [
  ...(['unknown', 'file', 'directory', 'link', 'fifo', 'socket', 'character-device', 'block-device'] as const),
];

/** Access and creation by the numbers of native/files/files.h. */
const OPEN_FLAGS: Record<OpenFlags, { access: number; creation: number; truncate: boolean }> = {
  r: { access: 0, creation: 0, truncate: false },
  'r+': { access: 1, creation: 0, truncate: false },
  w: { access: 2, creation: 1, truncate: true },
  wx: { access: 2, creation: 2, truncate: false },
  a: { access: 3, creation: 1, truncate: false },
  ax: { access: 3, creation: 2, truncate: false },
};
const OPEN_FLAG_NAMES: ReadonlySet<string> = new Set(Object.keys(OPEN_FLAGS));
const REMOVABLE_KINDS: ReadonlySet<string> = new Set(['file', 'directory']);

function checkFilePlace(root: unknown, path: unknown): void {
  checkDescriptor(root, 'root');
  if (!(path instanceof Uint8Array)) checkString(path, 'path');
  else if (path.includes(0)) throw argumentError('ERR_INVALID_ARG_VALUE', 'path', 'bytes without null bytes', path);
}

function checkPlace(root: unknown, path: unknown, name = 'path'): void {
  checkDescriptor(root, 'root');
  checkString(path, name);
}

function timeoutOf(options: { timeoutMs?: number }): number {
  checkObject(options, 'options');
  const { timeoutMs = DEFAULT_TIMEOUT_MS } = options;
  checkInteger(timeoutMs, 'options.timeoutMs', 0, MAX_TIMEOUT_MS);
  return timeoutMs;
}

function checkMode(mode: unknown): asserts mode is number {
  checkInteger(mode, 'options.mode', 0, 0o7777);
}

function toStatus([kind, mode, uid, gid, links, sizeBytes, modifiedMs, identity]: RawStatus): FileStatus {
  return { kind: KINDS[kind] ?? 'unknown', mode, uid, gid, links, sizeBytes, modifiedMs, identity };
}

function entriesOf(options: { maxEntries?: number }): number {
  checkObject(options, 'options');
  const { maxEntries = MAX_ENTRIES } = options;
  checkInteger(maxEntries, 'options.maxEntries', 1, 2 ** 31);
  return maxEntries as number;
}

/** Pieces that have a NUL behind each. */
function texts(bytes: Uint8Array): Buffer[] {
  const whole = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const found: Buffer[] = [];
  for (let start = 0; start < whole.length; ) {
    const end = whole.indexOf(0, start);
    found.push(whole.subarray(start, end < 0 ? whole.length : end));
    if (end < 0) break;
    start = end + 1;
  }
  return found;
}

/** A record: errno, and the numbers of a status, as doubles; device and inode, as 64 bits each. */
function toLook(bytes: Buffer, records: Buffer, start: number, target: Buffer | undefined): FileLook {
  const number = (at: number) => records.readDoubleLE(start + at * NUMBER_BYTES);
  const errno = number(0);
  if (errno !== 0) return { name: bytes.toString(), bytes, errorCode: getSystemErrorName(-errno) };
  const identity = `${records.readBigUInt64LE(start + RECORD_BYTES - 2 * NUMBER_BYTES)}:${records.readBigUInt64LE(start + RECORD_BYTES - NUMBER_BYTES)}`;
  const status = toStatus([number(1), number(2), number(3), number(4), number(5), number(6), number(7), identity]);
  return { name: bytes.toString(), bytes, status, target: status.kind === 'link' ? target?.toString() : undefined };
}

/**
 * Files beneath a folder by openat2(2): no `..` out of it, no link, no magic link of /proc, no absolute path, no device and no FIFO.
 * The kernel walks the path, so nothing can be exchanged between a check and its use.
 * @throws EXDEV the path leads out · ELOOP a link is in it · EINVAL, EISDIR not a regular file, or no name at the end of the path ·
 * ENAMETOOLONG · ETIMEDOUT · EAGAIN folders kept being renamed, or no thread could be made · ENOSYS kernel < 5.6; `stage` says it in words
 */
export function createFilesModule(raw: RawFilesModule): FilesModule {
  return {
    async openRoot(path, options = {}) {
      checkString(path, 'path');
      return raw.openRoot(path, timeoutOf(options));
    },
    async openDirectory(root, path, options = {}) {
      checkFilePlace(root, path);
      return raw.openFolder(root, path, timeoutOf(options));
    },
    async openBeneath(root, path, options = {}) {
      checkFilePlace(root, path);
      const timeoutMs = timeoutOf(options);
      const { flags = 'r', mode = 0o600 } = options;
      checkName(flags, 'options.flags', OPEN_FLAG_NAMES);
      checkMode(mode);
      const { access, creation, truncate } = OPEN_FLAGS[flags];
      return raw.openFile(root, path, access, creation, truncate, mode, timeoutMs);
    },
    async stat(root, path, options = {}) {
      checkPlace(root, path);
      return toStatus(await raw.stat(root, path, timeoutOf(options)));
    },
    async statFile(file, options = {}) {
      checkDescriptor(file, 'file');
      return toStatus(await raw.statFile(file, timeoutOf(options)));
    },
    async readDirectory(root, path, options = {}) {
      checkPlace(root, path);
      const [names, kinds] = await raw.readDirectory(root, path, entriesOf(options), timeoutOf(options));
      const split = names.toString('utf8').split('\0');
      return Array.from(kinds, (kind, position) => ({
        name: split[position] as string,
        kind: KINDS[kind] ?? 'unknown',
      }));
    },
    async listNames(root, path, options = {}) {
      checkFilePlace(root, path);
      return raw.listNames(root, path, entriesOf(options), timeoutOf(options));
    },
    async lookAt(root, path, names, options = {}) {
      checkFilePlace(root, path);
      if (!(names instanceof Uint8Array)) throw argumentError('ERR_INVALID_ARG_TYPE', 'names', 'a Uint8Array', names);
      const [records, targets] = await raw.lookAt(root, path, names, timeoutOf(options));
      const shown = texts(targets);
      return texts(names).map((bytes, at) => toLook(bytes, records, at * RECORD_BYTES, shown[at]));
    },
    async attributes(root, path, options) {
      checkFilePlace(root, path);
      const timeoutMs = timeoutOf(options);
      checkInteger(options.maxBytes, 'options.maxBytes', 0, MAX_BYTES);
      const found = await raw.attributes(root, path, options.maxBytes, timeoutMs);
      return Array.from({ length: found.length / 2 }, (_, index) => ({
        name: found[2 * index] as string,
        value: found[2 * index + 1] as Buffer,
      }));
    },
    async readLink(root, path, options = {}) {
      checkPlace(root, path);
      return raw.readLink(root, path, timeoutOf(options));
    },
    async makeDirectory(root, path, options = {}) {
      checkPlace(root, path);
      const timeoutMs = timeoutOf(options);
      const { mode = 0o755 } = options;
      checkMode(mode);
      return raw.makeDirectory(root, path, mode, timeoutMs);
    },
    async remove(root, path, kind, options = {}) {
      checkPlace(root, path);
      checkName(kind, 'kind', REMOVABLE_KINDS);
      await raw.remove(root, path, kind === 'directory', timeoutOf(options));
    },
    async rename(root, from, to, options = {}) {
      checkPlace(root, from, 'from');
      checkString(to, 'to');
      const timeoutMs = timeoutOf(options);
      const { replace = false } = options;
      checkBoolean(replace, 'options.replace');
      await raw.rename(root, from, to, replace, timeoutMs);
    },
    async readFile(root, path, options) {
      checkPlace(root, path);
      const timeoutMs = timeoutOf(options);
      checkInteger(options.maxBytes, 'options.maxBytes', 0, MAX_BYTES);
      return raw.readFile(root, path, options.maxBytes, timeoutMs);
    },
    async replaceFile(root, path, data, options) {
      checkPlace(root, path);
      if (!(data instanceof Uint8Array)) throw argumentError('ERR_INVALID_ARG_TYPE', 'data', 'a Uint8Array', data);
      const timeoutMs = timeoutOf(options);
      checkMode(options.mode);
      await raw.replaceFile(root, path, data, options.mode, timeoutMs);
    },
    async read(file, options) {
      checkDescriptor(file, 'file');
      const timeoutMs = timeoutOf(options);
      checkInteger(options.position, 'options.position', 0);
      checkInteger(options.maxBytes, 'options.maxBytes', 1, MAX_BYTES);
      return raw.read(file, options.position, options.maxBytes, timeoutMs);
    },
  };
}
