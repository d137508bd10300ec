/** Builds the root image: stages what the manifest lists, checks it, packs it as a read-only file system. */
import { chmod, copyFile, mkdir, open, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { cached, hashFile, type Progress } from '../base/build-cache.js';
import { TalosError } from '../base/errors.js';
import { type ImageArchitecture, toolPrefix } from './architecture.js';
import { buildBundle, bundledPackages } from './bundle.js';
import { compileAddon, compileStaticProgram } from './compile.js';
import { type ElfFacts, missingInElf, readElf } from './elf.js';
import { buildExecutable } from './executable.js';
import { fileSums } from './file-sums.js';
import { type BuildProduct, type FileSource, type ManifestEntry, parseManifest } from './manifest.js';
import type { NpmPackage } from './npm-packages.js';
import { osRelease } from './os-release.js';
import { fetchPackages, type PackageRecord } from './packages.js';
import { runCommand } from './run-command.js';
import { hashSources, type SourceIdentity } from './sources.js';
import { packSquashfs, SQUASHFS_OPTIONS } from './squashfs.js';
import { appendVerityTree } from './verity.js';

/** A layer on top of the shipped image: `test` adds what only tests need. */
export type Layer = 'test';

/** A built root image. */
export interface RootImage {
  readonly image: string;
  /** image-manifest.json: what is inside, see {@link ImageManifest}. */
  readonly manifest: string;
  /** Of dm-verity's tree behind the image, in hexadecimal: `roothash=` of the kernel command line. */
  readonly rootHash: string;
}

/** One path of a finished image. */
export interface ImageEntry {
  readonly path: string;
  readonly kind: ManifestEntry['kind'];
  readonly why: string;
  /** Octal, as in '0755'; links have none. */
  readonly mode?: string;
  readonly target?: string;
  readonly size?: number;
  readonly sha1?: string;
  readonly sha256?: string;
  /** Where the content of a file comes from, as the manifest's row says. */
  readonly from?: FileSource;
}

/** image-manifest.json */
export interface ImageManifest {
  readonly version: string;
  readonly sha: string;
  readonly architecture: ImageArchitecture;
  readonly layer: Layer | 'none';
  readonly packages: readonly PackageRecord[];
  /** What the executable has in its scripts. */
  readonly npmPackages: readonly NpmPackage[];
  readonly entries: readonly ImageEntry[];
}

/** What a root image is made from. */
export interface RootImageRequest {
  readonly root: string;
  readonly arch: ImageArchitecture;
  readonly layer: Layer | undefined;
  readonly identity: SourceIdentity;
  /** Roles and their entries; the image's unless a test says otherwise. */
  readonly roles?: Readonly<Record<string, string>> | undefined;
  /** The addon, relative to the checkout; what cmake-js makes unless a test says otherwise. */
  readonly addonFile?: string | undefined;
  readonly onProgress: Progress;
}

const IMAGE_NAME = 'rootfs.img';
const MANIFEST_NAME = 'image-manifest.json';
const ROOT_HASH_NAME = 'roothash';
const ADDON = 'out/cmake/Release/talos.node';

/** The manifest of the shipped image, or of that with a layer. */
export async function readManifests(root: string, layer: Layer | undefined): Promise<ManifestEntry[]> {
  const read = async (file: string, base?: readonly ManifestEntry[]) =>
    parseManifest(await readFile(path.join(root, file), 'utf8'), file, base);
  const base = await read('rootfs/manifest.json');
  return layer === undefined ? base : read('test/layer/manifest.json', base);
}

/** The root image, built when it is not in the cache. */
export async function buildRootImage(request: RootImageRequest): Promise<RootImage> {
  const { root, arch, layer, identity, onProgress } = request;
  const entries = await readManifests(root, layer);
  const packageNames = new Set(
    entries.flatMap((entry) => (entry.kind === 'file' && entry.from.kind === 'package' ? [entry.from.package] : [])),
  );
  const packages = await fetchPackages([...packageNames], arch, onProgress);
  const bundle = await buildBundle({ root, identity, roles: request.roles, onProgress });
  const npmPackages = await bundledPackages(bundle);
  const executable = await buildExecutable(root, arch, bundle, onProgress);
  const addonFile = request.addonFile ?? ADDON;
  const addon = path.resolve(root, addonFile);
  const addonHash = await hashFile(addon).catch((error: unknown) => {
    throw new TalosError('ERR_NO_ADDON', `the addon is not built: ${addonFile}`, {
      hint: 'npm run build makes it',
      cause: error,
    });
  });
  const folder = await cached({
    kind: 'root-image',
    inputs: {
      recipe: 2,
      arch,
      layer,
      entries,
      packages: packages.records,
      // Named by the hash of all that it is made from.
      executable: path.basename(path.dirname(executable)),
      addonHash,
      files: await hashSources(root, ['rootfs', ...(layer === 'test' ? ['test/layer'] : [])]),
      options: SQUASHFS_OPTIONS,
      tag: identity.tag,
      sha: identity.sha,
      timeSeconds: identity.timeSeconds,
    },
    onProgress,
    make: (made) => pack(request, { entries, packages, npmPackages, executable, addon }, made),
  });
  return {
    image: path.join(folder, IMAGE_NAME),
    manifest: path.join(folder, MANIFEST_NAME),
    rootHash: await readFile(path.join(folder, ROOT_HASH_NAME), 'latin1'),
  };
}

interface Ingredients {
  readonly entries: readonly ManifestEntry[];
  readonly packages: Awaited<ReturnType<typeof fetchPackages>>;
  readonly npmPackages: readonly NpmPackage[];
  readonly executable: string;
  readonly addon: string;
}

async function pack(request: RootImageRequest, ingredients: Ingredients, made: string): Promise<void> {
  const tree = path.join(made, 'tree');
  await mkdir(tree);
  request.onProgress('collecting the files of the root image');
  const elf = new Map<string, ElfFacts>();
  const listed: ImageEntry[] = [];
  for (const entry of ingredients.entries) {
    const target = path.join(tree, entry.path);
    if (entry.kind === 'directory') {
      await mkdir(target);
      listed.push({ path: entry.path, kind: entry.kind, mode: octal(entry.mode), why: entry.why });
    } else if (entry.kind === 'link') {
      await symlink(entry.target, target);
      listed.push({ path: entry.path, kind: entry.kind, target: entry.target, why: entry.why });
    } else {
      await placeFile(request, ingredients, entry, target);
      await chmod(target, entry.mode);
      const { size } = await stat(target);
      listed.push({
        path: entry.path,
        kind: entry.kind,
        mode: octal(entry.mode),
        size,
        ...(await fileSums(target)),
        from: entry.from,
        why: entry.why,
      });
      if (await isElf(target)) elf.set(entry.path, await readElf(target));
    }
  }
  checkElf(elf, ingredients.entries);
  // Modes last: a directory that its owner cannot write could not be filled.
  for (const entry of ingredients.entries) {
    if (entry.kind === 'directory') await chmod(path.join(tree, entry.path), entry.mode);
  }
  request.onProgress('packing the root image');
  await packSquashfs(tree, path.join(made, IMAGE_NAME), request.identity.timeSeconds);
  request.onProgress('hashing the root image');
  const { rootHash } = await appendVerityTree(path.join(made, IMAGE_NAME));
  await writeFile(path.join(made, ROOT_HASH_NAME), rootHash);
  for (const entry of ingredients.entries)
    if (entry.kind === 'directory') await chmod(path.join(tree, entry.path), 0o755);
  await rm(tree, { recursive: true });
  const manifest: ImageManifest = {
    version: request.identity.tag,
    sha: request.identity.sha,
    architecture: request.arch,
    layer: request.layer ?? 'none',
    packages: ingredients.packages.records,
    npmPackages: ingredients.npmPackages,
    entries: listed,
  };
  await writeFile(path.join(made, MANIFEST_NAME), `${JSON.stringify(manifest, undefined, 2)}\n`);
}

const octal = (mode: number) => `0${mode.toString(8).padStart(3, '0')}`;

async function isElf(file: string): Promise<boolean> {
  const handle = await open(file, 'r');
  try {
    const { buffer, bytesRead } = await handle.read({ buffer: Buffer.alloc(4), position: 0 });
    return bytesRead === 4 && buffer.toString('latin1') === '\x7fELF';
  } finally {
    await handle.close();
  }
}

async function placeFile(
  request: RootImageRequest,
  { packages, executable, addon }: Ingredients,
  entry: Extract<ManifestEntry, { kind: 'file' }>,
  target: string,
): Promise<void> {
  const { root, arch } = request;
  const { from } = entry;
  if (from.kind === 'package') {
    await copyFile(path.join(packages.folder, from.package, from.file), target);
  } else if (from.kind === 'file') {
    await copyFile(path.join(root, from.file), target);
  } else if (from.kind === 'compile') {
    const source = path.join(root, from.compile);
    request.onProgress(`compiling ${from.compile}`);
    if (from.as === 'addon') await compileAddon(arch, root, source, target);
    else await compileStaticProgram(arch, [source], [path.dirname(source)], target);
  } else {
    await placeProduct(from.build, { request, executable, addon, target });
  }
}

async function placeProduct(
  product: BuildProduct,
  {
    request,
    executable,
    addon,
    target,
  }: { request: RootImageRequest; executable: string; addon: string; target: string },
): Promise<void> {
  if (product === 'executable') {
    await copyFile(executable, target);
  } else if (product === 'addon') {
    await copyFile(addon, target);
    await runCommand([`${toolPrefix(request.arch)}strip`, '--strip-unneeded', target]);
  } else {
    await writeFile(target, await osRelease(request.root, request.identity));
  }
}

function checkElf(elf: ReadonlyMap<string, ElfFacts>, entries: readonly ManifestEntry[]): void {
  const paths = new Set(entries.map((entry) => entry.path));
  // /lib64 is a link to usr/lib64: the loader is named through it.
  for (const entry of entries) {
    if (entry.kind !== 'link') continue;
    const prefix = `${path.posix.resolve(path.posix.dirname(entry.path), entry.target)}/`;
    for (const other of entries) {
      if (other.path.startsWith(prefix)) paths.add(`${entry.path}/${other.path.slice(prefix.length)}`);
    }
  }
  const problems = missingInElf(elf, paths);
  if (problems.length > 0) {
    throw new TalosError('ERR_IMAGE_LIBRARIES', `the root image is not complete:\n  ${problems.join('\n  ')}`, {
      hint: 'list the missing library in rootfs/manifest.json; an addon that needs a newer one was built on a newer system',
    });
  }
}
