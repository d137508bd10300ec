/**
 * Builds the base beside the working folder. It comes out of git as an archive, not as a worktree: the cache is shared by all checkouts of this machine, and a worktree
 * would be tied to one of them. It is built by its own `npm run build`, which finds the addon up to date where native/ is the same.
 */
import { existsSync } from 'node:fs';
import { cp, mkdir, readdir, readFile, rename, rm, symlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { cached, type Progress } from '../../lib/base/build-cache.js';
import { errorMessage, TalosError } from '../../lib/base/errors.js';
import { runCommand } from '../../lib/image/run-command.js';
import { type Build, makeBundles, nodeOf } from './build.js';

/** What is left of a build; the rest would only be more to write. */
const KEPT = ['bin', 'benchmarks', 'bundles', 'node_modules', 'out', 'package.json'];
const KEPT_OF_OUT = ['cmake', 'js', 'osctl-chunks', 'osctl.mjs'];
const ADDON = join('out', 'cmake', 'Release', 'talos.node');
/** Says what the addon was made from (tools/lib/stamp.mjs). */
const ADDON_STAMP = join('out', 'stamps', 'addon');
const PACKAGES = 'node_modules';

export interface BaseRequest {
  /** The checkout whose working folder is compared. */
  readonly root: string;
  readonly commit: string;
  readonly logFile: string;
  readonly onProgress: Progress;
}

/**
 * The base, from the cache when it is there.
 * @throws TalosError ERR_GUARD_BASE when it cannot be built
 */
export async function buildBase(request: BaseRequest): Promise<Build> {
  const { root, commit, onProgress } = request;
  const git = (...words: string[]) => runCommand(['git', '-C', root, ...words]);
  const tree = (await git('rev-parse', `${commit}^{tree}`)).trim();
  const lockFile = await readFile(join(root, 'package-lock.json'), 'utf8');
  const sharesPackages = lockFile === (await git('show', `${commit}:package-lock.json`));
  const checkout = await cached({
    kind: 'guard-base',
    inputs: { recipe: 1, tree, sharesPackages, node: process.version, arch: process.arch },
    keep: 3,
    onProgress,
    make: (folder) => make(folder, request, sharesPackages),
  });
  if (sharesPackages) await linkPackages(root, checkout);
  return { checkout, bundles: join(checkout, 'bundles'), node: nodeOf(checkout) };
}

async function make(folder: string, request: BaseRequest, sharesPackages: boolean): Promise<void> {
  const { root, commit, logFile, onProgress } = request;
  const archive = join(folder, 'sources.tar');
  await runCommand(['git', '-C', root, 'archive', '--output', archive, commit]);
  await runCommand(['tar', '--extract', '--file', archive, '--directory', folder]);
  await rm(archive);
  if (sharesPackages) await linkPackages(root, folder);
  await offerAddon(root, folder);
  try {
    // Its steps, as they are told to people.
    const onLine = (line: string) => onProgress(`building it: ${line.trim()}`);
    await runCommand([process.execPath, join(folder, 'tools', 'build.mjs'), '--no-images'], {
      cwd: folder,
      logFile,
      onLine,
    });
    await makeBundles(folder, join(folder, 'bundles'), onProgress);
  } catch (error) {
    throw new TalosError('ERR_GUARD_BASE', `the base ${commit.slice(0, 9)} cannot be built: ${errorMessage(error)}`, {
      hint: 'compare with a commit that can be built: npm run bench:guard -- --base COMMIT',
      cause: error,
    });
  }
  await keepOnly(folder, KEPT);
  await keepOnly(join(folder, 'out'), KEPT_OF_OUT);
  await rename(join(folder, ADDON), join(folder, 'talos.node'));
  await rm(join(folder, 'out', 'cmake'), { recursive: true });
  await mkdir(dirname(join(folder, ADDON)), { recursive: true });
  await rename(join(folder, 'talos.node'), join(folder, ADDON));
}

/** Which checkout's packages they are does not matter, so whoever measures takes their own: another's may be gone by then. */
async function linkPackages(root: string, folder: string): Promise<void> {
  const link = join(folder, `.packages-${process.pid}`);
  await symlink(join(root, PACKAGES), link);
  await rename(link, join(folder, PACKAGES));
}

/** The addon of the working folder with its stamp; the build makes another where the stamp names other sources than there are. */
async function offerAddon(root: string, folder: string): Promise<void> {
  for (const file of [ADDON, ADDON_STAMP]) {
    if (!existsSync(join(root, file))) return;
    await cp(join(root, file), join(folder, file));
  }
}

async function keepOnly(folder: string, names: readonly string[]): Promise<void> {
  for (const name of await readdir(folder)) {
    if (!names.includes(name)) await rm(join(folder, name), { recursive: true });
  }
}
