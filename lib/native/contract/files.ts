/** Files whose paths came from outside, strictly beneath a folder that the program chose. */
import type { FileDescriptor } from './descriptor.js';

export type FileKind =
  | 'unknown'
  | 'file'
  | 'directory'
  | 'link'
  | 'fifo'
  | 'socket'
  | 'character-device'
  | 'block-device';

export interface FileStatus {
  kind: FileKind;
  /** Permission bits, as 0o644. */
  mode: number;
  uid: number;
  gid: number;
  links: number;
  sizeBytes: number;
  modifiedMs: number;
  /** Device and inode: equal for two names of one file, and different after the file was replaced. */
  identity: string;
}

export interface DirectoryEntry {
  /** Bytes that are no UTF-8 are U+FFFD; such a name cannot be opened by this text: see `listNames`. */
  name: string;
  kind: FileKind;
}

/**
 * 'r' read, 'r+' read and write, both of what is there · 'w' write anew, made if missing · 'a' append, made if missing ·
 * 'wx', 'ax' only if it is missing.
 */
export type OpenFlags = 'r' | 'r+' | 'w' | 'wx' | 'a' | 'ax';

export interface FilesTimeout {
  /**
   * 30 s unless given. ETIMEDOUT: the file system behind it does not answer. What was asked for may still happen; a descriptor that
   * comes too late is closed.
   */
  timeoutMs?: number;
}

export interface OpenBeneathOptions extends FilesTimeout {
  /** 'r' unless given. */
  flags?: OpenFlags;
  /** Of a file that is made, less the umask; 0o600 unless given. */
  mode?: number;
}

/** Text, or the bytes of a path that is no UTF-8. */
export type FilePath = string | Uint8Array;

/** One of many names that were looked at together. */
export type FileLook =
  | { name: string; bytes: Buffer; status: FileStatus; target: string | undefined }
  | {
      name: string;
      bytes: Buffer;
      /** As 'ENOENT': it is gone by now. */
      errorCode: string;
      status?: undefined;
    };

/** An extended attribute, xattr(7). */
export interface FileAttribute {
  /** With its namespace: 'security.capability'. Bytes that are no UTF-8 are U+FFFD. */
  name: string;
  value: Buffer;
}

/** All of it on threads of its own: a file system that hangs stops neither JavaScript nor Node's pool. */
export interface FilesModule {
  /** A folder that the program itself chose; links in `path` are followed. What comes from outside is a path beneath it. */
  openRoot(path: string, options?: FilesTimeout): Promise<FileDescriptor>;
  /** A folder beneath it as a root of its own. */
  openDirectory(root: FileDescriptor, path: FilePath, options?: FilesTimeout): Promise<FileDescriptor>;
  /** A regular file; nothing else is ever opened. */
  openBeneath(root: FileDescriptor, path: FilePath, options?: OpenBeneathOptions): Promise<FileDescriptor>;
  /** Of a link: the link itself. */
  stat(root: FileDescriptor, path: string, options?: FilesTimeout): Promise<FileStatus>;
  statFile(file: FileDescriptor, options?: FilesTimeout): Promise<FileStatus>;
  /** In the order of the file system, without '.' and '..'. EOVERFLOW beyond `maxEntries` (100,000 unless given). */
  readDirectory(
    root: FileDescriptor,
    path: string,
    options?: FilesTimeout & { maxEntries?: number },
  ): Promise<DirectoryEntry[]>;
  /** Their names alone, sorted by their bytes, each with a NUL behind it. EOVERFLOW beyond `maxEntries` (100,000 unless given). */
  listNames(root: FileDescriptor, path: FilePath, options?: FilesTimeout & { maxEntries?: number }): Promise<Buffer>;
  /**
   * What some names in a folder are, links themselves and not what they lead to. One that cannot be looked at does not hide the others.
   * @param names  a piece of what `listNames` gave
   */
  lookAt(root: FileDescriptor, path: FilePath, names: Uint8Array, options?: FilesTimeout): Promise<FileLook[]>;
  /**
   * Extended attributes of a file of any kind, of a link those of the link itself; nothing is opened. None where the file system has none.
   * EOVERFLOW if names and values have more than `maxBytes`.
   */
  attributes(
    root: FileDescriptor,
    path: FilePath,
    options: FilesTimeout & { maxBytes: number },
  ): Promise<FileAttribute[]>;
  /** What a link says, to be shown and not to be followed. */
  readLink(root: FileDescriptor, path: string, options?: FilesTimeout): Promise<string>;
  /** False: something of that name was there already. Parents must exist. `mode`: 0o755 unless given, less the umask. */
  makeDirectory(root: FileDescriptor, path: string, options?: FilesTimeout & { mode?: number }): Promise<boolean>;
  /** A file or a link, or an empty directory. */
  remove(root: FileDescriptor, path: string, kind: 'file' | 'directory', options?: FilesTimeout): Promise<void>;
  /** EEXIST if there is something at `to`, unless `replace`. */
  rename(root: FileDescriptor, from: string, to: string, options?: FilesTimeout & { replace?: boolean }): Promise<void>;
  /** A whole regular file. EFBIG if it has more than `maxBytes`. */
  readFile(root: FileDescriptor, path: string, options: FilesTimeout & { maxBytes: number }): Promise<Buffer>;
  /** Written beside its place, flushed and renamed: the old file or the new one is there, also after a power cut. */
  replaceFile(
    root: FileDescriptor,
    path: string,
    data: Uint8Array,
    options: FilesTimeout & { mode: number },
  ): Promise<void>;
  /** A piece of an open file: fewer bytes than asked for at its end, none behind it. */
  read(file: FileDescriptor, options: FilesTimeout & { position: number; maxBytes: number }): Promise<Buffer>;
}
