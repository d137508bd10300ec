/**
 * The cache of built things: `${XDG_CACHE_HOME:-~/.cache}/talos/<kind>/<hash of the inputs>/`. An entry is there whole or not at all:
 * it is made in a temporary folder beside its place, flushed to disk and renamed. One process makes an entry, others wait for it.
 */
import { createHash, randomUUID } from 'node:crypto';
import { constants, createReadStream, existsSync } from 'node:fs';
import { access, mkdir, open, readdir, rename, rm, stat, statfs, utimes } from 'node:fs/promises';
import { homedir } from 'node:os';
import path from 'node:path';
import { errorCode, errorMessage, TalosError } from './errors.js';
import { withFreeLock, withLock } from './process-lock.js';
import { HOUR_MS, MIB, MINUTE_MS } from './units.js';

/** Told what is being done, for people; `percent` where a total is known. */
export type Progress = (text: string, percent?: number) => void;

/** What {@link cached} is told. */
export interface CacheRequest {
  /** Folder below the cache: 'kernel', 'root-image', … */
  readonly kind: string;
  /** Everything that the result depends on; anything that JSON can tell apart. */
  readonly inputs: unknown;
  /** Makes the entry's files in `folder`, which is empty. */
  readonly make: (folder: string) => Promise<void>;
  readonly onProgress?: Progress | undefined;
  /** How many entries of this kind to keep; older ones that nobody has used for an hour go. */
  readonly keep?: number | undefined;
}

const DEFAULT_KEEP = 8;
/** An entry in use by a build that is under way is never older than this. */
const UNUSED_MS = HOUR_MS;
/** How often an entry that is being made says so by the time of its folder. */
const ALIVE_MS = MINUTE_MS;
/** Between the hash of an entry and what tells its makers apart. */
const TEMPORARY = '.tmp-';
const LITTLE_SPACE_BYTES = 16 * MIB;
/** Failures of the disk, not of the build. */
const DISK_CODES = new Set(['ENOSPC', 'EROFS', 'EDQUOT', 'EACCES', 'EPERM', 'EIO']);

/** The cache's folder. */
export function cacheFolder(environment: NodeJS.ProcessEnv = process.env): string {
  return path.join(environment.XDG_CACHE_HOME || path.join(homedir(), '.cache'), 'talos');
}

/** A short name for `inputs`: equal inputs have equal names. */
export function hashInputs(inputs: unknown): string {
  return createHash('sha256').update(JSON.stringify(inputs)).digest('hex').slice(0, 24);
}

/** SHA-256 of a file's content, in hexadecimal. */
export async function hashFile(file: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(file)) hash.update(chunk as Buffer);
  return hash.digest('hex');
}

/**
 * The folder of the entry for `inputs`, made first when it is not there.
 * @throws TalosError ERR_CACHE_WRITE when the disk is full or cannot be written; what `make` throws, after everything it made is removed
 */
export async function cached(request: CacheRequest): Promise<string> {
  const kindFolder = path.join(cacheFolder(), request.kind);
  const hash = hashInputs(request.inputs);
  const entry = path.join(kindFolder, hash);
  if (await isUsable(entry)) return entry;
  try {
    await mkdir(kindFolder, { recursive: true });
    const onWait = () => request.onProgress?.(`waiting for another process that makes the same ${request.kind}`);
    return await withLock(entry, onWait, async () => {
      if (await isUsable(entry)) return entry;
      await makeEntry(entry, request);
      await prune(kindFolder, request.keep ?? DEFAULT_KEEP);
      return entry;
    });
  } catch (error) {
    throw await explained(error, kindFolder);
  }
}

/** Marks the entry as used now, so that pruning leaves it; a cache that cannot be written may still be read. */
async function isUsable(entry: string): Promise<boolean> {
  if (!existsSync(entry)) return false;
  await touch(entry);
  return true;
}

async function touch(folder: string): Promise<void> {
  const now = new Date();
  await utimes(folder, now, now).catch(() => {});
}

/** When a folder was touched last; for one that has gone, never to be looked at again. */
function usedMs(folder: string): Promise<number> {
  return stat(folder).then(
    (status) => status.mtimeMs,
    () => Number.POSITIVE_INFINITY,
  );
}

async function makeEntry(entry: string, request: CacheRequest): Promise<void> {
  const parent = path.dirname(entry);
  await removeLeftovers(entry);
  const temporary = `${entry}${TEMPORARY}${randomUUID()}`;
  const alive = setInterval(() => touch(temporary), ALIVE_MS).unref();
  try {
    await mkdir(temporary);
    await request.make(temporary);
    await flush(temporary);
    await rename(temporary, entry);
    await flushOne(parent);
  } catch (error) {
    await rm(temporary, { recursive: true, force: true }).catch(() => {});
    // A process in a container that shares the cache and not our locks was faster: there is an entry, and it is whole.
    if (!isTaken(error) || !existsSync(entry)) throw error;
  } finally {
    clearInterval(alive);
  }
}

/** What rename(2) says to a folder whose new name a folder with something in it has. */
function isTaken(error: unknown): boolean {
  return ['ENOTEMPTY', 'EEXIST'].includes(errorCode(error) ?? '');
}

/**
 * Removes what processes that died left behind. We hold the lock of `entry`, so all with a temporary name of it is that. Of other entries,
 * which may never be made again, it is what nobody holds the lock of and what has not been touched for long: who makes them in a container
 * has locks that we do not see.
 */
async function removeLeftovers(entry: string): Promise<void> {
  const parent = path.dirname(entry);
  const limit = Date.now() - UNUSED_MS;
  for (const name of await readdir(parent)) {
    const end = name.indexOf(TEMPORARY);
    if (end < 0) continue;
    const [made, left] = [path.join(parent, name.slice(0, end)), path.join(parent, name)];
    const remove = () => rm(left, { recursive: true, force: true });
    if (made === entry) await remove();
    else if ((await usedMs(left)) < limit) await withFreeLock(made, () => remove().catch(() => {}));
  }
}

/** After a power cut a renamed folder must not hold empty files. */
async function flush(folder: string): Promise<void> {
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const file = path.join(folder, entry.name);
    if (entry.isDirectory()) await flush(file);
    else if (entry.isFile()) await flushOne(file);
  }
  await flushOne(folder);
}

async function flushOne(file: string): Promise<void> {
  const handle = await open(file, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Removes the entries that were not used for longest. Best effort: a cache that is too large still works. */
async function prune(kindFolder: string, keep: number): Promise<void> {
  const entries: { file: string; lastMs: number }[] = [];
  for (const name of await readdir(kindFolder).catch(() => [])) {
    if (name.includes('.')) continue;
    const file = path.join(kindFolder, name);
    entries.push({ file, lastMs: await usedMs(file) });
  }
  entries.sort((left, right) => right.lastMs - left.lastMs);
  const limit = Date.now() - UNUSED_MS;
  for (const { file, lastMs } of entries.slice(keep)) {
    // Renamed first: a process that dies halfway must not leave half an entry under a valid name.
    const doomed = `${file}${TEMPORARY}${randomUUID()}`;
    if (lastMs >= limit) continue;
    await rename(file, doomed).catch(() => {});
    await rm(doomed, { recursive: true, force: true }).catch(() => {});
  }
}

/** Whether a failed call is about a file that is not in the cache: what is built from cannot be read. */
async function isElsewhere(error: unknown): Promise<boolean> {
  const { path: file, dest } = error as NodeJS.ErrnoException & { dest?: string };
  const cache = `${path.resolve(cacheFolder())}/`;
  // Or a folder above it, which could not be made.
  const isOurs = (each: string) =>
    `${path.resolve(each)}/`.startsWith(cache) || cache.startsWith(`${path.resolve(each)}/`);
  if (file === undefined || isOurs(file)) return false;
  // A copy names both ends, and not which of them it was.
  return dest === undefined || !isOurs(dest) || !(await canBeRead(file));
}

function canBeRead(file: string): Promise<boolean> {
  return access(file, constants.R_OK).then(
    () => true,
    () => false,
  );
}

/** A build tool that met a full disk fails in its own words; this finds out and says so. */
async function explained(error: unknown, folder: string): Promise<unknown> {
  const code = errorCode(error) ?? '';
  const hint = 'make room there, or set XDG_CACHE_HOME to a folder on another disk; then run this again';
  if (DISK_CODES.has(code) && !(await isElsewhere(error))) {
    return new TalosError('ERR_CACHE_WRITE', `cannot write to the build cache ${folder}: ${errorMessage(error)}`, {
      hint,
      cause: error,
    });
  }
  const room = await statfs(folder).catch(() => undefined);
  if (room !== undefined && room.bavail * room.bsize < LITTLE_SPACE_BYTES) {
    return new TalosError(
      'ERR_CACHE_WRITE',
      `the disk with the build cache ${folder} is full: ${errorMessage(error)}`,
      {
        hint,
        cause: error,
      },
    );
  }
  return error;
}
