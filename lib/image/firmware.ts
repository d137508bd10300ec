/** UEFI firmware for emulated machines, from Debian's packages: fetched and unpacked like those of the image, never installed. */
import path from 'node:path';
import type { Progress } from '../base/build-cache.js';
import type { Architecture } from './architecture.js';
import { fetchPackages } from './packages.js';

/** Firmware for QEMU's two flash chips. Absolute paths. */
export interface Firmware {
  /** The firmware itself, only read. */
  readonly code: string;
  /** What its variables start from: every machine needs a copy of its own. */
  readonly variables: string;
}

/** Without Secure Boot: our images are not signed. */
const FILES: Readonly<Record<Architecture, { package: string; code: string; variables: string }>> = {
  amd64: {
    package: 'ovmf',
    code: 'usr/share/OVMF/OVMF_CODE_4M.fd',
    variables: 'usr/share/OVMF/OVMF_VARS_4M.fd',
  },
  arm64: {
    package: 'qemu-efi-aarch64',
    code: 'usr/share/AAVMF/AAVMF_CODE.no-secboot.fd',
    variables: 'usr/share/AAVMF/AAVMF_VARS.fd',
  },
};

/** The firmware for machines of `arch`; QEMU's options are `-drive if=pflash,format=raw,unit=0,readonly=on` and `unit=1`. */
export async function uefiFirmware(arch: Architecture, onProgress: Progress): Promise<Firmware> {
  const files = FILES[arch];
  // The packages are for machines of every architecture, so that of the list does not matter.
  const { folder } = await fetchPackages([files.package], 'amd64', onProgress);
  const at = (file: string) => path.join(folder, files.package, file);
  return { code: at(files.code), variables: at(files.variables) };
}
