import { readdir, readlink } from 'node:fs/promises';
import { basename } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { errorCode } from '../base/errors.js';
import { MIB } from '../base/units.js';
import { readAttribute, readKernelFile } from './proc/read.js';
import { parseSockets, type Socket, type SocketProtocol } from './proc/sockets.js';

/** 200,000 sockets. */
const MAX_SOCKET_BYTES = 32 * MIB;
/** Processes that are looked at at the same time, and links of each: the thread pool has other callers, too. */
const PROCESSES_AT_ONCE = 4;
const LINKS_AT_ONCE = 32;
/** Of a process: it has ended, or may not be looked at. */
const GONE = ['ENOENT', 'ESRCH', 'EACCES', 'EPERM'];

export interface SocketOwner {
  pid: number;
  /** Of the program: the last part of the first word of its command line, as netstat(8) has it. */
  name: string;
}

/**
 * The sockets of this process's network namespace. A protocol that the kernel does not have, has no sockets.
 * @throws EFBIG there are too many to be told
 */
export async function readSockets(protocols: readonly SocketProtocol[], proc = '/proc'): Promise<Socket[]> {
  const sockets: Socket[] = [];
  for (const protocol of protocols) {
    const text = await absentIf(['ENOENT'], readKernelFile(`${proc}/net/${protocol}`, MAX_SOCKET_BYTES));
    for (const some of parseSockets(text ?? '', protocol)) {
      for (const socket of some) sockets.push(socket);
      await setImmediate();
    }
  }
  return sockets;
}

/**
 * Who holds sockets open, by inode; of several the process with the lowest number. Looks through the descriptors of all processes until all are
 * found. Processes that end meanwhile, or may not be looked at, are passed over.
 */
export async function socketOwners(
  inodes: ReadonlySet<number>,
  { proc = '/proc', signal }: { proc?: string; signal?: AbortSignal } = {},
): Promise<Map<number, SocketOwner>> {
  const owners = new Map<number, SocketOwner>();
  const pids = (await readdir(proc))
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .sort((one, other) => one - other);
  for (let at = 0; at < pids.length && owners.size < inodes.size; at += PROCESSES_AT_ONCE) {
    signal?.throwIfAborted();
    const some = pids.slice(at, at + PROCESSES_AT_ONCE);
    const found = await Promise.all(some.map((pid) => socketsOf(`${proc}/${pid}`, inodes)));
    for (const [position, held] of found.entries()) {
      const isNew = held.filter((inode) => !owners.has(inode));
      if (isNew.length === 0) continue;
      const pid = some[position] as number;
      const name = await programName(`${proc}/${pid}`);
      for (const inode of isNew) owners.set(inode, { pid, name });
    }
  }
  return owners;
}

/** Its name for itself where there is no command line. */
async function programName(folder: string): Promise<string> {
  const [first = ''] = ((await readAttribute(`${folder}/cmdline`)) ?? '').split('\0');
  return basename(first) || ((await readAttribute(`${folder}/comm`)) ?? '');
}

async function socketsOf(folder: string, inodes: ReadonlySet<number>): Promise<number[]> {
  const descriptors = await absentIf(GONE, readdir(`${folder}/fd`));
  const found: number[] = [];
  for (let at = 0; descriptors && at < descriptors.length; at += LINKS_AT_ONCE) {
    const links = await Promise.all(
      descriptors.slice(at, at + LINKS_AT_ONCE).map((name) => absentIf(GONE, readlink(`${folder}/fd/${name}`))),
    );
    for (const link of links) {
      const inode = Number(/^socket:\[(\d+)\]$/.exec(link ?? '')?.[1]);
      if (inodes.has(inode)) found.push(inode);
    }
  }
  return found;
}

async function absentIf<T>(codes: readonly string[], promise: Promise<T>): Promise<T | undefined> {
  try {
    return await promise;
  } catch (error) {
    if (codes.includes(errorCode(error) ?? '')) return undefined;
    throw error;
  }
}
