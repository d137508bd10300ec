/** The program that makes file systems. */
import { runProgram } from '../run-program.js';

export interface FilesystemPrograms {
  /** Makes an ext4 over whatever is there, and waits until it is on the medium. */
  makeExt4(device: string, options: { label: string; reservedPercent: number }): Promise<void>;
}

/** @throws TalosError ERR_PROGRAM  with the newest line of what the program said */
export const filesystemPrograms: FilesystemPrograms = {
  makeExt4: (device, { label, reservedPercent }) =>
    runProgram('mkfs.ext4', [
      ...['-q', '-F', '-t', 'ext4', '-L', label, '-m', String(reservedPercent)],
      // So that it can be grown while it is mounted: blocks for the descriptors of 1024 times its size are set aside, or of 8 TiB, which are as
      // many as the inode of resizing can hold. Beyond them the kernel itself goes over to meta_bg, which needs 64bit.
      ...['-O', 'resize_inode,64bit'],
      // Tables of inodes are written by the kernel later; an old journal cannot be taken for this one, whose checksums have its UUID in them.
      // Discarding takes as long as the disk likes.
      ...['-E', 'nodiscard,lazy_itable_init=1,lazy_journal_init=1', device],
    ]),
};
