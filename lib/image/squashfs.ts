/** Packs a folder as a squashfs image, as mksquashfs(1) does. */
import { runCommand } from './run-command.js';

/** Measured against the alternatives in docs/image.md. */
export const SQUASHFS_OPTIONS: readonly string[] = ['-comp', 'lz4', '-Xhc', '-b', '32K'];

/**
 * The same tree gives the same bytes: one time, one owner, sorted names.
 * @param timeSeconds  of every file and of the image, since 1970
 */
export async function packSquashfs(tree: string, image: string, timeSeconds: number): Promise<void> {
  const time = String(timeSeconds);
  const once = ['-noappend', '-no-progress', '-all-root', '-no-xattrs', '-no-exports'];
  const times = ['-mkfs-time', time, '-all-time', time];
  // mksquashfs refuses the options for time when the variable is there, even empty.
  const env = { SOURCE_DATE_EPOCH: undefined };
  await runCommand(['mksquashfs', tree, image, ...once, ...times, ...SQUASHFS_OPTIONS], { env });
}
