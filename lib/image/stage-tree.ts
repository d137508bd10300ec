/** Lays the files of a root image out in a folder, as the manifest lists them. */
import { chmod, copyFile, mkdir, open, readdir, readFile, stat, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Progress } from '../base/build-cache.js';
import { TalosError } from '../base/errors.js';
import { type Architecture, toolPrefix } from './architecture.js';
import { compileAddon, compileStaticProgram } from './compile.js';
import { type ElfFacts, missingInElf, readElf } from './elf.js';
import { fileSums } from './file-sums.js';
import type { ImageEntry } from './image-manifest.js';
import type { BuildProduct, ManifestEntry } from './manifest.js';
import { osRelease } from './os-release.js';
import { runCommand } from './run-command.js';
import { writeServiceImage } from './service-image.js';
import type { SourceIdentity } from './sources.js';

/** For what the files are laid out. */
export interface StageRequest {
  readonly root: string;
  readonly arch: Architecture;
  readonly identity: SourceIdentity;
  readonly onProgress: Progress;
}

/** What is there already when the files are laid out. */
export interface Ingredients {
  readonly entries: readonly ManifestEntry[];
  /** A folder for each Debian package, unpacked. */
  readonly packageFolders: ReadonlyMap<string, string>;
  /** Paths of files that the build has made; what a manifest does not list need not be there. */
  readonly executable?: string | undefined;
  readonly addon?: string | undefined;
  /** The Kubernetes of the image. */
  readonly kubernetes?: KubernetesIngredients | undefined;
}

/** What an image with Kubernetes is made from. */
export interface KubernetesIngredients {
  /** Paths of programs and archives, by the names that manifests call them by. */
  readonly files: ReadonlyMap<string, string>;
  /** Content of files, by the name of what the build makes. */
  readonly products: Readonly<Partial<Record<BuildProduct, string>>>;
}

/**
 * Fills an empty folder.
 * @returns what is in it, in the order of the manifest
 * @throws TalosError ERR_IMAGE_LIBRARIES  a program needs a library that is not listed
 */
export async function stageTree(request: StageRequest, ingredients: Ingredients, tree: string): Promise<ImageEntry[]> {
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
  return listed;
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
  request: StageRequest,
  ingredients: Ingredients,
  entry: Extract<ManifestEntry, { kind: 'file' }>,
  target: string,
): Promise<void> {
  const { root, arch } = request;
  const { from } = entry;
  if (from.kind === 'package') {
    const file = path.join(ingredients.packageFolders.get(from.package) ?? '', from.file);
    await (from.isJoined === true ? joinFiles(file, target) : copyFile(file, target));
  } else if (from.kind === 'kubernetes') {
    await copyFile(ingredients.kubernetes?.files.get(from.kubernetes) ?? notMade(from.kubernetes), target);
  } else if (from.kind === 'file') {
    await copyFile(path.join(root, from.file), target);
  } else if (from.kind === 'compile') {
    const source = path.join(root, from.compile);
    request.onProgress(`compiling ${from.compile}`);
    if (from.as === 'addon') await compileAddon(arch, root, source, target, request.onProgress);
    else await compileStaticProgram(arch, [source], [path.dirname(source)], target);
  } else {
    await placeProduct(from.build, request, ingredients, target);
  }
}

function notMade(what: string): never {
  throw new TalosError('ERR_MANIFEST', `${what} is not made for this image`);
}

async function joinFiles(folder: string, target: string): Promise<void> {
  const names = (await readdir(folder)).sort();
  const contents = await Promise.all(names.map((name) => readFile(path.join(folder, name), 'utf8')));
  await writeFile(target, contents.map((text) => `${text.trimEnd()}\n`).join(''));
}

async function placeProduct(
  product: BuildProduct,
  request: StageRequest,
  { executable, addon, kubernetes }: Ingredients,
  target: string,
): Promise<void> {
  if (product === 'executable') {
    await copyFile(executable ?? notMade(product), target);
  } else if (product === 'addon') {
    await copyFile(addon ?? notMade(product), target);
    await runCommand([`${toolPrefix(request.arch)}strip`, '--strip-unneeded', target]);
  } else if (product === 'service-image') {
    await writeServiceImage(target, request.arch);
  } else if (product === 'os-release') {
    await writeFile(target, await osRelease(request.root, request.identity));
  } else {
    await writeFile(target, kubernetes?.products[product] ?? notMade(product));
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
    throw new TalosError('ERR_IMAGE_LIBRARIES', `the image is not complete:\n  ${problems.join('\n  ')}`, {
      hint: 'list the missing library in the manifest below rootfs/; an addon that needs a newer one was built on a newer system',
    });
  }
}
