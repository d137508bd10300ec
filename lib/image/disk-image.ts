/**
 * Raw disks: a GUID partition table, an EFI system partition with the unified kernel image where firmware looks for it, and a partition
 * that is the root image. Written by sgdisk, mkfs.vfat, mtools and dd, in such a way that the same content gives the same bytes.
 */
import { stat } from 'node:fs/promises';
import path from 'node:path';
import { cached, hashFile, type Progress } from '../base/build-cache.js';
import { TalosError } from '../base/errors.js';
import { MIB } from '../base/units.js';
import type { Architecture } from './architecture.js';
import { copyInto, makePartitionedDisk, rootPartition, SECTOR_SIZE, SYSTEM_PATH } from './partitions.js';
import { runCommand } from './run-command.js';
import { stableGuid } from './stable-guid.js';
import { EFI_ARCHITECTURES } from './uki.js';

/** What goes onto a disk. */
export interface DiskRequest {
  readonly arch: Architecture;
  /** The unified kernel image. */
  readonly uki: string;
  /** The root image with its hash tree. */
  readonly rootImage: string;
  /** Time of every file, in seconds since 1970. */
  readonly timeSeconds: number;
  readonly onProgress: Progress;
}

const IMAGE_NAME = 'disk.raw';
/** Room for two unified kernel images, so that a node can get a new one beside the one it runs. */
const ESP_SIZE = 128 * MIB;
export const ESP_LABEL = 'EFI';

/** The disk, made when it is not in the cache; sparse. */
export async function buildDiskImage(request: DiskRequest): Promise<string> {
  const { arch, uki, rootImage, timeSeconds, onProgress } = request;
  const [ukiHash, rootImageHash] = [await hashFile(uki), await hashFile(rootImage)];
  const folder = await cached({
    kind: 'disk-image',
    inputs: { recipe: 2, arch, uki: ukiHash, rootImage: rootImageHash, timeSeconds, size: ESP_SIZE },
    keep: 4,
    onProgress,
    make: (made) => {
      onProgress('writing the disk image');
      return makeDisk(path.join(made, IMAGE_NAME), request, ukiHash);
    },
  });
  return path.join(folder, IMAGE_NAME);
}

async function makeDisk(disk: string, request: DiskRequest, ukiHash: string): Promise<void> {
  const { arch, uki, rootImage, timeSeconds } = request;
  const { size } = await stat(uki);
  if (size > ESP_SIZE / 2) {
    throw new TalosError(
      'ERR_TOO_LARGE',
      `the unified kernel image has ${Math.ceil(size / MIB)} MiB, ${ESP_SIZE / 2 / MIB} are its limit`,
    );
  }
  const esp = { label: ESP_LABEL, guid: stableGuid('esp', arch, ukiHash), type: 'EF00', size: ESP_SIZE };
  const root = await rootPartition(rootImage, stableGuid('root', arch, ukiHash));
  const [espStart = 0, rootStart = 0] = await makePartitionedDisk(disk, stableGuid('disk', arch, ukiHash), [esp, root]);
  await copyInto(disk, rootStart, rootImage);
  const env = {
    PATH: SYSTEM_PATH,
    SOURCE_DATE_EPOCH: String(timeSeconds),
    TZ: 'UTC',
    // Nothing of the user's own configuration.
    MTOOLSRC: '/dev/null',
  };
  await makeEsp(disk, espStart, ukiHash, env);
  const inside = ['-i', `${disk}@@${espStart}`];
  await runCommand(['mmd', ...inside, '::/EFI', '::/EFI/BOOT'], { env });
  await runCommand(['mcopy', ...inside, uki, `::/EFI/BOOT/${EFI_ARCHITECTURES[arch].bootFile}`], { env });
}

/** An empty FAT32 in the partition, where the offset is in sectors and the size in KiB. */
async function makeEsp(
  disk: string,
  start: number,
  ukiHash: string,
  env: Readonly<Record<string, string>>,
): Promise<void> {
  const volumeId = ukiHash.slice(0, 8);
  await runCommand(
    [
      ...([
        'mkfs.vfat',
        '--invariant',
        '-F',
        '32',
        '-S',
        String(SECTOR_SIZE),
        '-n',
        ESP_LABEL,
        '-i',
        volumeId,
      ] as const),
      ...['--offset', String(start / SECTOR_SIZE), disk, String(ESP_SIZE / 1024)],
    ],
    { env },
  );
}
