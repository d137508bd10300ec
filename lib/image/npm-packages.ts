/** Which npm packages are inside a bundle: esbuild tells the files that it read, package.json what they belong to. */
import { readFile } from 'node:fs/promises';
import path from 'node:path';

/** A package of npm's registry. */
export interface NpmPackage {
  readonly name: string;
  readonly version: string;
  /** SPDX expression as its package.json has it. */
  readonly licence: string | undefined;
}

/** The folder of the package that a file belongs to, the innermost one; undefined for our own files. */
export function npmPackageFolder(file: string): string | undefined {
  return /^(?:.*\/)?node_modules\/(?:@[^/]+\/)?[^/]+(?=\/)/.exec(file)?.[0];
}

/**
 * The packages of the files, sorted, each once.
 * @param inputs as in esbuild's metafile, relative to the checkout
 */
export async function npmPackages(root: string, inputs: Iterable<string>): Promise<NpmPackage[]> {
  const folders = new Set<string>();
  for (const input of inputs) {
    const folder = npmPackageFolder(input);
    if (folder !== undefined) folders.add(folder);
  }
  const found = new Map<string, NpmPackage>();
  for (const folder of folders) {
    const { name, version, license } = JSON.parse(await readFile(path.join(root, folder, 'package.json'), 'utf8')) as {
      name: string;
      version: string;
      license?: unknown;
    };
    found.set(`${name}@${version}`, { name, version, licence: typeof license === 'string' ? license : undefined });
  }
  return [...found.entries()].sort(([left], [right]) => (left < right ? -1 : 1)).map(([, each]) => each);
}
