import type { MountInfo } from './contract.js';

const NUMBERS_PER_MOUNT = 10;

/**
 * The table of mounts as it crosses (FlatTable of native/mount/mountinfo.h): two blocks, however many mounts there are. A text that
 * neighbours share is there once.
 * @param texts    with a NUL behind each
 * @param numbers  of each mount its id, its parent's, and the places of its eight texts
 */
export function toMountInfo(texts: string, numbers: Uint32Array): MountInfo[] {
  const split = texts.split('\0');
  const text = (position: number) => split[numbers[position] as number] as string;
  const mounts: MountInfo[] = new Array(numbers.length / NUMBERS_PER_MOUNT);
  for (let mount = 0, at = 0; mount < mounts.length; mount++, at += NUMBERS_PER_MOUNT) {
    mounts[mount] = {
      id: numbers[at] as number,
      parentId: numbers[at + 1] as number,
      device: text(at + 2),
      root: text(at + 3),
      mountPoint: text(at + 4),
      options: text(at + 5),
      propagation: text(at + 6),
      fstype: text(at + 7),
      source: text(at + 8),
      superOptions: text(at + 9),
    };
  }
  return mounts;
}
