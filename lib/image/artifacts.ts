/** Everything that a node boots from, in one call. */
import type { Progress } from '../base/build-cache.js';
import type { Architecture } from './architecture.js';
import type { Layer } from './image-manifest.js';
import { buildInitramfs, buildStage0 } from './initramfs.js';
import { buildKernel, type KernelProfile } from './kernel.js';
import type { KernelSource } from './kernel-source.js';
import { type KubernetesRequest, planImage } from './kubernetes/plan.js';
import { repositoryRoot } from './paths.js';
import { buildRootDisk } from './root-disk.js';
import { buildRootImage } from './root-image.js';
import { type SourceIdentity, sourceIdentity } from './sources.js';

/** What {@link buildArtifacts} is told; all of it has a default. */
export interface ArtifactOptions {
  readonly arch?: Architecture | undefined;
  /** Kernel profile; `default` unless said otherwise. */
  readonly profile?: KernelProfile | undefined;
  /** The pinned one unless said otherwise. */
  readonly kernelSource?: KernelSource | undefined;
  /** Layer on top of the shipped root image; none unless said otherwise. */
  readonly layer?: Layer | undefined;
  /** Container runtime, a row of rootfs/runtimes.json; the default one, or what the Kubernetes prefers, unless said otherwise. */
  readonly runtime?: string | undefined;
  /** The Kubernetes of the root image; none unless said otherwise. */
  readonly kubernetes?: KubernetesRequest | undefined;
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
  /** stage0 alone, which finds the root image on {@link rootDisk}. */
  readonly initramfs: string;
  /** The program that is /init in there. */
  readonly stage0: string;
  readonly rootImage: string;
  /** A disk with the root image as its only partition. */
  readonly rootDisk: string;
  /** image-manifest.json of the root image. */
  readonly manifest: string;
  /** Of the root image: the node boots with `roothash=` of it on the kernel command line. */
  readonly rootHash: string;
}

/**
 * Builds what is not in the cache yet: kernel, root image and its disk, initramfs.
 * @throws TalosError with what is missing and what to do · ERR_RUNTIME, ERR_KUBERNETES  there is no such container runtime or Kubernetes, or
 *   they do not go together
 */
export async function buildArtifacts(options: ArtifactOptions = {}): Promise<Artifacts> {
  const { arch = 'amd64', profile = 'default', layer, onProgress = () => {} } = options;
  const { root = repositoryRoot(), identity = await sourceIdentity(root) } = options;
  // Before the kernel is built for it.
  const { name: runtime } = (await planImage(root, options.kubernetes, options.runtime)).runtime;
  const kernel = await buildKernel(root, arch, profile, onProgress, options.kernelSource);
  const request = { root, arch, layer, runtime, kubernetes: options.kubernetes, identity, onProgress };
  const { image: rootImage, manifest, rootHash } = await buildRootImage(request);
  const rootDisk = await buildRootDisk(rootImage, onProgress);
  const initramfs = await buildInitramfs(root, arch, undefined, onProgress);
  const stage0 = await buildStage0(root, arch, onProgress);
  return {
    kernel: kernel.image,
    kernelConfig: kernel.config,
    initramfs,
    stage0,
    rootImage,
    rootDisk,
    manifest,
    rootHash,
  };
}
