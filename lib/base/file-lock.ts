/**
 * One program at a time changes a file: the lock is a file beside it that must not have been there, which is kubectl's way too.
 *
 * Ours names its process. One whose process is gone is taken away; whoever does that holds a second lock meanwhile, so that nobody takes
 * away the lock of a successor instead.
 */
import { watch } from 'node:fs';
import { type FileHandle, mkdir, open, readFile, realpath, rm } from 'node:fs/promises';
import { hostname } from 'node:os';
import { basename, dirname } from 'node:path';
import { errorCode, TalosError } from './errors.js';
import { SECOND_MS } from './units.js';

/** A change of a small file takes milliseconds. */
const PATIENCE_MS = 10 * SECOND_MS;

/**
 * Does the work while no other program that asks for this lock does, and gives what it returns.
 * @param path  of the file that is changed; it need not be there. Its folder is made, mode 0700
 * @param waitMs  how long another program may take
 * @throws ERR_LOCKED  it took longer · a system error, of the folder
 */
export async function withFileLock<T>(path: string, work: () => Promise<T>, waitMs = PATIENCE_MS): Promise<T> {
  const target = await realpath(path).catch(() => path);
  await mkdir(dirname(target), { recursive: true, mode: 0o700 });
  const lock = `${target}.lock`;
  await acquire(lock, target, waitMs);
  try {
    return await work();
  } finally {
    await rm(lock, { force: true });
  }
}

async function acquire(lock: string, target: string, waitMs: number): Promise<void> {
  if (await take(lock)) return;
  // Watched from before the next attempt on, so that no end of the other one's work can be missed.
  const name = basename(lock);
  let wake = () => {};
  const watcher = watch(dirname(lock), (_event, changed) => {
    if (changed === null || changed === name) wake();
  });
  let isLate = false;
  const timer = setTimeout(() => {
    isLate = true;
    wake();
  }, waitMs);
  try {
    for (;;) {
      const changed = new Promise<void>((resolve) => {
        wake = resolve;
      });
      if (await take(lock)) return;
      if (await removeDead(lock)) continue;
      if (isLate) throw locked(lock, target);
      await changed;
    }
  } finally {
    clearTimeout(timer);
    watcher.close();
  }
}

/** Makes the file; false when it is there already. */
async function take(lock: string): Promise<boolean> {
  let file: FileHandle;
  try {
    file = await open(lock, 'wx', 0o600);
  } catch (error) {
    if (errorCode(error) === 'EEXIST') return false;
    throw error;
  }
  try {
    await file.writeFile(`${process.pid} ${hostname()}\n`);
  } catch (error) {
    // The disk is full: without a name it would stay for ever.
    await rm(lock, { force: true });
    throw error;
  } finally {
    await file.close();
  }
  return true;
}

/** Whether the lock of a process that is gone was taken away. */
async function removeDead(lock: string): Promise<boolean> {
  if (!(await isDead(lock))) return false;
  const second = `${lock}.dead`;
  if (!(await take(second))) return false;
  try {
    if (!(await isDead(lock))) return false;
    await rm(lock, { force: true });
    return true;
  } finally {
    await rm(second, { force: true });
  }
}

async function isDead(lock: string): Promise<boolean> {
  const text = await readFile(lock, 'utf8').catch(() => '');
  const [, pid, host] = /^(\d+) (.+)\n$/.exec(text) ?? [];
  // Without a name it is kubectl's, or one that is being written.
  if (pid === undefined || host !== hostname()) return false;
  try {
    process.kill(Number(pid), 0);
    return false;
  } catch (error) {
    return errorCode(error) === 'ESRCH';
  }
}

function locked(lock: string, target: string): TalosError {
  return new TalosError('ERR_LOCKED', `another program is changing ${target}`, {
    hint: `if there is none, remove ${lock}`,
  });
}
