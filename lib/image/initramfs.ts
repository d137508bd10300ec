/** The initramfs: stage0, and the root image unless that is in a partition, as one archive. */
import path from 'node:path';
import { cached, type Progress } from '../base/build-cache.js';
import type { Architecture } from './architecture.js';
import { compileStaticProgram, stage0Sources, staticToolchain } from './compile.js';
import { writeCpio } from './cpio.js';
import { hashSources } from './sources.js';

const ARCHIVE_NAME = 'initramfs.cpio';
const PROGRAM_NAME = 'stage0';

/** stage0 as a program. */
export async function buildStage0(root: string, arch: Architecture, onProgress: Progress): Promise<string> {
  const folder = await cached({
    kind: 'stage0',
    inputs: {
      recipe: 1,
      arch,
      sources: await hashSources(root, [
        'native/stage0',
        'native/base',
        'native/block',
        'native/sys',
        'lib/image/compile.ts',
      ]),
      ...(await staticToolchain(arch)),
    },
    onProgress,
    make: async (made) => {
      onProgress('compiling stage0');
      const includes = [path.join(root, 'native')];
      await compileStaticProgram(arch, await stage0Sources(root), includes, path.join(made, PROGRAM_NAME));
    },
  });
  return path.join(folder, PROGRAM_NAME);
}

/**
 * The archive. Not compressed: the image inside is, and the kernel would unpack twice.
 * @param rootImage  undefined: stage0 alone, which finds the root image in a partition
 */
export async function buildInitramfs(
  root: string,
  arch: Architecture,
  rootImage: string | undefined,
  onProgress: Progress,
): Promise<string> {
  const stage0 = await buildStage0(root, arch, onProgress);
  const image = rootImage === undefined ? 'none' : path.basename(path.dirname(rootImage));
  const folder = await cached({
    kind: 'initramfs',
    // Both are named by the hash of all that they are made from.
    inputs: { recipe: 1, stage0: path.basename(path.dirname(stage0)), image },
    onProgress,
    make: async (made) => {
      onProgress('writing the initramfs');
      await writeCpio(path.join(made, ARCHIVE_NAME), [
        { kind: 'file', path: 'init', mode: 0o755, file: stage0 },
        ...(rootImage === undefined
          ? []
          : [{ kind: 'file' as const, path: 'rootfs.img', mode: 0o644, file: rootImage }]),
      ]);
    },
  });
  return path.join(folder, ARCHIVE_NAME);
}
