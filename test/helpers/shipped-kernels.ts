/** The final options of the kernels that are shipped: one entry of the cache for all tests that look at them. */
import { readFile } from 'node:fs/promises';
import type { Architecture } from '../../lib/image/architecture.js';
import { KERNEL_PROFILES, type KernelVariant, kernelConfigs } from '../../lib/image/kernel-options.js';
import { repositoryRoot } from '../../lib/image/paths.js';

/** A kernel, and the text of its .config. */
export interface ShippedKernel extends KernelVariant {
  readonly config: string;
}

/** All of them. No kernel is built; the first call of a machine unpacks what configures one. */
export async function shippedKernels(): Promise<ShippedKernel[]> {
  const architectures: readonly Architecture[] = ['amd64', 'arm64'];
  const profiles = KERNEL_PROFILES.filter((profile) => profile !== 'test');
  const variants = architectures.flatMap((arch) => profiles.map((profile) => ({ arch, profile })));
  const files = await kernelConfigs(repositoryRoot(), variants, () => {});
  return Promise.all(
    variants.map(async (variant, index) => ({ ...variant, config: await readFile(files[index] ?? '', 'utf8') })),
  );
}
