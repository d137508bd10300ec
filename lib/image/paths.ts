import { existsSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { TalosError } from '../base/errors.js';

/** The checkout that this file belongs to, compiled or not: the nearest folder upwards that has the image's manifest. */
export function repositoryRoot(): string {
  const start = path.dirname(fileURLToPath(import.meta.url));
  for (let folder = start; ; folder = path.dirname(folder)) {
    if (existsSync(path.join(folder, 'rootfs', 'manifest.json'))) return folder;
    if (folder === path.dirname(folder)) {
      throw new TalosError(
        'ERR_NO_CHECKOUT',
        `no checkout of the project above ${start}: images are built from its sources`,
      );
    }
  }
}
