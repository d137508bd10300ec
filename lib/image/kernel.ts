/** Builds the kernel from Debian's source package and the fragments in kernel/. */
import { existsSync } from 'node:fs';
import { mkdir, open, readFile, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { cached, cacheFolder, hashFile, type Progress } from '../base/build-cache.js';
import { TalosError } from '../base/errors.js';
import { PrivateApt, unpackPackage } from './apt.js';
import { ARCHITECTURES, type Architecture, toolPrefix } from './architecture.js';
import { droppedOptions, mergeFragments, parseConfig, parseFragment, renderConfig } from './kernel-config.js';

import { runCommand } from './run-command.js';

/** `default` is what the image ships, `test` adds what the test guest needs. */
export type KernelProfile = 'default' | 'test';

export const KERNEL_PROFILES: readonly KernelProfile[] = ['default', 'test'];

/** kernel/source.json */
interface KernelSource {
  readonly package: string;
  readonly version: string;
  readonly suite: string;
  readonly sha256: string;
  /** Path of the source archive inside the package, and of the folder inside that. */
  readonly tarball: string;
  readonly directory: string;
}

/** A built kernel. */
export interface Kernel {
  /** What QEMU's `-kernel` takes. */
  readonly image: string;
  /** The final .config. */
  readonly config: string;
}

/** Objects of a build, measured; only the percentage depends on it. */
const EXPECTED_OBJECTS: Record<KernelProfile, number> = { default: 2000, test: 2200 };
/** Behind the archive's magic (8 bytes) and the member's name (16). */
const AR_TIME = { start: 24, end: 36 };
const IMAGE_NAME = 'vmlinuz';

/**
 * The kernel of a profile, built when it is not in the cache.
 * @param root the checkout
 */
export async function buildKernel(
  root: string,
  arch: Architecture,
  profile: KernelProfile,
  onProgress: Progress,
): Promise<Kernel> {
  const facts = ARCHITECTURES[arch];
  const source = JSON.parse(await readFile(path.join(root, 'kernel', 'source.json'), 'utf8')) as KernelSource;
  const own = profile === 'default' ? [] : [`${profile}.config`, `${profile}-${facts.kernelFragment}`];
  // Not every profile has something of its own for every architecture.
  const present = own.filter((name) => existsSync(path.join(root, 'kernel', name)));
  const names = ['base.config', facts.kernelFragment, ...present];
  const fragments = await Promise.all(
    names.map(async (name) => parseFragment(await readFile(path.join(root, 'kernel', name), 'utf8'), `kernel/${name}`)),
  );
  const wanted = mergeFragments(fragments);
  const prefix = toolPrefix(arch);
  const compiler = (await runCommand([`${prefix}gcc`, '--version'])).split('\n')[0];
  const binutils = (await runCommand([`${prefix}ld`, '--version'])).split('\n')[0];
  const entry = await cached({
    kind: 'kernel',
    inputs: { recipe: 1, source, arch, options: [...wanted], compiler, binutils },
    onProgress,
    make: (folder) => build({ source, arch, profile, wanted, folder, onProgress }),
  });
  return { image: path.join(entry, IMAGE_NAME), config: path.join(entry, 'config') };
}

interface KernelBuild {
  readonly source: KernelSource;
  readonly arch: Architecture;
  readonly profile: KernelProfile;
  readonly wanted: ReadonlyMap<string, string>;
  readonly folder: string;
  readonly onProgress: Progress;
}

async function build({ source, arch, profile, wanted, folder, onProgress }: KernelBuild): Promise<void> {
  const facts = ARCHITECTURES[arch];
  const archive = await fetchSource(source, onProgress);
  const work = path.join(folder, 'work');
  await mkdir(work, { recursive: true });
  onProgress('unpacking the kernel source');
  await unpackPackage(archive, work);
  await runCommand(['tar', '--extract', '--file', path.join(work, source.tarball), '--directory', work]);
  const tree = path.join(work, source.directory);
  const objects = path.join(work, 'objects');
  await mkdir(objects);

  const make: [string, ...string[]] = ['make', '--directory', tree, `O=${objects}`, `ARCH=${facts.kernelArch}`];
  const prefix = toolPrefix(arch);
  if (prefix !== '') make.push(`CROSS_COMPILE=${prefix}`);
  // The same sources give the same bytes: no user, host or time of the build goes into the image.
  const env = {
    KBUILD_BUILD_USER: 'talos',
    KBUILD_BUILD_HOST: 'build',
    KBUILD_BUILD_VERSION: '1',
    KBUILD_BUILD_TIMESTAMP: `@${await sourceTime(archive)}`,
  };
  const wantedFile = path.join(work, 'wanted.config');
  await writeFile(wantedFile, renderConfig(wanted));
  onProgress('configuring the kernel');
  await runCommand([...make, 'allnoconfig'], { env: { ...env, KCONFIG_ALLCONFIG: wantedFile } });
  const configText = await readFile(path.join(objects, '.config'), 'utf8');
  const dropped = droppedOptions(wanted, parseConfig(configText));
  if (dropped.length > 0) {
    throw new TalosError('ERR_KERNEL_OPTIONS', `kernel options that did not arrive:\n  ${dropped.join('\n  ')}`, {
      hint: 'mend the fragments in kernel/',
    });
  }

  let compiled = 0;
  const logFolder = path.join(cacheFolder(), 'log');
  await mkdir(logFolder, { recursive: true });
  await runCommand(['nice', ...make, '-j2', facts.kernelTarget], {
    env,
    logFile: path.join(logFolder, `kernel-${arch}-${profile}.log`),
    onLine: (line) => {
      if (!/^\s+(CC|AS|AR|LD|HOSTCC)\s/.test(line)) return;
      compiled += 1;
      const percent = Math.min(99, Math.floor((100 * compiled) / EXPECTED_OBJECTS[profile]));
      onProgress(`compiling the ${profile} kernel, ${compiled} of about ${EXPECTED_OBJECTS[profile]} objects`, percent);
    },
  });
  await rename(path.join(objects, facts.kernelImage), path.join(folder, IMAGE_NAME));
  await rename(path.join(objects, '.config'), path.join(folder, 'config'));
  await rename(path.join(objects, 'System.map'), path.join(folder, 'System.map'));
  await rm(work, { recursive: true });
}

/** Fetches the pinned source package; kept, so that every profile and every later build starts from the same file. */
async function fetchSource(source: KernelSource, onProgress: Progress): Promise<string> {
  const entry = await cached({
    kind: 'kernel-source',
    inputs: source,
    onProgress,
    make: async (folder) => {
      onProgress(`fetching ${source.package} ${source.version} (150 MB)`);
      const aptFolder = path.join(folder, 'apt');
      const apt = await PrivateApt.open(aptFolder, [source.suite], 'amd64');
      const [fetched] = await apt.download([`${source.package}=${source.version}`], folder);
      if (fetched === undefined || fetched.sha256 !== source.sha256) {
        throw new TalosError('ERR_CHECKSUM', `${source.package} is not the file that kernel/source.json names`);
      }
      await rename(fetched.file, path.join(folder, 'source.deb'));
      await rm(aptFolder, { recursive: true });
    },
  });
  const archive = path.join(entry, 'source.deb');
  if ((await hashFile(archive)) !== source.sha256) {
    throw new TalosError('ERR_CHECKSUM', `${archive} was changed after it was fetched`, { hint: `remove ${entry}` });
  }
  return archive;
}

/** When the source package was made, in seconds since 1970: the time stamp of the first member's ar(5) header. */
async function sourceTime(archive: string): Promise<number> {
  const handle = await open(archive, 'r');
  try {
    const { buffer } = await handle.read({ buffer: Buffer.alloc(AR_TIME.end), position: 0 });
    const seconds = Number(buffer.toString('latin1', AR_TIME.start, AR_TIME.end));
    if (!Number.isInteger(seconds)) throw new TalosError('ERR_CHECKSUM', `${archive} is no Debian package`);
    return seconds;
  } finally {
    await handle.close();
  }
}
