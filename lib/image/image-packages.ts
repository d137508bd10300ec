/** The Debian packages of an image: those of its container runtime from the suites that its row names, all others from the image's own. */
import path from 'node:path';
import type { Progress } from '../base/build-cache.js';
import { TalosError } from '../base/errors.js';
import type { Architecture } from './architecture.js';
import { tooOldFor } from './dependencies.js';
import { fetchPackages, IMAGE_SUITES, type PackageRecord } from './packages.js';
import type { ContainerRuntime } from './runtimes.js';

/** Packages, each unpacked in a folder of its own. */
export interface ImagePackages {
  /** Name → absolute path. */
  readonly folders: ReadonlyMap<string, string>;
  /** Sorted by name. */
  readonly records: readonly PackageRecord[];
}

/**
 * Fetches them, as far as they are not in the cache.
 * @throws TalosError ERR_IMAGE_LIBRARIES  the runtime's packages need newer libraries than the image has
 */
export async function fetchImagePackages(
  names: readonly string[],
  runtime: ContainerRuntime,
  arch: Architecture,
  onProgress: Progress,
): Promise<ImagePackages> {
  const isOwn = runtime.suites.join() === IMAGE_SUITES.join();
  const foreign = isOwn ? [] : names.filter((name) => runtime.packages.includes(name));
  const own = await fetchPackages(
    names.filter((name) => !foreign.includes(name)),
    arch,
    onProgress,
  );
  const sets = [own];
  if (foreign.length > 0) {
    const other = await fetchPackages(foreign, arch, onProgress, { suites: runtime.suites });
    const problems = await tooOldFor(other.records, [...own.records, ...other.records]);
    if (problems.length > 0) {
      const what = `${runtime.name} does not fit the image:`;
      throw new TalosError('ERR_IMAGE_LIBRARIES', `${what}\n  ${problems.join('\n  ')}`, {
        hint: 'a row of rootfs/runtimes.json lists every package that comes from its suites, libraries included',
      });
    }
    sets.push(other);
  }
  const folders = sets.flatMap(({ folder, records }) =>
    records.map(({ name }): [string, string] => [name, path.join(folder, name)]),
  );
  const records = sets.flatMap((set) => set.records).sort((left, right) => (left.name < right.name ? -1 : 1));
  return { folders: new Map(folders), records };
}
