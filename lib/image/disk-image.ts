/**
 * Raw disks: a GUID partition table, and an EFI system partition with the unified kernel image where firmware looks for it. Written by
 * sgdisk, mkfs.vfat and mtools, in such a way that the same content gives the same bytes.
 */
import { open, stat } from 'node:fs/promises';
import path from 'node:path';
import { cached, hashFile, type Progress } from '../base/build-cache.js';
import { TalosError } from '../base/errors.js';
import { MIB } from '../base/units.js';
import type { Architecture } from './architecture.js';
import { runCommand } from './run-command.js';
import { stableGuid } from './stable-guid.js';
import { EFI_ARCHITECTURES } from './uki.js';

/** What goes onto a disk. */
export interface DiskRequest {
  readonly arch: Architecture;
  /** The unified kernel image. */
  readonly uki: string;
  /** Time of every file, in seconds since 1970. */
  readonly timeSeconds: number;
  readonly onProgress: Progress;
}

const IMAGE_NAME = 'disk.raw';
const SECTOR_SIZE = 512;
/** Where partitions begin, and what is left for the second table. */
const ALIGNMENT = MIB;
/** Room for two unified kernel images, so that a node can get a new one beside the one it runs. */
const ESP_SIZE = 512 * MIB;
export const ESP_LABEL = 'EFI';
/** sgdisk and mkfs.vfat are in sbin, which is not on every user's PATH. */
const SYSTEM_PATH = `${process.env.PATH ?? ''}:/usr/sbin:/sbin`;

/** The disk, made when it is not in the cache; sparse. */
export async function buildDiskImage(request: DiskRequest): Promise<string> {
  const { arch, uki, timeSeconds, onProgress } = request;
  const ukiHash = await hashFile(uki);
  const folder = await cached({
    kind: 'disk-image',
    inputs: { recipe: 1, arch, uki: ukiHash, timeSeconds, size: ESP_SIZE },
    keep: 4,
    onProgress,
    make: (made) => {
      onProgress('writing the disk image');
      return makeDisk(path.join(made, IMAGE_NAME), request, ukiHash);
    },
  });
  return path.join(folder, IMAGE_NAME);
}

async function makeDisk(disk: string, { arch, uki, timeSeconds }: DiskRequest, ukiHash: string): Promise<void> {
  const { size } = await stat(uki);
  if (size > ESP_SIZE / 2) {
    throw new TalosError(
      'ERR_TOO_LARGE',
      `the unified kernel image has ${Math.ceil(size / MIB)} MiB, ${ESP_SIZE / 2 / MIB} are its limit`,
    );
  }
  const file = await open(disk, 'w', 0o644);
  await file.truncate(ALIGNMENT + ESP_SIZE + ALIGNMENT).finally(() => file.close());
  const env = {
    PATH: SYSTEM_PATH,
    SOURCE_DATE_EPOCH: String(timeSeconds),
    TZ: 'UTC',
    // Nothing of the user's own configuration.
    MTOOLSRC: '/dev/null',
  };
  const [first, last] = [ALIGNMENT / SECTOR_SIZE, (ALIGNMENT + ESP_SIZE) / SECTOR_SIZE - 1];
  await runCommand(
    [
      'sgdisk',
      '--clear',
      `--disk-guid=${stableGuid('disk', arch, ukiHash)}`,
      `--new=1:${first}:${last}`,
      '--typecode=1:EF00',
      `--partition-guid=1:${stableGuid('esp', arch, ukiHash)}`,
      `--change-name=1:${ESP_LABEL}`,
      disk,
    ],
    { env },
  );
  await makeEsp(disk, ukiHash, env);
  const esp = ['-i', `${disk}@@${ALIGNMENT}`];
  await runCommand(['mmd', ...esp, '::/EFI', '::/EFI/BOOT'], { env });
  await runCommand(['mcopy', ...esp, uki, `::/EFI/BOOT/${EFI_ARCHITECTURES[arch].bootFile}`], { env });
}

/** An empty FAT32 in the partition, where the offset is in sectors and the size in KiB. */
async function makeEsp(disk: string, ukiHash: string, env: Readonly<Record<string, string>>): Promise<void> {
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
      ...['--offset', String(ALIGNMENT / SECTOR_SIZE), disk, String(ESP_SIZE / 1024)],
    ],
    { env },
  );
}
