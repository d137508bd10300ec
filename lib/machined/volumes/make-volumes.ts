/**
 * Makes STATE and EPHEMERAL, in an order in which the power may go at any moment:
 *
 *   on the disk                                        what the next boot does
 *   nothing that counts (createGpt has not ended)      begins again: the disk is empty
 *   our table, in one copy or both, partitions UNMADE  mends the table, makes the file systems
 *   … and one file system or both                      makes them again: nothing is in them yet
 *   our table without UNMADE                           mounts them
 *
 * The table that counts is the old or the new one at any moment: docs/native/block.md.
 */
import { TalosError } from '../../base/errors.js';
import type { BlockModule } from '../../native/contract.js';
import type { BlockDevice } from '../../os/block-devices.js';
import { MINIMUM_DISK_BYTES, NEW_TABLE } from './layout.js';
import type { FilesystemPrograms } from './programs.js';
import { aboutDisk, type SystemDisk, systemDiskOf } from './system-disk.js';

/**
 * The one disk that may be taken: a whole disk that is large enough, can be written, and has neither table nor any known signature.
 * @throws TalosError ERR_NO_EMPTY_DISK  with a sentence: none, or several
 */
export async function chooseEmptyDisk(
  block: Pick<BlockModule, 'inspect'>,
  disks: readonly BlockDevice[],
): Promise<BlockDevice> {
  const fit = disks.filter(({ isReadOnly, sizeBytes }) => !isReadOnly && sizeBytes >= MINIMUM_DISK_BYTES);
  const looks = await Promise.all(fit.map(async (disk) => ((await isEmpty(block, disk)) ? disk : undefined)));
  const [empty, ...others] = looks.filter((disk) => disk !== undefined);
  if (!empty) throw new TalosError('ERR_NO_EMPTY_DISK', 'there is no empty disk');
  if (others.length === 0) return empty;
  const paths = [empty, ...others].map(({ path }) => path).join(', ');
  throw new TalosError('ERR_NO_EMPTY_DISK', `there are several empty disks (${paths}), and none is taken by guess`);
}

/** What cannot be read is not empty. */
async function isEmpty(block: Pick<BlockModule, 'inspect'>, { path }: BlockDevice): Promise<boolean> {
  try {
    return (await block.inspect(path)).isEmpty;
  } catch {
    return false;
  }
}

/**
 * Puts our table on an empty disk; what is in it is still to be made.
 * @throws TalosError ERR_SYSTEM_DISK  with the reason, such as that it is not empty any more
 */
export async function makeTable(
  block: Pick<BlockModule, 'createGpt' | 'syncPartitions'>,
  device: BlockDevice,
): Promise<SystemDisk> {
  return aboutDisk(device, async () => {
    const table = await block.createGpt(device.path, NEW_TABLE);
    await block.syncPartitions(device.path);
    return systemDiskOf(device, table) as SystemDisk;
  });
}

/**
 * Makes the file systems that are not whole, and then says so in the table. Nothing of the disk may be in use.
 * @throws TalosError ERR_SYSTEM_DISK  with the reason; the next boot tries again
 */
export async function makeFilesystems(
  block: Pick<BlockModule, 'changeGpt' | 'flush'>,
  programs: FilesystemPrograms,
  disk: SystemDisk,
): Promise<SystemDisk> {
  const unmade = Object.values(disk.volumes).filter(({ isUnmade }) => isUnmade);
  return aboutDisk(disk.device, async () => {
    for (const { path, layout } of unmade) {
      await programs.makeExt4(path, { label: layout.id, reservedPercent: layout.reservedPercent });
      await block.flush(path);
    }
    const changes = unmade.map(({ number }) => ({ number, attributes: 0n }));
    const table = await block.changeGpt(disk.device.path, changes);
    return systemDiskOf(disk.device, table) as SystemDisk;
  });
}
