/**
 * Node of another architecture: npm installs packages for the machine it runs on only, so the others are fetched as archives, checked
 * against the sum in rootfs/node-packages.json and kept in the cache. This machine's own is a dependency like any other.
 */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readdir, readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { cached, type Progress } from '../base/build-cache.js';
import { TalosError } from '../base/errors.js';
import { ARCHITECTURES, type Architecture } from './architecture.js';
import { runCommand } from './run-command.js';

/** rootfs/node-packages.json */
interface NodePackages {
  readonly version: string;
  /** By package: as package-lock.json writes it. */
  readonly integrity: Readonly<Record<string, string>>;
}

/**
 * The folder of the npm package with Node for `arch`: `bin/node`, and the headers in `include/node`.
 * @param root the checkout
 * @throws TalosError ERR_NO_PACKAGE the registry does not have it or cannot be reached · ERR_CHECKSUM it is not what was pinned
 */
export async function nodePackageFolder(root: string, arch: Architecture, onProgress: Progress): Promise<string> {
  const { nodePackage } = ARCHITECTURES[arch];
  const installed = path.join(root, 'node_modules', nodePackage);
  if (existsSync(installed)) return installed;
  const pinned = JSON.parse(await readFile(path.join(root, 'rootfs', 'node-packages.json'), 'utf8')) as NodePackages;
  const integrity = pinned.integrity[nodePackage];
  if (integrity === undefined) {
    throw new TalosError('ERR_NO_PACKAGE', `rootfs/node-packages.json does not name ${nodePackage}`);
  }
  const wanted = `${nodePackage}@${pinned.version}`;
  return cached({
    kind: 'node-package',
    inputs: { wanted, integrity },
    onProgress,
    make: async (folder) => {
      onProgress(`fetching ${wanted} (60 MB)`);
      const archive = await fetchArchive(wanted, folder);
      const sum = createHash('sha512')
        .update(await readFile(archive))
        .digest('base64');
      if (`sha512-${sum}` !== integrity) {
        throw new TalosError('ERR_CHECKSUM', `${wanted} is not the archive that rootfs/node-packages.json names`);
      }
      await runCommand(['tar', '--extract', '--file', archive, '--directory', folder, '--strip-components', '1']);
      await rm(archive);
    },
  });
}

async function fetchArchive(wanted: string, folder: string): Promise<string> {
  try {
    await runCommand(['npm', 'pack', wanted, '--pack-destination', folder, '--silent'], { cwd: folder });
  } catch (error) {
    throw new TalosError('ERR_NO_PACKAGE', `cannot fetch ${wanted} from the npm registry`, {
      hint: 'see that the npm registry can be reached (npm ping), then run this again',
      cause: error,
    });
  }
  const name = (await readdir(folder)).find((each) => each.endsWith('.tgz'));
  if (name === undefined) throw new TalosError('ERR_NO_PACKAGE', `npm pack ${wanted} left no file`);
  return path.join(folder, name);
}
