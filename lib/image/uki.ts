/**
 * Unified kernel images: one file that UEFI firmware starts, with kernel, command line and initramfs as sections behind systemd's EFI
 * stub (UAPI group, "Unified Kernel Image"; systemd-stub(7)).
 */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { cached, hashFile, type Progress } from '../base/build-cache.js';
import { TalosError } from '../base/errors.js';
import type { Architecture } from './architecture.js';
import { fetchPackages, type PackageRecord } from './packages.js';
import { parsePe, writeWithSections } from './pe.js';

/** What UEFI calls an architecture. */
export const EFI_ARCHITECTURES: Readonly<Record<Architecture, EfiFacts>> = {
  amd64: { stub: 'linuxx64.efi.stub', bootFile: 'BOOTX64.EFI', machine: 0x8664 },
  arm64: { stub: 'linuxaa64.efi.stub', bootFile: 'BOOTAA64.EFI', machine: 0xaa64 },
};

interface EfiFacts {
  /** Name of systemd's stub. */
  readonly stub: string;
  /** What firmware starts from a disk it knows nothing else about: /EFI/BOOT/<this>. */
  readonly bootFile: string;
  /** The machine that its executables name. */
  readonly machine: number;
}

/** The package that the stub comes from. */
export const STUB_PACKAGE = 'systemd-boot-efi';

/** What goes into a unified kernel image. */
export interface UkiRequest {
  readonly arch: Architecture;
  /** Absolute paths. */
  readonly kernel: string;
  readonly kernelConfig: string;
  readonly initramfs: string;
  /** Content of os-release(5): what a boot loader shows. */
  readonly osRelease: string;
  readonly commandLine: readonly string[];
  readonly onProgress: Progress;
}

/** A unified kernel image, and the package of its stub. */
export interface Uki {
  readonly file: string;
  readonly stub: string;
  readonly stubPackage: PackageRecord;
}

const IMAGE_NAME = 'uki.efi';

/** The release that a kernel calls itself (`uname -r`), from its final .config. */
export function kernelRelease(config: string): string {
  const version = /^# Linux\/\S+ (\S+) Kernel Configuration$/m.exec(config)?.[1];
  const local = /^CONFIG_LOCALVERSION="(.*)"$/m.exec(config)?.[1] ?? '';
  if (version === undefined) throw new TalosError('ERR_KERNEL_CONFIG', 'the .config of the kernel names no version');
  return `${version}${local}`;
}

/** The unified kernel image, made when it is not in the cache. */
export async function buildUki(request: UkiRequest): Promise<Uki> {
  const { arch, kernel, kernelConfig, initramfs, osRelease, commandLine, onProgress } = request;
  const { stub, machine } = EFI_ARCHITECTURES[arch];
  const { folder: packages, records } = await fetchPackages([STUB_PACKAGE], arch, onProgress);
  const stubFile = path.join(packages, STUB_PACKAGE, 'usr', 'lib', 'systemd', 'boot', 'efi', stub);
  const [stubPackage] = records;
  if (stubPackage === undefined) throw new TalosError('ERR_NO_PACKAGE', `${STUB_PACKAGE} was not fetched`);
  const folder = await cached({
    kind: 'uki',
    inputs: {
      recipe: 1,
      arch,
      stub: await hashFile(stubFile),
      kernel: await hashFile(kernel),
      initramfs: await hashFile(initramfs),
      osRelease,
      commandLine,
    },
    keep: 4,
    onProgress,
    make: async (made) => {
      onProgress('writing the unified kernel image');
      const stubBytes = await readFile(stubFile);
      if (parsePe(stubBytes).machine !== machine) throw new TalosError('ERR_PE', `${stub} is not for ${arch}`);
      await writeWithSections(
        stubBytes,
        [
          { name: '.osrel', content: Buffer.from(osRelease) },
          { name: '.cmdline', content: Buffer.from(commandLine.join(' ')) },
          { name: '.uname', content: Buffer.from(kernelRelease(await readFile(kernelConfig, 'utf8'))) },
          { name: '.initrd', content: await readFile(initramfs) },
          // Last, so that a kernel that unpacks itself in place would have room.
          { name: '.linux', content: await readFile(kernel) },
        ],
        path.join(made, IMAGE_NAME),
      );
    },
  });
  return { file: path.join(folder, IMAGE_NAME), stub: stubFile, stubPackage };
}
