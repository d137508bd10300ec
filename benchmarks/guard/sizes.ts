/** Sizes of what a build has made. */
import { readdir, readFile, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { ProbeInput } from './probe.js';

const bytesOf = async (file: string) => (await stat(file)).size;

/** As esbuild writes them: what is imported at once, and not on demand. */
const STATIC_IMPORT = /^(?:import|\}) ?(?:[^'";()]* from )?"(\.[^"]+)";$/gm;

/** The file and all that is loaded with it. */
async function loadedWith(file: string, found = new Set<string>()): Promise<Set<string>> {
  if (found.has(file)) return found;
  found.add(file);
  for (const [, name] of (await readFile(file, 'utf8')).matchAll(STATIC_IMPORT)) {
    await loadedWith(join(dirname(file), name as string), found);
  }
  return found;
}

async function sumOf(files: Iterable<string>): Promise<number> {
  const sizes = await Promise.all([...files].map(bytesOf));
  return sizes.reduce((sum, size) => sum + size, 0);
}

/** @returns bytes by metric (SIZES of metrics.ts) */
export async function sizesOf({
  checkout,
  bundles,
}: Pick<ProbeInput, 'checkout' | 'bundles'>): Promise<Record<string, number>> {
  const out = join(checkout, 'out');
  const chunks = join(out, 'osctl-chunks');
  const entry = join(out, 'osctl.mjs');
  return {
    'size-osctl': await sumOf([entry, ...(await readdir(chunks)).map((name) => join(chunks, name))]),
    'size-osctl-start': await sumOf(await loadedWith(entry)),
    'size-init': await bytesOf(join(bundles, 'init.cjs')),
    'size-osd': await bytesOf(join(bundles, 'osd.cjs')),
    'size-addon': await bytesOf(join(out, 'cmake', 'Release', 'talos.node')),
  };
}
