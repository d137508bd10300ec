import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, open, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { TalosError } from '../base/errors.js';
import { MIB } from '../base/units.js';

const execFileAsync = promisify(execFile);

/** The label by which a node finds its config disk. */
export const CONFIG_DISK_LABEL = 'TALOSCONFIG';

/** The one file on the disk. */
export const CONFIG_DISK_FILE = 'config.yaml';

const CONFIG_DISK_BYTES = 4 * MIB;

/** mke2fs is in sbin, which is not on every user's PATH. */
const SYSTEM_PATH = `${process.env.PATH ?? ''}:/usr/sbin:/sbin`;

/**
 * Makes a config disk: an ext4 file system without a journal that holds the machine config. Needs no root rights.
 * @param image   file to make; it holds keys, so only its owner may read it
 * @param config  the machine config as YAML
 * @throws TalosError ERR_CONFIG_DISK when mke2fs is missing or fails
 */
export async function makeConfigDisk(image: string, config: string): Promise<void> {
  await mkdir(path.dirname(image), { recursive: true, mode: 0o700 });
  const content = await mkdtemp(`${image}.content-`);
  try {
    await writeFile(path.join(content, CONFIG_DISK_FILE), config, { mode: 0o600 });
    const file = await open(image, 'w', 0o600);
    await file.truncate(CONFIG_DISK_BYTES).finally(() => file.close());
    const options = ['-q', '-F', '-t', 'ext4', '-O', '^has_journal', '-m', '0', '-L', CONFIG_DISK_LABEL];
    // The node's root reads the file, whoever owns it here.
    const ownership = ['-E', 'root_owner=0:0', '-d', content];
    await execFileAsync('mke2fs', [...options, ...ownership, image], { env: { ...process.env, PATH: SYSTEM_PATH } });
  } catch (error) {
    const isMissing = (error as NodeJS.ErrnoException).code === 'ENOENT';
    throw new TalosError('ERR_CONFIG_DISK', `cannot make the config disk ${image}`, {
      cause: error,
      hint: isMissing ? 'mke2fs is missing: install the Debian package e2fsprogs' : 'see that the disk is not full',
    });
  } finally {
    await rm(content, { recursive: true, force: true });
  }
}
