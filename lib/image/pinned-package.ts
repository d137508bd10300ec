/**
 * Debian packages of one exact version, for what must not change by itself: the kernel's source, the checker of its hardening, what
 * Kubernetes is built from.
 */
import { rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { cached, hashFile, type Progress } from '../base/build-cache.js';
import { TalosError } from '../base/errors.js';
import { PrivateApt } from './apt.js';

/** Which file, and where it is found. Suites beside the machine's own are looked for on the machine's mirror. */
export interface PinnedPackage {
  readonly package: string;
  readonly version: string;
  readonly suite: string;
  readonly sha256: string;
  /** Debian's name of the architecture; amd64 unless said otherwise, which finds packages for all architectures as well. */
  readonly architecture?: string | undefined;
}

const FILE_NAME = 'source.deb';

/**
 * Fetches a pinned package; it is kept, so that every later use starts from the same file.
 * @param kind  of the cache's entry
 * @param size  for people, such as "150 MB"
 * @returns path of the .deb
 * @throws TalosError ERR_CHECKSUM when it is not the file that was pinned; ERR_NO_PACKAGE, ERR_NO_MIRROR
 */
export async function fetchPinned(
  kind: string,
  pin: PinnedPackage,
  size: string,
  onProgress: Progress,
): Promise<string> {
  const entry = await cached({
    kind,
    inputs: pin,
    onProgress,
    make: async (folder) => {
      onProgress(`fetching ${pin.package} ${pin.version} (${size})`);
      const aptFolder = path.join(folder, 'apt');
      const apt = await PrivateApt.open(aptFolder, [pin.suite], pin.architecture ?? 'amd64');
      const [fetched] = await apt.download([`${pin.package}=${pin.version}`], folder);
      if (fetched === undefined || fetched.sha256 !== pin.sha256) {
        throw new TalosError('ERR_CHECKSUM', `${pin.package} ${pin.version} is not the file that was pinned`);
      }
      await rename(fetched.file, path.join(folder, FILE_NAME));
      await rm(aptFolder, { recursive: true });
    },
  });
  const archive = path.join(entry, FILE_NAME);
  if ((await hashFile(archive)) !== pin.sha256) {
    throw new TalosError('ERR_CHECKSUM', `${archive} was changed after it was fetched`, { hint: `remove ${entry}` });
  }
  return archive;
}
