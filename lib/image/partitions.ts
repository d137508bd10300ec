/** GUID partition tables of disk images, written by sgdisk in such a way that the same content gives the same bytes. */
import { open, stat } from 'node:fs/promises';
import { MIB } from '../base/units.js';
import { runCommand } from './run-command.js';

/** A partition of a disk image. */
export interface Partition {
  readonly label: string;
  readonly guid: string;
  /** sgdisk's code of its type: `EF00` for an EFI system partition, `8300` for a Linux file system. */
  readonly type: string;
  /** In bytes; size and start are multiples of {@link ALIGNMENT}. */
  readonly size: number;
  /** Says so in its attributes: bit 60 (UAPI group, "Discoverable Partitions"). */
  readonly isReadOnly?: boolean;
}

/** Where partitions begin, and what is left for the second table. */
export const ALIGNMENT = MIB;
/** What stage0 is told to look for. */
export const ROOT_LABEL = 'talos-root';
/** sgdisk and mkfs.vfat are in sbin, which is not on every user's PATH. */
export const SYSTEM_PATH = `${process.env.PATH ?? ''}:/usr/sbin:/sbin`;
export const SECTOR_SIZE = 512;

/** The partition that holds a root image with its hash tree. */
export async function rootPartition(rootImage: string, guid: string): Promise<Partition> {
  const size = Math.ceil((await stat(rootImage)).size / ALIGNMENT) * ALIGNMENT;
  return { label: ROOT_LABEL, guid, type: '8300', size, isReadOnly: true };
}

/**
 * Makes a sparse disk that has these partitions, one behind the other, and nothing in them.
 * @returns where each begins, in bytes
 */
export async function makePartitionedDisk(
  disk: string,
  guid: string,
  partitions: readonly Partition[],
): Promise<number[]> {
  const starts: number[] = [];
  let end = ALIGNMENT;
  for (const { size } of partitions) {
    starts.push(end);
    end += size;
  }
  const file = await open(disk, 'w', 0o644);
  await file.truncate(end + ALIGNMENT).finally(() => file.close());
  const words = partitions.flatMap(({ label, guid: own, type, size, isReadOnly }, index) => {
    const [number, start] = [index + 1, starts[index] ?? 0];
    return [
      `--new=${number}:${start / SECTOR_SIZE}:${(start + size) / SECTOR_SIZE - 1}`,
      `--typecode=${number}:${type}`,
      `--partition-guid=${number}:${own}`,
      `--change-name=${number}:${label}`,
      ...(isReadOnly ? [`--attributes=${number}:set:60`] : []),
    ];
  });
  await runCommand(['sgdisk', '--clear', `--disk-guid=${guid}`, ...words, disk], { env: { PATH: SYSTEM_PATH } });
  return starts;
}

/** Copies a file into a disk at a multiple of {@link ALIGNMENT}; its holes stay holes. */
export async function copyInto(disk: string, start: number, file: string): Promise<void> {
  const at = [`bs=${ALIGNMENT}`, `seek=${start / ALIGNMENT}`, 'conv=notrunc,sparse', 'status=none'];
  await runCommand(['dd', `if=${file}`, `of=${disk}`, ...at]);
}
