import { buildArtifacts } from '../image/artifacts.js';

/**
 * What a node boots: from the cache, or built when it is not there. osctl may not call the image builder itself.
 * @param options.layer  a layer on top of the shipped image, for tests
 */
export async function buildBootFiles(options: {
  layer?: 'test' | undefined;
  onProgress?: ((text: string, percent?: number) => void) | undefined;
}): Promise<{ kernel: string; initramfs: string; rootHash: string }> {
  const { kernel, initramfs, rootHash } = await buildArtifacts({
    layer: options.layer,
    onProgress: options.onProgress,
  });
  return { kernel, initramfs, rootHash };
}
