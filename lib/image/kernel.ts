/** Builds the kernel from its source and the fragments in kernel/. */
import { copyFile, mkdir, rm, stat } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import path from 'node:path';
import { cached, cacheFolder, type Progress } from '../base/build-cache.js';
import { TalosError } from '../base/errors.js';
import { ARCHITECTURES, type Architecture } from './architecture.js';
import { configure, type KernelProfile, makeCommand, toolVersions, wantedOptions } from './kernel-options.js';
import { type KernelSource, type KernelTree, pinnedSource } from './kernel-source.js';
import { runCommand } from './run-command.js';

export { KERNEL_PROFILES, type KernelProfile } from './kernel-options.js';

/** A built kernel. */
export interface Kernel {
  /** What QEMU's `-kernel` takes. */
  readonly image: string;
  /** The final .config. */
  readonly config: string;
}

/** Objects of a build from nothing, measured; only the percentage depends on it. */
const EXPECTED_OBJECTS: Record<KernelProfile, number> = { default: 2400, metal: 3800, test: 2500 };
/** The same of a profile that is built on the objects of another. */
const EXPECTED_MORE_OBJECTS = 180;
/** The budget of a compressed image (SPECIFICATION.md); the test kernel is not shipped, and what arm64 boots is not compressed. */
const MAX_IMAGE_BYTES: Readonly<Record<string, number>> = { 'amd64 default': 16e6, 'amd64 metal': 40e6 };
const IMAGE_NAME = 'vmlinuz';

/**
 * The kernel of a profile, built when it is not in the cache.
 * @param root    the checkout
 * @param source  the pinned one unless said otherwise
 * @throws TalosError ERR_KERNEL_OPTIONS, ERR_KERNEL_SIZE, ERR_TOOL
 */
export async function buildKernel(
  root: string,
  arch: Architecture,
  profile: KernelProfile,
  onProgress: Progress,
  source?: KernelSource,
): Promise<Kernel> {
  const recipe = await kernelRecipe(root, arch, profile, source);
  return kernelIn(await cachedKernel(recipe, onProgress, (folder) => buildAlone(recipe, folder, onProgress)));
}

/**
 * The test kernel. Where neither it nor the default kernel is in the cache, both are built one on the other's objects: make compiles again
 * only what an option of kernel/test.config reaches, and what comes out is the same.
 * @throws TalosError as {@link buildKernel}
 */
export async function buildTestKernel(root: string, arch: Architecture, onProgress: Progress): Promise<Kernel> {
  const recipe = await kernelRecipe(root, arch, 'test');
  const base = await kernelRecipe(root, arch, 'default');
  const make = async (folder: string): Promise<void> => {
    const objects = await unpacked(recipe, folder, onProgress);
    let expected = EXPECTED_OBJECTS.test;
    await cachedKernel(base, onProgress, async (baseFolder) => {
      await compile(base, objects, EXPECTED_OBJECTS.default, onProgress);
      await keep(base, objects, baseFolder);
      expected = EXPECTED_MORE_OBJECTS;
    });
    await compile(recipe, objects, expected, onProgress);
    await keep(recipe, objects, folder);
    await rm(workIn(folder), { recursive: true });
  };
  return kernelIn(await cachedKernel(recipe, onProgress, make));
}

/** What a kernel is made of. */
interface KernelRecipe {
  readonly source: KernelSource;
  readonly arch: Architecture;
  readonly profile: KernelProfile;
  readonly wanted: ReadonlyMap<string, string>;
}

/** A source tree, and the folder that its objects are in. */
interface KernelObjects {
  readonly tree: KernelTree;
  readonly folder: string;
}

async function kernelRecipe(
  root: string,
  arch: Architecture,
  profile: KernelProfile,
  source?: KernelSource,
): Promise<KernelRecipe> {
  return {
    source: source ?? (await pinnedSource(root)),
    arch,
    profile,
    wanted: await wantedOptions(root, { arch, profile }),
  };
}

async function cachedKernel(
  { source, arch, wanted }: KernelRecipe,
  onProgress: Progress,
  make: (folder: string) => Promise<void>,
): Promise<string> {
  return cached({
    kind: 'kernel',
    inputs: { recipe: 1, source: source.identity, arch, options: [...wanted], ...(await toolVersions(arch)) },
    onProgress,
    make,
  });
}

const kernelIn = (entry: string): Kernel => ({
  image: path.join(entry, IMAGE_NAME),
  config: path.join(entry, 'config'),
});

const workIn = (folder: string): string => path.join(folder, 'work');

async function buildAlone(recipe: KernelRecipe, folder: string, onProgress: Progress): Promise<void> {
  const objects = await unpacked(recipe, folder, onProgress);
  await compile(recipe, objects, EXPECTED_OBJECTS[recipe.profile], onProgress);
  await keep(recipe, objects, folder);
  await rm(workIn(folder), { recursive: true });
}

async function unpacked({ source }: KernelRecipe, folder: string, onProgress: Progress): Promise<KernelObjects> {
  const work = workIn(folder);
  const tree = await source.unpack(path.join(work, 'source'), 'all', onProgress);
  return { tree, folder: path.join(work, 'objects') };
}

/** One more than processors: while one compiler ends and the next begins, another goes on. */
const jobs = (): string => `-j${availableParallelism() + 1}`;

/** Configures and makes; objects that are there and fit are used. */
async function compile(
  { arch, profile, wanted }: KernelRecipe,
  { tree, folder }: KernelObjects,
  expectedObjects: number,
  onProgress: Progress,
): Promise<void> {
  onProgress(`configuring the ${profile} kernel`);
  await configure(tree, arch, wanted, folder);
  let compiled = 0;
  const logFolder = path.join(cacheFolder(), 'log');
  await mkdir(logFolder, { recursive: true });
  await runCommand(['nice', ...makeCommand(tree, arch, folder), jobs(), ARCHITECTURES[arch].kernelTarget], {
    // The same sources give the same bytes: no user, host or time of the build goes into the image.
    env: {
      KBUILD_BUILD_USER: 'talos',
      KBUILD_BUILD_HOST: 'build',
      KBUILD_BUILD_VERSION: '1',
      KBUILD_BUILD_TIMESTAMP: `@${tree.timeSeconds}`,
    },
    logFile: path.join(logFolder, `kernel-${arch}-${profile}.log`),
    onLine: (line) => {
      if (!/^\s+(CC|AS|AR|LD|HOSTCC)\s/.test(line)) return;
      compiled += 1;
      const percent = Math.min(99, Math.floor((100 * compiled) / expectedObjects));
      onProgress(`compiling the ${profile} kernel, ${compiled} of about ${expectedObjects} objects`, percent);
    },
  });
}

/** Puts what a kernel is used with into its entry of the cache. */
async function keep({ arch, profile }: KernelRecipe, objects: KernelObjects, folder: string): Promise<void> {
  const image = path.join(objects.folder, ARCHITECTURES[arch].kernelImage);
  const { size } = await stat(image);
  const limit = MAX_IMAGE_BYTES[`${arch} ${profile}`];
  if (limit !== undefined && size > limit) {
    throw new TalosError('ERR_KERNEL_SIZE', `the ${profile} kernel has ${size} bytes, its budget is ${limit}`, {
      hint: 'take options out of kernel/, or say in SPECIFICATION.md why it may be larger',
    });
  }
  // Copied: a kernel that is built on these objects has to find them.
  await copyFile(image, path.join(folder, IMAGE_NAME));
  await copyFile(path.join(objects.folder, '.config'), path.join(folder, 'config'));
  await copyFile(path.join(objects.folder, 'System.map'), path.join(folder, 'System.map'));
}
