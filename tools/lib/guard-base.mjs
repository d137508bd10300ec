// With which commit the guard of performance compares, and whether there is anything to compare.
import { StepFailure, UsageError } from './failure.mjs';
import { root } from './paths.mjs';
import { ask } from './run.mjs';

/** What a build that is measured is made from. */
export const measuredSources = [
  ...['lib', 'native', 'bin', 'CMakeLists.txt', 'tsconfig.json', 'package-lock.json'],
  ...['tools/lib/build.mjs', 'tools/lib/native-build.mjs'],
];

/** The base of the main line is every tenth commit, so that it is built once for ten, and never closer than ten: what creeps is seen as well. */
const stride = 10;

/** @typedef {{commit: string, why: string}} Base */

/** What git says, without the newline; undefined when it refuses. */
async function git(folder, ...words) {
  const { code, stdout } = await ask(['git', '-C', folder, ...words]);
  return code === 0 ? stdout.trim() : undefined;
}

/**
 * Chooses the base: the commit that was asked for; on a branch the point at which it left the main line of its origin; on the main line itself a commit 10 to 19 further down
 * (first parents), or the oldest that there is.
 * @param {string} [wanted]  a revision
 * @param {string} [folder]  a checkout
 * @returns {Promise<Base | undefined>} undefined: there is no earlier commit
 * @throws {UsageError} there is no such revision
 * @throws {StepFailure} git does not know this checkout
 */
export async function chooseBase(wanted, folder = root) {
  if (wanted !== undefined) {
    const commit = await git(folder, 'rev-parse', '--verify', '--quiet', '--end-of-options', `${wanted}^{commit}`);
    if (!commit) throw new UsageError(`--base ${wanted}: there is no such commit here`);
    return { commit, why: `as asked: ${wanted}` };
  }
  const head = await git(folder, 'rev-parse', '--verify', '--quiet', 'HEAD');
  if (!head) {
    const hint = 'the guard compares with an earlier commit; clone the repository, as the user who runs this';
    throw new StepFailure('Guard', `git knows no commit of ${folder}`, { hint });
  }
  const fork = await leftMainAt(folder);
  if (fork !== undefined && fork !== head) return { commit: fork, why: 'where this branch has left the main line' };
  const count = Number(await git(folder, 'rev-list', '--first-parent', '--count', 'HEAD'));
  const back = Math.min(stride + (count % stride), count - 1);
  if (!(back > 0)) return undefined;
  const commit = await git(folder, 'rev-parse', `HEAD~${back}`);
  return commit === undefined ? undefined : { commit, why: `${back} commits back on the main line` };
}

/** Where HEAD has left the main branch of its origin, if it has one. */
async function leftMainAt(folder) {
  for (const main of ['refs/remotes/origin/HEAD', 'refs/remotes/origin/main']) {
    const base = await git(folder, 'merge-base', 'HEAD', main);
    if (base) return base;
  }
  return undefined;
}

/**
 * Files of the working folder that differ from the base and are part of what is measured.
 * @param {string} commit
 * @param {string} [folder]
 * @returns {Promise<string[]>}
 */
export async function measuredChanges(commit, folder = root) {
  const changed = await git(folder, 'diff', '--name-only', commit, '--', ...measuredSources);
  const added = await git(folder, 'ls-files', '--others', '--exclude-standard', '--', ...measuredSources);
  if (changed === undefined || added === undefined) throw new Error(`git cannot compare ${folder} with ${commit}`);
  return [...new Set(`${changed}\n${added}`.split('\n').filter((file) => file !== ''))].sort();
}
