/** Running programs of the other architecture on this machine: QEMU's user emulation, with the libraries that the image has. */
import path from 'node:path';
import type { Progress } from '../base/build-cache.js';
import { ARCHITECTURES, type Architecture, isNative } from './architecture.js';
import { fetchPackages } from './packages.js';

/** What Node needs; the same set that the image has, so that it is fetched once. */
const LIBRARY_PACKAGES = ['libatomic1', 'libc6', 'libgcc-s1', 'libstdc++6'];

/**
 * The words to put in front of a program of `arch` to run it here: none where this machine does so by itself. The loader is called by its
 * path: it is not where programs look for it.
 */
export async function emulation(arch: Architecture, onProgress: Progress): Promise<string[]> {
  if (isNative(arch)) return [];
  const { userEmulator, gnuTriplet, loader } = ARCHITECTURES[arch];
  const { folder } = await fetchPackages(LIBRARY_PACKAGES, arch, onProgress);
  const libraries = LIBRARY_PACKAGES.map((name) => path.join(folder, name, 'usr', 'lib', gnuTriplet));
  const loaderFile = path.join(folder, 'libc6', 'usr', 'lib', gnuTriplet, path.basename(loader));
  return [userEmulator, loaderFile, '--library-path', libraries.join(':')];
}
