import type { Architecture } from '../base/architecture.js';
import { buildArtifacts } from '../image/artifacts.js';
import { uefiFirmware } from '../image/firmware.js';
import { type KubernetesRequest, planImage } from '../image/kubernetes/plan.js';
import { repositoryRoot } from '../image/paths.js';
import type { ReleaseSource } from '../kube/release.js';
import type { CreateOptions } from './create.js';

export type { KubernetesRequest } from '../image/kubernetes/plan.js';

/**
 * Looks a release of Kubernetes up, before anything is built for it.
 * @param runtime  container runtime that is asked for, a row of rootfs/runtimes.json
 * @returns where it comes from
 * @throws TalosError ERR_RUNTIME, ERR_KUBERNETES  there is no such thing, or they do not go together
 */
export async function releaseSource(request: KubernetesRequest, runtime: string | undefined): Promise<ReleaseSource> {
  const { kubernetes } = await planImage(repositoryRoot(), request, runtime);
  if (kubernetes === undefined) throw new TypeError('a plan with Kubernetes has none');
  return kubernetes.source.kind;
}

/**
 * What a node boots: from the cache, or built when it is not there. osctl may not call the image builder itself.
 * @param options.arch   amd64 unless said otherwise
 * @param options.layer  a layer on top of the shipped image, for tests
 * @param options.runtime  container runtime, a row of rootfs/runtimes.json; the default one, or what the Kubernetes prefers, unless said otherwise
 * @param options.kubernetes  none unless said otherwise
 * @param options.firmware  `uefi`: the firmware as well
 */
export async function buildBootFiles(options: {
  arch?: Architecture | undefined;
  layer?: 'test' | undefined;
  runtime?: string | undefined;
  kubernetes?: KubernetesRequest | undefined;
  firmware?: CreateOptions['firmware'];
  onProgress?: ((text: string, percent?: number) => void) | undefined;
}): Promise<Pick<CreateOptions, 'kernel' | 'initramfs' | 'rootDisk' | 'rootHash' | 'uefi'>> {
  const { arch = 'amd64', layer, runtime, kubernetes, firmware, onProgress = () => {} } = options;
  const request = { arch, layer, runtime, kubernetes, onProgress };
  const { kernel, initramfs, rootDisk, rootHash } = await buildArtifacts(request);
  const uefi = firmware === 'uefi' ? await uefiFirmware(arch, onProgress) : undefined;
  return { kernel, initramfs, rootDisk, rootHash, uefi };
}
