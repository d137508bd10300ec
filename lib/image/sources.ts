/** Which sources a build depends on, and what the checkout calls itself. */
import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { TalosError } from '../base/errors.js';
import type { BuildInfo } from '../base/version.js';
import { runCommand } from './run-command.js';

/** Every file below `folder` that `accept` takes, sorted; paths relative to `root`. */
async function filesBelow(root: string, folder: string, accept: (name: string) => boolean): Promise<string[]> {
  const entries = await readdir(path.join(root, folder), { withFileTypes: true, recursive: true }).catch(() => []);
  return entries
    .filter((entry) => entry.isFile() && accept(entry.name))
    .map((entry) => path.relative(root, path.join(entry.parentPath, entry.name)))
    .sort();
}

/**
 * One hash over the names and contents of all files below the folders.
 * @param folders or single files, relative to `root`
 */
export async function hashSources(
  root: string,
  folders: readonly string[],
  accept: (name: string) => boolean = () => true,
): Promise<string> {
  const files: string[] = [];
  for (const folder of folders) {
    const below = await filesBelow(root, folder, accept);
    files.push(...(below.length > 0 ? below : accept(folder) ? [folder] : []));
  }
  const contents = await Promise.all(files.map((file) => readFile(path.join(root, file)).catch(() => undefined)));
  const hash = createHash('sha256');
  for (const [index, content] of contents.entries()) {
    if (content === undefined) continue;
    hash.update(`${files[index]}\0${content.length}\0`).update(content);
  }
  return hash.digest('hex');
}

/** What a build of this checkout is; `timeSeconds` is SOURCE_DATE_EPOCH's value. */
export interface SourceIdentity extends BuildInfo {
  readonly timeSeconds: number;
}

/**
 * Version from package.json, commit and its time from git; without git (a source archive) the commit is 'unknown', and the time that of
 * SOURCE_DATE_EPOCH.
 * @throws TalosError ERR_USAGE  SOURCE_DATE_EPOCH is no number of seconds
 */
export async function sourceIdentity(root: string): Promise<SourceIdentity> {
  const { version } = JSON.parse(await readFile(path.join(root, 'package.json'), 'utf8')) as { version: string };
  const { sha, timeSeconds } = (await commitOf(root)) ?? { sha: 'unknown', timeSeconds: givenTime() };
  return { tag: `v${version}`, sha, built: new Date(timeSeconds * 1000).toISOString(), timeSeconds };
}

/** Undefined where git does not know the sources: an archive that was unpacked inside of another repository is none of its commits. */
async function commitOf(root: string): Promise<{ sha: string; timeSeconds: number } | undefined> {
  try {
    const git = (...args: string[]) => runCommand(['git', '-C', root, ...args]);
    const [log, status] = await Promise.all([
      git('log', '-1', '--format=%h %ct', '--abbrev=9'),
      git('status', '--porcelain', '--untracked-files=no'),
      git('ls-files', '--error-unmatch', 'package.json'),
    ]);
    const [sha = '', time = ''] = log.trim().split(' ');
    return { sha: `${sha}${status.trim() === '' ? '' : '-dirty'}`, timeSeconds: Number(time) };
  } catch {
    return undefined;
  }
}

function givenTime(): number {
  const text = process.env.SOURCE_DATE_EPOCH || '0';
  if (/^\d{1,11}$/.test(text)) return Number(text);
  throw new TalosError('ERR_USAGE', `SOURCE_DATE_EPOCH is "${text}", and not a number of seconds since 1970`);
}
