import {
  argumentError,
  checkBoolean,
  checkDescriptor,
  checkInteger,
  checkName,
  checkObject,
  checkString,
} from './arguments.js';
import type { FileDescriptor, FileKind, FileStatus, FilesModule, OpenFlags } from './contract.js';

/** kind, mode, uid, gid, links, size, modified, identity. */
type RawStatus = [number, number, number, number, number, number, number, string];

/** What the addon itself exports: numbers for names, the timeout last, undefined for none. */
export interface RawFilesModule {
  openRoot(path: string, timeoutMs: number): Promise<FileDescriptor>;
  openFolder(root: FileDescriptor, path: string, timeoutMs: number): Promise<FileDescriptor>;
  openFile(
    root: FileDescriptor,
    path: string,
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
      checkPlace(root, path);
      return raw.openFolder(root, path, timeoutOf(options));
    },
    async openBeneath(root, path, options = {}) {
      checkPlace(root, path);
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
      const timeoutMs = timeoutOf(options);
      const { maxEntries = MAX_ENTRIES } = options;
      checkInteger(maxEntries, 'options.maxEntries', 1, 2 ** 31);
      const [names, kinds] = await raw.readDirectory(root, path, maxEntries, timeoutMs);
      const split = names.toString('utf8').split('\0');
      return Array.from(kinds, (kind, position) => ({
        name: split[position] as string,
        kind: KINDS[kind] ?? 'unknown',
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
