/**
 * What each part of the root image takes: every file belongs to one component, and each component is packed by itself with the image's own
 * options, which is close to its share of the image (only blocks and tables that files of two components share are counted twice).
 */
import { link, mkdir, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import type { FileSource } from './manifest.js';
import { packSquashfs } from './squashfs.js';

/** One component, in bytes. */
export interface ComponentSize {
  /** A Debian package, `talos` (the executable of all roles), `talos.node`, a part of Kubernetes, or `files` for everything else. */
  readonly component: string;
  readonly files: number;
  readonly bytes: number;
  readonly compressedBytes: number;
}

/** A file of the image, as far as this needs it. */
export interface SizedFile {
  readonly path: string;
  readonly from: FileSource;
}

/** The component that a file belongs to. */
export function componentOf({ from }: SizedFile): string {
  if (from.kind === 'package') return from.package;
  if (from.kind === 'kubernetes') return from.kubernetes;
  const products: Partial<Record<string, string>> = { executable: 'talos', addon: 'talos.node' };
  return (from.kind === 'build' ? products[from.build] : undefined) ?? 'files';
}

/**
 * The components of a staged tree, largest first.
 * @param work  a folder that is not there yet, on the file system of `tree`; it is removed again
 */
export async function componentSizes(
  tree: string,
  files: readonly SizedFile[],
  work: string,
  timeSeconds: number,
): Promise<ComponentSize[]> {
  const components = new Map<string, SizedFile[]>();
  for (const file of files) {
    const name = componentOf(file);
    components.set(name, [...(components.get(name) ?? []), file]);
  }
  const sizes: ComponentSize[] = [];
  for (const [component, members] of components) {
    const part = path.join(work, component);
    let bytes = 0;
    for (const [index, member] of members.entries()) {
      const from = path.join(tree, member.path);
      await mkdir(part, { recursive: true });
      await link(from, path.join(part, String(index)));
      bytes += (await stat(from)).size;
    }
    const image = `${part}.img`;
    await packSquashfs(part, image, timeSeconds);
    sizes.push({ component, files: members.length, bytes, compressedBytes: (await stat(image)).size });
  }
  await rm(work, { recursive: true, force: true });
  return sizes.sort((a, b) => b.compressedBytes - a.compressedBytes || a.component.localeCompare(b.component));
}
