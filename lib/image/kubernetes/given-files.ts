/**
 * Programs and archives that others have made: are they what they are said to be? They are only read, never run; the images in the archives
 * are written anew, one archive each (image-archive.ts).
 */
import { open, readdir } from 'node:fs/promises';
import path from 'node:path';
import { TalosError } from '../../base/errors.js';
import type { KubernetesRelease } from '../../kube/release.js';
import type { Architecture } from '../architecture.js';
import { readElfHeader } from './elf-header.js';
import { type ArchivedImage, withImages, writeImage } from './image-archive.js';
import type { ImageComponent } from './source.js';

const PIECE_BYTES = 16 * 1024 * 1024;

/**
 * Looks into a program.
 * @throws TalosError ERR_KUBERNETES  it is for another architecture, or of another version · ERR_ELF  it is none
 */
export async function assertProgram(file: string, arch: Architecture, version: string): Promise<void> {
  const { machine } = await readElfHeader(file);
  if (machine !== arch) {
    throw new TalosError('ERR_KUBERNETES', `${file} is a program for ${machine ?? 'another machine'}, not for ${arch}`);
  }
  // The version is set when a program is linked, and lies in it as it is printed.
  if (await contains(file, version)) return;
  throw new TalosError(
    'ERR_KUBERNETES',
    `${file} is not of Kubernetes ${version}: it does not have that version in it`,
  );
}

/** Whether a text stands in a file of any size, not followed by another digit. */
async function contains(file: string, text: string): Promise<boolean> {
  const handle = await open(file, 'r');
  try {
    const buffer = Buffer.alloc(PIECE_BYTES);
    const pattern = new RegExp(`${text.replaceAll('.', '\\.')}(?![0-9])`);
    let rest = '';
    for (;;) {
      const { bytesRead } = await handle.read({ buffer });
      if (bytesRead === 0) return pattern.test(rest);
      const piece = rest + buffer.toString('latin1', 0, bytesRead);
      // The last characters are looked at with what follows them.
      const kept = text.length + 1;
      if (pattern.test(piece.slice(0, -1))) return true;
      rest = piece.slice(-kept);
    }
  } finally {
    await handle.close();
  }
}

/** What archives hold of a release. */
export interface GivenImages {
  /** By component: path of an OCI archive below the target folder. */
  readonly archives: ReadonlyMap<ImageComponent, string>;
  /** Names of images that are no part of the release; they are left out. */
  readonly others: readonly string[];
}

/**
 * Takes the release's images out of archives, into `target`.
 * @throws TalosError ERR_KUBERNETES  an image is there for other architectures only · ERR_IMAGE_ARCHIVE  an archive is broken
 */
export async function takeImages(
  files: readonly string[],
  release: KubernetesRelease,
  arch: Architecture,
  target: string,
): Promise<GivenImages> {
  const archives = new Map<ImageComponent, string>();
  const others: string[] = [];
  for (const file of files) {
    await withImages(file, target, async (images) => {
      for (const [component, name] of Object.entries(release.images) as [ImageComponent, string][]) {
        const named = images.filter((image) => image.names.some((each) => isNameOf(each, name, arch)));
        if (named.length === 0) continue;
        const image = named.find((each) => each.architecture === arch) ?? foreign(file, name, arch, named);
        const archive = path.join(target, `${component}.tar`);
        await writeImage(image, arch, archive);
        archives.set(component, archive);
      }
      const known = Object.values(release.images);
      const names = images.flatMap((image) => image.names);
      others.push(...names.filter((each) => !known.some((name) => isNameOf(each, name, arch))));
    });
  }
  return { archives, others: [...new Set(others)].sort() };
}

function foreign(file: string, name: string, arch: Architecture, images: readonly ArchivedImage[]): never {
  const there = images.map(({ architecture }) => architecture).join(', ');
  throw new TalosError('ERR_KUBERNETES', `${file} has ${name} for ${there}, not for ${arch}`);
}

/** Upstream's own archives have the architecture in the name of an image: …/kube-proxy-arm64:v1.35.0. */
function isNameOf(given: string, wanted: string, arch: Architecture): boolean {
  const colon = wanted.lastIndexOf(':');
  return given === wanted || given === `${wanted.slice(0, colon)}-${arch}${wanted.slice(colon)}`;
}

/** The archives that {@link takeImages} has left in a folder. */
export async function archivesIn(folder: string, { images }: KubernetesRelease): Promise<Map<ImageComponent, string>> {
  const there = new Set(await readdir(folder));
  const components = (Object.keys(images) as ImageComponent[]).filter((name) => there.has(`${name}.tar`));
  return new Map(components.map((name) => [name, path.join(folder, `${name}.tar`)]));
}
