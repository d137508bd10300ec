/** What a node of the test image boots; built when it is not in the cache. */
import { type Artifacts, buildArtifacts } from '../../lib/image/artifacts.js';
import type { KernelProfile } from '../../lib/image/kernel.js';

/** A kernel, that of the shipped image unless said otherwise, and the initramfs of the shipped image plus the test layer. */
export function testImage(profile: KernelProfile = 'default'): Promise<Artifacts> {
  return buildArtifacts({ layer: 'test', profile });
}
