// Skips steps whose inputs have not changed: a stamp holds the hash of everything that a step was made from.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { root, stampDir } from './paths.mjs';

/**
 * All files below the given paths (files or folders of the checkout; missing ones are left out), sorted.
 * @param {string[]} paths relative to the root
 * @returns {string[]} relative to the root
 */
export function filesBelow(paths) {
  const found = [];
  const visit = (relative) => {
    const absolute = path.join(root, relative);
    if (!existsSync(absolute)) return;
    if (!statSync(absolute).isDirectory()) found.push(relative);
    else for (const name of readdirSync(absolute)) visit(path.join(relative, name));
  };
  for (const each of paths) visit(each);
  return found.sort();
}

/**
 * A hash over the content of files and over further words (tool versions, options).
 * @param {string[]} paths
 * @param {string[]} [words]
 * @returns {string}
 */
export function hashInputs(paths, words = []) {
  const hash = createHash('sha256');
  for (const word of words) hash.update(`word ${word}\0`);
  for (const file of filesBelow(paths)) {
    const content = readFileSync(path.join(root, file));
    hash.update(`file ${file}\0${content.length}\0`).update(content);
  }
  return hash.digest('hex');
}

/**
 * Whether a step has to be done, and how to say that it is.
 * @param {string} name of the step; one stamp file each
 * @param {string} hash of its inputs
 * @param {string[]} outputs absolute paths that must exist
 * @returns {{isCurrent: boolean, begin: () => void, complete: () => void}} `begin` drops the old stamp, so that a step
 *   that was interrupted is done again
 */
export function stamp(name, hash, outputs) {
  const file = path.join(stampDir, name);
  const stamped = existsSync(file) ? readFileSync(file, 'utf8') : '';
  return {
    isCurrent: stamped === hash && outputs.every((output) => existsSync(output)),
    begin: () => rmSync(file, { force: true }),
    complete: () => {
      mkdirSync(stampDir, { recursive: true });
      writeFileSync(`${file}.new`, hash);
      renameSync(`${file}.new`, file);
    },
  };
}
