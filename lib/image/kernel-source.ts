/** Where a kernel's source comes from: the pinned package, or a folder or tarball that somebody wants to try. */
import { createHash } from 'node:crypto';
import { mkdir, open, readdir, readFile, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { hashFile, type Progress } from '../base/build-cache.js';
import { TalosError } from '../base/errors.js';
import { unpackPackage } from './apt.js';
import { fetchPinned, type PinnedPackage } from './pinned-package.js';
import { runCommand } from './run-command.js';

/** kernel/source.json */
interface KernelPin extends PinnedPackage {
  /** Path of the source archive inside the package, and of the folder inside that. */
  readonly tarball: string;
  readonly directory: string;
}

/** A source tree on disk. */
export interface KernelTree {
  readonly folder: string;
  /** When the source was made, in seconds since 1970: the time that the kernel says it was built at. */
  readonly timeSeconds: number;
}

/** Where a source is from, for a bill of materials. */
export type KernelOrigin =
  | { readonly kind: 'debian'; readonly package: string; readonly version: string; readonly sha256: string }
  | { readonly kind: 'given'; readonly name: string; readonly sha256?: string | undefined };

/** How much of a source is unpacked: what configures a kernel is a fiftieth of what builds one. */
export type TreePart = 'all' | 'configuration';

/** A source, unpacked when it is needed. */
export interface KernelSource {
  /** What tells it apart from others; anything that JSON can tell apart. */
  readonly identity: unknown;
  readonly origin: KernelOrigin;
  /** @param folder  empty; a tree that lies on disk already is used where it is */
  readonly unpack: (folder: string, part: TreePart, onProgress: Progress) => Promise<KernelTree>;
}

/** Files that `make allnoconfig` reads. */
const CONFIGURATION = ['--wildcards', '*/Makefile*', '*/Kconfig*', '*/scripts/*', '*/tools/build/*'];
/** Behind the archive's magic (8 bytes) and the member's name (16). */
const AR_TIME = { start: 24, end: 36 };

/** The source that kernel/source.json names. */
export async function pinnedSource(root: string): Promise<KernelSource> {
  const pin = JSON.parse(await readFile(path.join(root, 'kernel', 'source.json'), 'utf8')) as KernelPin;
  return {
    identity: pin,
    origin: { kind: 'debian', package: pin.package, version: pin.version, sha256: pin.sha256 },
    unpack: async (folder, part, onProgress) => {
      const archive = await fetchPinned('kernel-source', pin, '150 MB', onProgress);
      onProgress('unpacking the kernel source');
      await unpackPackage(archive, folder);
      const tarball = path.join(folder, pin.tarball);
      await unpackTarball(tarball, folder, part);
      await rm(tarball);
      return { folder: path.join(folder, pin.directory), timeSeconds: await packageTime(archive) };
    },
  };
}

/**
 * A source that somebody has: a folder with an unpacked tree, or a tarball of one.
 * @throws TalosError ERR_KERNEL_SOURCE when there is none at `location`
 */
export async function givenSource(location: string): Promise<KernelSource> {
  const status = await stat(location).catch((error) => {
    throw new TalosError('ERR_KERNEL_SOURCE', `no kernel source at ${location}`, { cause: error });
  });
  if (status.isDirectory()) {
    await assertTree(location);
    const folder = path.resolve(location);
    return {
      identity: { folder: await hashTree(folder) },
      origin: { kind: 'given', name: path.basename(folder) },
      unpack: async () => withTime(folder),
    };
  }
  const sha256 = await hashFile(location);
  return {
    identity: { tarball: sha256 },
    origin: { kind: 'given', name: path.basename(location), sha256 },
    unpack: async (folder, part, onProgress) => {
      onProgress(`unpacking ${location}`);
      await mkdir(folder, { recursive: true });
      await unpackTarball(location, folder, part);
      const [top, ...others] = await readdir(folder);
      if (top === undefined || others.length > 0) {
        throw new TalosError('ERR_KERNEL_SOURCE', `${location} does not have one folder with everything in it`);
      }
      const tree = path.join(folder, top);
      await assertTree(tree, location);
      return withTime(tree);
    },
  };
}

async function unpackTarball(tarball: string, folder: string, part: TreePart): Promise<void> {
  const members = part === 'all' ? [] : CONFIGURATION;
  await runCommand(['tar', '--extract', '--file', tarball, '--directory', folder, ...members]);
}

async function assertTree(folder: string, shown = folder): Promise<void> {
  const names: string[] = await readdir(folder).catch(() => []);
  const missing = ['Kconfig', 'Makefile', 'scripts'].filter((each) => !names.includes(each));
  if (missing.length > 0) {
    throw new TalosError('ERR_KERNEL_SOURCE', `${shown} is no kernel source: it has no ${missing.join(', no ')}`);
  }
}

async function withTime(folder: string): Promise<KernelTree> {
  const { mtimeMs } = await stat(path.join(folder, 'Makefile'));
  return { folder, timeSeconds: Math.floor(mtimeMs / 1000) };
}

/** Names, sizes and times stand for the contents of eighty thousand files. */
async function hashTree(folder: string): Promise<string> {
  const hash = createHash('sha256');
  const walk = async (below: string): Promise<void> => {
    const entries = await readdir(path.join(folder, below), { withFileTypes: true });
    for (const entry of entries.sort((left, right) => (left.name < right.name ? -1 : 1))) {
      const name = path.join(below, entry.name);
      if (entry.isDirectory()) {
        if (entry.name !== '.git') await walk(name);
      } else if (entry.isFile()) {
        const { size, mtimeMs } = await stat(path.join(folder, name));
        hash.update(`${name}\0${size}\0${mtimeMs}\0`);
      }
    }
  };
  await walk('');
  return hash.digest('hex');
}

/** When a package was made: the time stamp of its first member's ar(5) header. */
async function packageTime(archive: string): Promise<number> {
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
