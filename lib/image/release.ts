/** What is released: an image in one of the formats, beside it its bill of materials and checksums. */
import { constants } from 'node:fs';
import { access, mkdir, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Progress } from '../base/build-cache.js';
import { errorCode, errorMessage, TalosError } from '../base/errors.js';
import { withLock } from '../base/process-lock.js';
import type { Architecture } from './architecture.js';
import { type ArtifactOptions, type Artifacts, buildArtifacts } from './artifacts.js';
import { bootParameters } from './boot-parameters.js';
import { buildDiskImage } from './disk-image.js';
import { buildInitramfs } from './initramfs.js';
import type { KernelProfile } from './kernel.js';
import { givenSource, pinnedSource } from './kernel-source.js';
import { type KubernetesRequest, planImage } from './kubernetes/plan.js';
import { osRelease } from './os-release.js';
import { ROOT_LABEL } from './partitions.js';
import { repositoryRoot } from './paths.js';
import { runCommand } from './run-command.js';
import { buildSbom } from './sbom.js';
import { collectSbomFacts } from './sbom-facts.js';
import { type SourceIdentity, sourceIdentity } from './sources.js';
import type { SpdxDocument } from './spdx.js';
import { SUMS_NAME, writeSums } from './sums.js';
import { buildUki, type Uki } from './uki.js';

/** `raw`: a disk that UEFI boots; `uki`: the one file on it; `initramfs`: kernel and initramfs for other boot loaders. */
export type ImageFormat = 'raw' | 'uki' | 'initramfs';

export const IMAGE_FORMATS: readonly ImageFormat[] = ['raw', 'uki', 'initramfs'];

/** What {@link release} is told. */
export interface ReleaseRequest {
  readonly arch: Architecture;
  readonly profile: KernelProfile;
  readonly format: ImageFormat;
  /** Folder or tarball with another kernel source than the pinned one. */
  readonly source?: string | undefined;
  /** Container runtime, a row of rootfs/runtimes.json; the default one unless said otherwise. */
  readonly runtime?: string | undefined;
  /** None unless said otherwise. */
  readonly kubernetes?: KubernetesRequest | undefined;
  /** Folder that is to hold the files; made when it is not there. */
  readonly output: string;
  readonly onProgress: Progress;
}

/** A file of a release: its name in the output folder, and where the build left it. */
export interface ReleaseFile {
  readonly name: string;
  readonly from: string;
  readonly why: string;
  /** Written compressed as well. */
  readonly isCompressed?: boolean;
}

/** Measured against the alternatives in docs/image.md. */
const COMPRESS = ['zstd', '--quiet', '--force', '-9', '-T0'] as const;

/** What {@link buildRelease} is told. */
export interface BuildRequest extends Omit<ReleaseRequest, 'output'>, Pick<ArtifactOptions, 'root' | 'identity'> {}

/** A format as it was built, in the cache. */
export interface Release {
  readonly files: readonly ReleaseFile[];
  readonly sbom: { readonly name: string; readonly document: SpdxDocument };
  readonly artifacts: Artifacts;
}

/** Builds a format, as far as it is not in the cache. */
export async function buildRelease(request: BuildRequest): Promise<Release> {
  const { arch, profile, format, onProgress } = request;
  const { root = repositoryRoot(), identity = await sourceIdentity(root) } = request;
  const kernelSource = await (request.source === undefined ? pinnedSource(root) : givenSource(request.source));
  const { runtime, kubernetes } = await planImage(root, request.kubernetes, request.runtime);
  const artifacts = await buildArtifacts({
    arch,
    profile,
    kernelSource,
    runtime: runtime.name,
    kubernetes: request.kubernetes,
    onProgress,
    root,
    identity,
  });
  const variant = [
    ...(profile === 'default' ? [] : [profile]),
    ...(runtime.isDefault ? [] : [runtime.name]),
    ...(kubernetes === undefined ? [] : [`kubernetes-${kubernetes.release.version}`]),
  ];
  const prefix = ['talos', identity.tag, ...variant, arch].join('-');
  const { files, uki, initramfs } = await buildFormat(request, { root, identity, artifacts, prefix });
  onProgress('writing the bill of materials');
  const name = `${prefix}-${format}`;
  const released = files.map(({ from, ...file }) => ({ ...file, file: from }));
  const kernelOrigin = kernelSource.origin;
  const created = identity.built;
  const facts = await collectSbomFacts({
    root,
    arch,
    name,
    created,
    artifacts,
    initramfs,
    kernelOrigin,
    uki,
    released,
  });
  return { files, sbom: { name: `${name}.spdx.json`, document: buildSbom(facts) }, artifacts };
}

/**
 * Builds a format and puts it into the output folder.
 * @returns absolute paths of what is there, the checksums last
 */
export async function release(request: ReleaseRequest): Promise<string[]> {
  const { output, onProgress } = request;
  // Before minutes of building.
  await intoOutput(output, async () => {
    await mkdir(output, { recursive: true });
    await access(output, constants.W_OK);
  });
  return placeRelease(await buildRelease(request), output, onProgress);
}

/**
 * Puts what was built into the output folder.
 * @returns absolute paths of what is there, the checksums last
 * @throws TalosError ERR_OUTPUT  it cannot be written, and nothing unfinished is left in it
 */
export async function placeRelease(
  { files, sbom }: Pick<Release, 'files' | 'sbom'>,
  output: string,
  onProgress: Progress,
): Promise<string[]> {
  const onWait = () => onProgress(`waiting for another process that writes to ${output}`);
  // Several formats may be built at once, and all add to the same checksums.
  return withLock(path.join(output, SUMS_NAME), onWait, () =>
    intoOutput(output, async () => {
      const names: string[] = [];
      for (const file of files) {
        onProgress(`writing ${file.name}`);
        names.push(...(await place(file, output)));
      }
      await writeFile(path.join(output, sbom.name), `${JSON.stringify(sbom.document, undefined, 1)}\n`);
      names.push(sbom.name);
      const sums = await writeSums(output, names);
      return [...names.map((name) => path.join(output, name)), sums];
    }),
  );
}

/** Does what writes to the output folder; why it cannot be done is the folder's fault. */
async function intoOutput<T>(output: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (errorCode(error) === 'ERR_TOOL_MISSING') throw error;
    throw new TalosError('ERR_OUTPUT', `cannot write to ${output}: ${errorMessage(error)}`, {
      hint: 'name a folder that can be written and has room for the files: --output DIR; what was built is kept in the cache',
      cause: error,
    });
  }
}

interface Ingredients {
  readonly root: string;
  readonly identity: SourceIdentity;
  readonly artifacts: Artifacts;
  readonly prefix: string;
}

async function buildFormat(
  { arch, format, onProgress }: BuildRequest,
  { root, identity, artifacts, prefix }: Ingredients,
): Promise<{ files: ReleaseFile[]; initramfs: string; uki?: Uki }> {
  const { kernel, kernelConfig, rootHash, rootImage } = artifacts;
  // On a disk the root image has a partition: firmware reads a few megabytes, and the image is not kept in memory.
  const partition = format === 'raw' ? ROOT_LABEL : undefined;
  const initramfs =
    partition === undefined ? await buildInitramfs(root, arch, rootImage, onProgress) : artifacts.initramfs;
  if (format === 'initramfs') {
    const files = [
      { name: `${prefix}-vmlinuz`, from: kernel, why: 'the kernel' },
      { name: `${prefix}-initramfs.cpio`, from: initramfs, why: 'stage0 and the root image' },
    ];
    return { files, initramfs };
  }
  const uki = await buildUki({
    arch,
    kernel,
    kernelConfig,
    initramfs,
    osRelease: await osRelease(root, identity),
    commandLine: bootParameters(arch, rootHash, partition),
    onProgress,
  });
  if (format === 'uki') {
    return { files: [{ name: `${prefix}-uki.efi`, from: uki.file, why: 'the unified kernel image' }], initramfs, uki };
  }
  const disk = await buildDiskImage({ arch, uki: uki.file, rootImage, timeSeconds: identity.timeSeconds, onProgress });
  return { files: [{ name: `${prefix}.raw`, from: disk, why: 'the disk image', isCompressed: true }], initramfs, uki };
}

/** Copies a file to its place, whole or not at all; holes stay holes. @returns the names that it has there */
async function place({ name, from, isCompressed = false }: ReleaseFile, output: string): Promise<string[]> {
  const target = path.join(output, name);
  const temporary = `${target}.new`;
  try {
    await rm(temporary, { force: true });
    await runCommand(['cp', '--sparse=always', '--reflink=auto', from, temporary]);
    await rename(temporary, target);
    if (!isCompressed) return [name];
    await runCommand([...COMPRESS, target, '-o', temporary]);
    await rename(temporary, `${target}.zst`);
    return [name, `${name}.zst`];
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => {});
    throw error;
  }
}
