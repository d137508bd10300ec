/** Modes as Go's io/fs has them: `FileInfo.mode` of the API is one. */
import type { FileKind, FileStatus } from '../../../native/contract.js';

const TYPE_BITS: Readonly<Record<FileKind, number>> = {
  file: 0,
  directory: 2 ** 31,
  link: 2 ** 27,
  'block-device': 2 ** 26,
  'character-device': 2 ** 26 + 2 ** 21,
  fifo: 2 ** 25,
  socket: 2 ** 24,
  unknown: 2 ** 19,
};

/** Bits of chmod(2) above the permissions, and where Go has them. */
const SPECIAL_BITS: readonly (readonly [number, number])[] = [
  [0o4000, 2 ** 23],
  [0o2000, 2 ** 22],
  [0o1000, 2 ** 20],
];

/** Unsigned: the type is in bits that a signed number of 32 bits has not got. */
export function goFileMode({ kind, mode }: Pick<FileStatus, 'kind' | 'mode'>): number {
  const special = SPECIAL_BITS.filter(([bit]) => (mode & bit) !== 0).reduce((sum, [, bit]) => sum + bit, 0);
  return TYPE_BITS[kind] + special + (mode & 0o777);
}
