/** Files in an ext4 that is a partition of a disk's image: changed while nobody has the disk, without mounting it. */
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
/** debugfs is in sbin, which is not on every user's PATH. */
const ENVIRONMENT = { ...process.env, PATH: `${process.env.PATH ?? ''}:/usr/sbin:/sbin` };

export interface DiskPartition {
  image: string;
  offsetBytes: number;
}

/**
 * Gives a file other contents.
 * @param path    from the root of the file system; it must be there
 * @param change  makes them of what it has
 */
export async function changeFile(
  { image, offsetBytes }: DiskPartition,
  path: string,
  change: (contents: Buffer) => Buffer,
): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'talos-disk-'));
  const device = `${image}?offset=${offsetBytes}`;
  const [before, after] = [join(folder, 'before'), join(folder, 'after')];
  try {
    // It says what is wrong on its standard error, and ends well.
    const debugfs = async (...words: string[]) => {
      const { stderr } = await run('debugfs', [...words, device], { env: ENVIRONMENT });
      const complaints = stderr.split('\n').filter((line) => line !== '' && !line.startsWith('debugfs 1.'));
      if (complaints.length > 0) throw new Error(`debugfs: ${complaints.join('; ')}`);
    };
    await debugfs('-R', `dump ${path} ${before}`);
    await writeFile(after, change(await readFile(before)), { mode: 0o644 });
    const commands = join(folder, 'commands');
    const cut = path.lastIndexOf('/');
    await writeFile(
      commands,
      `cd ${path.slice(0, cut)}\nrm ${path.slice(cut + 1)}\nwrite ${after} ${path.slice(cut + 1)}\n`,
    );
    await debugfs('-w', '-f', commands);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
