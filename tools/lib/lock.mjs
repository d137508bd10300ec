// Keeps two builds from writing out/ at the same time.
import { closeSync, mkdirSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { out } from './paths.mjs';

const lockFile = path.join(out, 'build.lock');
const retryMs = 500;

/** The process that holds the lock, if it is still there. */
function holder() {
  try {
    const pid = Number(readFileSync(lockFile, 'utf8'));
    if (pid > 0) process.kill(pid, 0);
    return pid;
  } catch (error) {
    return error.code === 'EPERM' ? -1 : undefined;
  }
}

/**
 * Does the work while no other build runs in this checkout.
 * @template T
 * @param {(pid: number) => void} onWait told once when another build has to end first
 * @param {() => Promise<T>} work
 * @returns {Promise<T>}
 */
export async function withBuildLock(onWait, work) {
  mkdirSync(out, { recursive: true });
  let hasTold = false;
  for (;;) {
    try {
      const file = openSync(lockFile, 'wx');
      writeSync(file, String(process.pid));
      closeSync(file);
      break;
    } catch (error) {
      if (error.code !== 'EEXIST') throw error;
    }
    const pid = holder();
    if (pid === undefined) {
      // Its owner was killed.
      rmSync(lockFile, { force: true });
      continue;
    }
    if (!hasTold) onWait(pid);
    hasTold = true;
    await delay(retryMs);
  }
  try {
    return await work();
  } finally {
    rmSync(lockFile, { force: true });
  }
}
