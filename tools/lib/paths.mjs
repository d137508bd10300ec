// Where the repository's commands read and write. Everything that is made lives under out/ or the user's cache.
import { homedir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

/** The root of the checkout. */
export const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..', '..');

/** Output of builds; wholly reproducible, safe to delete. */
export const out = path.join(root, 'out');

/** The bundle that bin/osctl loads. */
export const osctlBundle = path.join(out, 'osctl.mjs');

/** One log file per step. */
export const logDir = path.join(out, 'log');

/** What a finished step was made from (see stamp.mjs). */
export const stampDir = path.join(out, 'stamps');

/** The user's cache, shared by all checkouts. */
export const cacheDir = path.join(process.env.XDG_CACHE_HOME || path.join(homedir(), '.cache'), 'talos');

/**
 * A path as a person wants to read it: relative to the current folder when it is below it.
 * @param {string} file absolute path
 * @returns {string}
 */
export function shown(file) {
  const relative = path.relative(process.cwd(), file);
  return relative.startsWith('..') ? file : relative;
}
