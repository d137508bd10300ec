/**
 * The disk that a node of a local cluster has its root image on: one partition, which stage0 finds by its name. The kernel and an initramfs
 * with stage0 alone come from QEMU; nothing of the image is kept in memory that nobody uses.
 */
import path from 'node:path';
import { cached, type Progress } from '../base/build-cache.js';
import { copyInto, makePartitionedDisk, rootPartition } from './partitions.js';
import { stableGuid } from './stable-guid.js';

const DISK_NAME = 'root-disk.raw';

/** The disk, made when it is not in the cache. It is only ever read, so that all nodes share it. */
export async function buildRootDisk(rootImage: string, onProgress: Progress): Promise<string> {
  // Named by the hash of all that it is made from.
  const image = path.basename(path.dirname(rootImage));
  const folder = await cached({
    kind: 'root-disk',
    inputs: { recipe: 1, image },
    onProgress,
    make: async (made) => {
      onProgress('writing the root disk');
      const disk = path.join(made, DISK_NAME);
      const partition = await rootPartition(rootImage, stableGuid('root-disk-partition', image));
      const [start = 0] = await makePartitionedDisk(disk, stableGuid('root-disk', image), [partition]);
      await copyInto(disk, start, rootImage);
    },
  });
  return path.join(folder, DISK_NAME);
}
