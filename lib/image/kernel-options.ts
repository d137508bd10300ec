/** From the fragments in kernel/ to a final .config: which fragments a kernel is made of, and what `make` makes of them. */
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { cached, type Progress } from '../base/build-cache.js';
import { TalosError } from '../base/errors.js';
import { ARCHITECTURES, type Architecture, toolPrefix } from './architecture.js';
import { droppedOptions, mergeFragments, parseConfig, parseFragment, renderConfig } from './kernel-config.js';
import { type KernelSource, type KernelTree, pinnedSource } from './kernel-source.js';
import { runCommand } from './run-command.js';

/** `default` is what the image ships, `metal` adds drivers of real machines, `test` what the test guest needs. */
export type KernelProfile = 'default' | 'metal' | 'test';

export const KERNEL_PROFILES: readonly KernelProfile[] = ['default', 'metal', 'test'];

/** One kernel of those that can be built. */
export interface KernelVariant {
  readonly arch: Architecture;
  readonly profile: KernelProfile;
}

/** The options of a variant, merged from its fragments. */
export async function wantedOptions(root: string, { arch, profile }: KernelVariant): Promise<Map<string, string>> {
  const { kernelFragment } = ARCHITECTURES[arch];
  const own = profile === 'default' ? [] : [`${profile}.config`, `${profile}-${kernelFragment}`];
  // Not every profile has something of its own for every architecture.
  const present = own.filter((name) => existsSync(path.join(root, 'kernel', name)));
  const names = ['base.config', kernelFragment, ...present];
  const fragments = await Promise.all(
    names.map(async (name) => parseFragment(await readFile(path.join(root, 'kernel', name), 'utf8'), `kernel/${name}`)),
  );
  return mergeFragments(fragments);
}

/** The compiler's and the linker's versions: what they can do decides what options there are. */
export async function toolVersions(arch: Architecture): Promise<{ compiler: string; binutils: string }> {
  const prefix = toolPrefix(arch);
  const first = async (program: string) =>
    (await runCommand([`${prefix}${program}`, '--version'])).split('\n')[0] ?? '';
  return { compiler: await first('gcc'), binutils: await first('ld') };
}

/**
 * What the kernel's build would take from the environment of whoever works on kernels, and its key in the cache does not have. An empty
 * LOCALVERSION also keeps the build from adding "+" to the release of a tree that is a clone of git.
 */
const SETTLED = ['LOCALVERSION=', 'KCFLAGS=', 'KCPPFLAGS=', 'KAFLAGS=', 'LLVM=', 'KCONFIG_CONFIG=.config'];

/** The front of every command line of the kernel's build. */
export function makeCommand(tree: KernelTree, arch: Architecture, objects: string): [string, ...string[]] {
  const target = [`O=${objects}`, `ARCH=${ARCHITECTURES[arch].kernelArch}`, `CROSS_COMPILE=${toolPrefix(arch)}`];
  return ['make', '--directory', tree.folder, ...target, ...SETTLED];
}

/**
 * Writes `.config` into `objects`.
 * @throws TalosError ERR_KERNEL_OPTIONS naming every option that did not arrive, and whether this source still has it
 */
export async function configure(
  tree: KernelTree,
  arch: Architecture,
  wanted: ReadonlyMap<string, string>,
  objects: string,
): Promise<void> {
  await mkdir(objects, { recursive: true });
  const wantedFile = path.join(objects, 'wanted.config');
  await writeFile(wantedFile, renderConfig(wanted));
  await runCommand([...makeCommand(tree, arch, objects), 'allnoconfig'], { env: { KCONFIG_ALLCONFIG: wantedFile } });
  await rm(wantedFile);
  const arrived = parseConfig(await readFile(path.join(objects, '.config'), 'utf8'));
  const dropped = droppedOptions(wanted, arrived, await knownOptions(tree.folder));
  if (dropped.length > 0) {
    throw new TalosError('ERR_KERNEL_OPTIONS', `kernel options that did not arrive:\n  ${dropped.join('\n  ')}`, {
      hint: 'mend the fragments in kernel/',
    });
  }
}

/** Every option that a source tree has, on whatever architecture. */
async function knownOptions(tree: string): Promise<Set<string>> {
  const known = new Set<string>();
  const walk = async (folder: string): Promise<void> => {
    for (const entry of await readdir(folder, { withFileTypes: true })) {
      const file = path.join(folder, entry.name);
      if (entry.isDirectory()) await walk(file);
      else if (entry.name.startsWith('Kconfig')) {
        for (const [, name] of (await readFile(file, 'utf8')).matchAll(/^\s*(?:menu)?config\s+(\w+)/gm)) {
          known.add(`CONFIG_${name}`);
        }
      }
    }
  };
  await walk(tree);
  return known;
}

/**
 * The final .config of each variant, without building a kernel: some seconds each, once.
 * @returns the files' paths, in the order of `variants`
 */
export async function kernelConfigs(
  root: string,
  variants: readonly KernelVariant[],
  onProgress: Progress,
  source?: KernelSource,
): Promise<string[]> {
  const from = source ?? (await pinnedSource(root));
  const wanted = await Promise.all(variants.map((variant) => wantedOptions(root, variant)));
  const tools = await Promise.all(variants.map(({ arch }) => toolVersions(arch)));
  const nameOf = ({ arch, profile }: KernelVariant) => `${arch}-${profile}.config`;
  const entry = await cached({
    kind: 'kernel-config',
    inputs: { recipe: 1, source: from.identity, variants, wanted: wanted.map((each) => [...each]), tools },
    onProgress,
    make: async (folder) => {
      const work = path.join(folder, 'work');
      const tree = await from.unpack(path.join(work, 'source'), 'configuration', onProgress);
      // One folder for all: the program that configures is built once.
      const objects = path.join(work, 'objects');
      for (const [index, variant] of variants.entries()) {
        onProgress(`configuring the ${variant.profile} kernel for ${variant.arch}`);
        await configure(tree, variant.arch, wanted[index] ?? new Map(), objects);
        await rename(path.join(objects, '.config'), path.join(folder, nameOf(variant)));
      }
      await rm(work, { recursive: true });
    },
  });
  return variants.map((variant) => path.join(entry, nameOf(variant)));
}
