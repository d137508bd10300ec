/** What a node of the test image boots; built when it is not in the cache. */
import { type Artifacts, buildArtifacts } from '../../lib/image/artifacts.js';

/** Kernel and initramfs of the shipped image plus the test layer. */
export function testImage(): Promise<Artifacts> {
  return buildArtifacts({ layer: 'test' });
}
