/** Container images as OCI archives: an image layout of one layer in a tar file. The same tree gives the same bytes. */
import { createHash } from 'node:crypto';
import { copyFile, mkdir, mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import * as tar from 'tar';
import { hashFile } from '../base/build-cache.js';
import type { Architecture } from './architecture.js';
import { runCommand } from './run-command.js';

/** What runs, and how, without being told: `config` of the image specification, as far as we use it. */
export interface ImageConfig {
  readonly User?: string;
  readonly Env?: readonly string[];
  readonly Entrypoint?: readonly string[];
}

/** What an archive is made from. */
export interface OciImage {
  readonly architecture: Architecture;
  /** Folder with what the image holds. */
  readonly tree: string;
  /** What of it: paths relative to the tree, each by itself. */
  readonly names: readonly string[];
  readonly config?: ImageConfig;
  /** Of its layer; a small one is not worth it. */
  readonly compression?: 'zstd' | undefined;
}

const TYPES = {
  manifest: 'application/vnd.oci.image.manifest.v1+json',
  config: 'application/vnd.oci.image.config.v1+json',
  layer: 'application/vnd.oci.image.layer.v1.tar',
  zstdLayer: 'application/vnd.oci.image.layer.v1.tar+zstd',
};
/** One thread, so that the same tree gives the same bytes. */
const ZSTD = ['zstd', '--quiet', '--single-thread', '-15'] as const;
const TAR_OPTIONS = { portable: true, noPax: true, mtime: new Date(0), preservePaths: false };

interface Blob {
  mediaType: string;
  digest: string;
  size: number;
}

/** A layer that is in a file already. */
export interface ArchivedBlob {
  readonly mediaType: string;
  readonly file: string;
  /** Of its bytes, in hexadecimal. */
  readonly sha256: string;
}

/** What {@link writeOciLayout} puts into an archive: the image's configuration as it is, and its layers from the lowest on. */
export interface OciLayout {
  readonly architecture: Architecture;
  readonly config: Buffer;
  readonly layers: readonly ArchivedBlob[];
}

/** Writes the archive of an image that consists of one tree. What it is put together in is beside it: layers may be larger than /tmp. */
export async function writeOciArchive(
  target: string,
  { architecture, tree, names, config: imageConfig = {}, compression }: OciImage,
): Promise<void> {
  const work = await mkdtemp(`${target}.work-`);
  try {
    const file = path.join(work, 'layer.tar');
    await tar.create({ ...TAR_OPTIONS, cwd: tree, file, noDirRecurse: true }, [...names].sort());
    const sha256 = await hashFile(file);
    const rootfs = { type: 'layers', diff_ids: [`sha256:${sha256}`] };
    const config = document({ os: 'linux', architecture, config: imageConfig, rootfs });
    const layer = compression === undefined ? { mediaType: TYPES.layer, file, sha256 } : await compressed(file);
    await writeOciLayout(target, { architecture, config, layers: [layer] });
  } finally {
    await rm(work, { recursive: true });
  }
}

async function compressed(tarFile: string): Promise<ArchivedBlob> {
  const file = `${tarFile}.zst`;
  await runCommand([...ZSTD, tarFile, '-o', file], { hint: 'apt-get install zstd' });
  return { mediaType: TYPES.zstdLayer, file, sha256: await hashFile(file) };
}

/** Writes the archive of an image whose parts are there. */
export async function writeOciLayout(target: string, { architecture, config, layers }: OciLayout): Promise<void> {
  const layout = await mkdtemp(`${target}.layout-`);
  try {
    const blobs = path.join(layout, 'blobs', 'sha256');
    await mkdir(blobs, { recursive: true });
    const put = async (mediaType: string, content: Buffer): Promise<Blob> => {
      const hash = createHash('sha256').update(content).digest('hex');
      await writeFile(path.join(blobs, hash), content);
      return { mediaType, digest: `sha256:${hash}`, size: content.length };
    };
    const placed: Blob[] = [];
    for (const { mediaType, file, sha256 } of layers) {
      await copyFile(file, path.join(blobs, sha256));
      placed.push({ mediaType, digest: `sha256:${sha256}`, size: (await stat(file)).size });
    }
    const described = await put(TYPES.config, config);
    const manifest = await put(
      TYPES.manifest,
      document({ schemaVersion: 2, mediaType: TYPES.manifest, config: described, layers: placed }),
    );
    const platform = { os: 'linux', architecture };
    await writeFile(path.join(layout, 'oci-layout'), document({ imageLayoutVersion: '1.0.0' }));
    await writeFile(
      path.join(layout, 'index.json'),
      document({ schemaVersion: 2, manifests: [{ ...manifest, platform }] }),
    );
    // An image may have one layer twice.
    const files = new Set([described, manifest, ...placed].map(blobPath).sort());
    await tar.create({ ...TAR_OPTIONS, cwd: layout, file: target }, ['oci-layout', 'index.json', ...files]);
  } finally {
    await rm(layout, { recursive: true });
  }
}

function document(value: object): Buffer {
  return Buffer.from(JSON.stringify(value));
}

function blobPath({ digest }: Blob): string {
  return `blobs/sha256/${digest.slice('sha256:'.length)}`;
}
