/** The release's images, from archives in the root image into the container runtime. */
import {
  type ContainerdConnection,
  ensureNamespace,
  findImage,
  ImageArchive,
  labelImage,
  storeArchive,
} from '../../containerd/index.js';

const NAMESPACE = 'k8s.io';
/** CRI's mark of an image that it knows of. It sets it itself; where it is set by others, it looks. */
const MANAGED = ['io.cri-containerd.image', 'managed'] as const;
const LABELS = {
  [MANAGED[0]]: MANAGED[1],
  // Newer kubelets do not remove such an image when the disk is full: nobody could pull it again.
  'io.cri-containerd.pinned': 'pinned',
};

/** An image, and the archive that has it. */
export interface ArchivedImage {
  readonly name: string;
  readonly path: string;
}

/**
 * Imports each archive whose image is not there, or is another one, in their order. CRI sees what was imported at once.
 * @returns names of those that were imported
 * @throws ContainerdError · TalosError ERR_ARCHIVE · the reason of the signal
 */
export async function importImages(
  connection: ContainerdConnection,
  archives: readonly ArchivedImage[],
  signal?: AbortSignal,
): Promise<string[]> {
  await ensureNamespace(connection, NAMESPACE);
  const imported: string[] = [];
  for (const { name, path } of archives) {
    const archive = await ImageArchive.open(path);
    try {
      const image = await findImage(connection, NAMESPACE, name);
      if (image?.digest === (await archive.manifest()).digest) {
        // CRI may have been on its way to it when it was killed.
        if (image.labels[MANAGED[0]] !== MANAGED[1]) await labelImage(connection, NAMESPACE, name, MANAGED);
        continue;
      }
      await storeArchive(connection, { namespace: NAMESPACE, name, labels: LABELS, archive, signal });
      imported.push(name);
    } finally {
      await archive.close();
    }
  }
  return imported;
}
