/** Collects what the bill of materials of a release tells. */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { ARCHITECTURES, type Architecture } from './architecture.js';
import type { Artifacts } from './artifacts.js';
import { fileSums } from './file-sums.js';
import type { ImageManifest } from './image-manifest.js';
import type { KernelOrigin } from './kernel-source.js';
import type { NpmPackage } from './npm-packages.js';
import { runCommand } from './run-command.js';
import type { BootFile, SbomFacts } from './sbom.js';
import { staticLibraries } from './static-libraries.js';
import { kernelRelease, type Uki } from './uki.js';

/** What the facts are collected from. */
export interface SbomRequest {
  readonly root: string;
  readonly arch: Architecture;
  readonly name: string;
  readonly created: string;
  readonly artifacts: Artifacts;
  /** The one of this release. */
  readonly initramfs: string;
  readonly kernelOrigin: KernelOrigin;
  readonly uki: Uki | undefined;
  /** The files of the release: name, and where each is. */
  readonly released: readonly { readonly name: string; readonly file: string; readonly why: string }[];
}

/** Entries of `process.versions` that are numbers of interfaces, not of libraries. */
const INTERFACES = new Set(['node', 'modules', 'napi']);

/** @throws TalosError when a tool that is asked fails */
export async function collectSbomFacts(request: SbomRequest): Promise<SbomFacts> {
  const { root, arch, name, created, artifacts, uki } = request;
  const manifest = JSON.parse(await readFile(artifacts.manifest, 'utf8')) as ImageManifest;
  return {
    name,
    arch,
    // SPDX has no fractions of a second.
    created: created.replace(/\.\d+Z$/, 'Z'),
    manifest,
    bootFiles: await bootFiles(request),
    kernel: {
      release: kernelRelease(await readFile(artifacts.kernelConfig, 'utf8')),
      origin: request.kernelOrigin,
    },
    node: await nodeFacts(root, arch),
    staticLibraries: await staticLibraries(arch),
    stub: uki?.stubPackage,
  };
}

async function bootFiles({ artifacts, initramfs, uki, released }: SbomRequest): Promise<BootFile[]> {
  const isInside = initramfs !== artifacts.initramfs;
  const content = isInside ? 'stage0 and the root image' : 'stage0';
  const image = isInside ? 'the root image as a file of the initramfs' : 'the root image as a partition of the disk';
  const files: { path: string; file: string; why: string; from: BootFile['from'] }[] = [
    { path: 'linux', file: artifacts.kernel, why: 'the kernel', from: 'kernel' },
    { path: 'initramfs.cpio', file: initramfs, why: content, from: 'own' },
    { path: 'init', file: artifacts.stage0, why: 'stage0, the first program of the initramfs', from: 'stage0' },
    { path: 'rootfs.img', file: artifacts.rootImage, why: image, from: 'own' },
  ];
  if (uki !== undefined) {
    const why = "systemd's EFI stub, the front of the unified kernel image";
    files.push({ path: path.basename(uki.stub), file: uki.stub, why, from: 'stub' });
  }
  // What is released as it is has the name of the release only.
  const parts = files.filter(({ file }) => !released.some((each) => each.file === file));
  const whole = released.map(({ name, file, why }) => {
    return { path: name, file, why, from: file === artifacts.kernel ? ('kernel' as const) : ('own' as const) };
  });
  return Promise.all([...parts, ...whole].map(async ({ file, ...facts }) => ({ ...facts, ...(await fileSums(file)) })));
}

/** Node's package for `arch`; its libraries are told by this machine's Node of the same version. */
async function nodeFacts(root: string, arch: Architecture): Promise<SbomFacts['node']> {
  const own = Object.values(ARCHITECTURES).find(({ nodeName }) => nodeName === process.arch) ?? ARCHITECTURES[arch];
  const folder = path.join(root, 'node_modules', own.nodePackage);
  const { version, license } = JSON.parse(await readFile(path.join(folder, 'package.json'), 'utf8'));
  const text = await runCommand([path.join(folder, 'bin', 'node'), '-p', 'JSON.stringify(process.versions)']);
  const versions = Object.entries(JSON.parse(text) as Record<string, string>);
  const components = Object.fromEntries(
    versions.filter(([component, of]) => !INTERFACES.has(component) && of !== '').sort(),
  );
  const npm: NpmPackage = { name: ARCHITECTURES[arch].nodePackage, version, licence: license };
  return { ...npm, components };
}
