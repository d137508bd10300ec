/** Everything that a node boots from, in one call. */
import type { Progress } from '../base/build-cache.js';
import type { ImageArchitecture } from './architecture.js';
import { buildInitramfs, buildStage0 } from './initramfs.js';
import { buildKernel, type KernelProfile } from './kernel.js';
import { repositoryRoot } from './paths.js';
import { buildRootImage, type Layer } from './root-image.js';
import { type SourceIdentity, sourceIdentity } from './sources.js';

/** What {@link buildArtifacts} is told; all of it has a default. */
export interface ArtifactOptions {
  readonly arch?: ImageArchitecture | undefined;
  /** Kernel profile; `default` unless said otherwise. */
  readonly profile?: KernelProfile | undefined;
  /** Layer on top of the shipped root image; none unless said otherwise. */
  readonly layer?: Layer | undefined;
  readonly onProgress?: Progress | undefined;
  /** The sources and what they call themselves; this checkout unless a test says otherwise. */
  readonly root?: string | undefined;
  readonly identity?: SourceIdentity | undefined;
}

/** Absolute paths of what was built. */
export interface Artifacts {
  readonly kernel: string;
  /** The kernel's final .config. */
  readonly kernelConfig: string;
  readonly initramfs: string;
  /** The program that is /init in there. */
  readonly stage0: string;
  readonly rootImage: string;
  /** image-manifest.json of the root image. */
  readonly manifest: string;
  /** Of the root image: the node boots with `roothash=` of it on the kernel command line. */
  readonly rootHash: string;
}

/**
 * Builds what is not in the cache yet: kernel, root image and initramfs.
 * @throws TalosError with what is missing and what to do
 */
export async function buildArtifacts(options: ArtifactOptions = {}): Promise<Artifacts> {
  const { arch = 'amd64', profile = 'default', layer, onProgress = () => {} } = options;
  const { root = repositoryRoot(), identity = await sourceIdentity(root) } = options;
  const kernel = await buildKernel(root, arch, profile, onProgress);
  const { image: rootImage, manifest, rootHash } = await buildRootImage({ root, arch, layer, identity, onProgress });
  const initramfs = await buildInitramfs(root, arch, rootImage, onProgress);
  const stage0 = await buildStage0(root, arch, onProgress);
  return { kernel: kernel.image, kernelConfig: kernel.config, initramfs, stage0, rootImage, manifest, rootHash };
}
