/**
 * Container images in tar files as others write them, `docker save` and `ctr image export` above all: what is inside, and the one image for an
 * architecture as an OCI archive like our own (oci-archive.ts), which has neither names nor images for other machines.
 */
import { mkdtemp, open, readFile, realpath, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { hashFile } from '../../base/build-cache.js';
import { errorMessage, TalosError } from '../../base/errors.js';
import type { Architecture } from '../architecture.js';
import { type ArchivedBlob, writeOciLayout } from '../oci-archive.js';
import { runCommand } from '../run-command.js';

/** One image of an archive; paths are of files in an unpacked one. */
export interface ArchivedImage {
  /** As the archive has them. */
  readonly names: readonly string[];
  readonly architecture: string;
  /** The image's configuration, the bytes that its digest is of. */
  readonly config: string;
  /** From the lowest on. */
  readonly layers: readonly { readonly file: string; readonly mediaType: string }[];
}

const LAYER = 'application/vnd.oci.image.layer.v1.tar';
/** Docker's and OCI's names of what is the same. */
const LAYER_TYPES: Readonly<Record<string, string>> = {
  [LAYER]: LAYER,
  [`${LAYER}+gzip`]: `${LAYER}+gzip`,
  [`${LAYER}+zstd`]: `${LAYER}+zstd`,
  'application/vnd.docker.image.rootfs.diff.tar': LAYER,
  'application/vnd.docker.image.rootfs.diff.tar.gzip': `${LAYER}+gzip`,
};
const DIGEST = /^sha256:([0-9a-f]{64})$/;
/** Documents are small; layers are not read into memory. */
const MAX_DOCUMENT_BYTES = 4 * 1024 * 1024;
const NAME_ANNOTATIONS = ['io.containerd.image.name', 'org.opencontainers.image.ref.name'];

type Fields = Record<string, unknown>;

/** Reads one archive; the files that it speaks of are below `folder` as long as that is there. */
class UnpackedArchive {
  constructor(
    private readonly archive: string,
    private readonly folder: string,
  ) {}

  fail(problem: string): never {
    throw new TalosError('ERR_IMAGE_ARCHIVE', `${this.archive}: ${problem}`);
  }

  /** Path of a member that is there: never outside of the folder, whatever names and links the archive has. */
  private async file(name: string): Promise<string> {
    const file = await this.find(name);
    return file ?? this.fail(`"${name}", which it refers to, is not in it`);
  }

  private async find(name: string): Promise<string | undefined> {
    const file = await realpath(path.join(this.folder, path.resolve('/', name))).catch(() => undefined);
    if (file === undefined) return undefined;
    if (!file.startsWith(`${this.folder}/`)) this.fail(`"${name}" leads out of the archive`);
    if (!(await stat(file)).isFile()) this.fail(`"${name}" is no file`);
    return file;
  }

  private async document(name: string): Promise<unknown> {
    const file = await this.find(name);
    if (file === undefined) return undefined;
    if ((await stat(file)).size > MAX_DOCUMENT_BYTES) return this.fail(`${name} is too large for what it is`);
    try {
      return JSON.parse(await readFile(file, 'utf8'));
    } catch {
      return this.fail(`${name} is no JSON`);
    }
  }

  private blob(descriptor: unknown): string {
    const [, hash] = DIGEST.exec(String((descriptor as Fields | undefined)?.digest)) ?? [];
    if (hash === undefined) this.fail('it refers to something without a SHA-256');
    return path.join('blobs', 'sha256', String(hash));
  }

  /** @returns every image for Linux */
  async images(): Promise<ArchivedImage[]> {
    // Newer Dockers write both; what both say is the same, and only this one has all names in full.
    const docker = await this.document('manifest.json');
    if (Array.isArray(docker)) return Promise.all(docker.map((entry: Fields) => this.dockerImage(entry)));
    const index = await this.document('index.json');
    if (!isFields(index)) return this.fail('it has neither manifest.json nor index.json, so it holds no images');
    return this.indexed(index, [], 0);
  }

  private async dockerImage(entry: Fields): Promise<ArchivedImage> {
    const { Config: config, RepoTags: tags, Layers: layers } = entry;
    if (typeof config !== 'string' || !isTexts(layers))
      return this.fail('manifest.json is not as `docker save` writes it');
    const described: ArchivedImage['layers'][number][] = [];
    for (const name of layers) {
      const file = await this.file(name);
      described.push({ file, mediaType: await layerType(file) });
    }
    return {
      names: isTexts(tags) ? tags : [],
      architecture: await this.architecture(config),
      config: await this.file(config),
      layers: described,
    };
  }

  /** An index may lead to others: one for each name, in it one manifest for each architecture. */
  private async indexed(index: Fields, inherited: readonly string[], depth: number): Promise<ArchivedImage[]> {
    if (!Array.isArray(index.manifests) || depth > 2) return this.fail('its index is not as OCI describes it');
    const images: ArchivedImage[] = [];
    for (const descriptor of index.manifests as Fields[]) {
      const names = [...inherited, ...namesOf(descriptor)];
      // An export of one architecture names the others without having them.
      const document = await this.document(this.blob(descriptor));
      if (!isFields(document)) continue;
      if (Array.isArray(document.manifests)) images.push(...(await this.indexed(document, names, depth + 1)));
      else images.push(...(await this.manifest(document, names)));
    }
    return images;
  }

  private async manifest({ config, layers }: Fields, names: readonly string[]): Promise<ArchivedImage[]> {
    if (!Array.isArray(layers)) return this.fail('a manifest in it has no layers');
    const described: ArchivedImage['layers'][number][] = [];
    for (const layer of layers as Fields[]) {
      const mediaType = LAYER_TYPES[String(layer.mediaType)];
      // Attestations are beside the images, in the same form.
      if (mediaType === undefined) return [];
      described.push({ file: await this.file(this.blob(layer)), mediaType });
    }
    const name = this.blob(config);
    return [{ names, architecture: await this.architecture(name), config: await this.file(name), layers: described }];
  }

  private async architecture(config: string): Promise<string> {
    const document = await this.document(config);
    if (!isFields(document) || typeof document.architecture !== 'string')
      return this.fail(`${config} names no architecture`);
    return document.os === 'linux' ? document.architecture : `${document.os} ${document.architecture}`;
  }
}

const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const isTexts = (value: unknown): value is string[] =>
  Array.isArray(value) && value.every((each) => typeof each === 'string');

function namesOf({ annotations }: Fields): string[] {
  if (!isFields(annotations)) return [];
  const found = NAME_ANNOTATIONS.map((key) => annotations[key]).find((value) => typeof value === 'string');
  return typeof found === 'string' ? [found] : [];
}

/** What `docker save` does not say: whether and how a layer is compressed. */
async function layerType(file: string): Promise<string> {
  const handle = await open(file, 'r');
  try {
    const { buffer } = await handle.read({ buffer: Buffer.alloc(4), position: 0 });
    if (buffer.readUInt16BE(0) === 0x1f8b) return `${LAYER}+gzip`;
    return buffer.readUInt32LE(0) === 0xfd2fb528 ? `${LAYER}+zstd` : LAYER;
  } finally {
    await handle.close();
  }
}

/**
 * Unpacks an archive below `work` and hands its images to `use`; the files are gone afterwards.
 * @param work  a folder with room for the archive
 * @throws TalosError ERR_IMAGE_ARCHIVE naming what is wrong with it
 */
export async function withImages<Result>(
  archive: string,
  work: string,
  use: (images: readonly ArchivedImage[]) => Promise<Result>,
): Promise<Result> {
  const folder = await realpath(await mkdtemp(path.join(work, 'archive-')));
  try {
    try {
      // As whoever runs this, whatever owners and modes the archive has.
      const options = ['--no-same-owner', '--no-same-permissions', '--file', archive, '--directory', folder];
      await runCommand(['tar', '--extract', ...options]);
    } catch (error) {
      const problem = `${archive} cannot be unpacked: ${errorMessage(error)}`;
      throw new TalosError('ERR_IMAGE_ARCHIVE', problem, { cause: error });
    }
    return await use(await new UnpackedArchive(archive, folder).images());
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/**
 * Writes one image as an OCI archive.
 * @throws TalosError ERR_IMAGE_ARCHIVE  a part of it is not what the archive calls it
 */
export async function writeImage(image: ArchivedImage, architecture: Architecture, target: string): Promise<void> {
  assertNamedByHash(image, image.config, await hashFile(image.config));
  const config = await readFile(image.config);
  const layers: ArchivedBlob[] = [];
  for (const { file, mediaType } of image.layers) {
    const sha256 = await hashFile(file);
    assertNamedByHash(image, file, sha256);
    layers.push({ mediaType, file, sha256 });
  }
  await writeOciLayout(target, { architecture, config, layers });
}

/** The archive gets new descriptors, with which a damaged part would look whole until a node unpacks it. */
function assertNamedByHash({ names }: ArchivedImage, file: string, sha256: string): void {
  // Docker's older archives name the configuration so, and their layers in no way.
  const [, wanted = sha256] =
    /\/blobs\/sha256\/([0-9a-f]{64})$|\/([0-9a-f]{64})\.json$/.exec(file)?.filter(Boolean) ?? [];
  if (wanted === sha256) return;
  throw new TalosError(
    'ERR_IMAGE_ARCHIVE',
    `${names[0] ?? 'an image'} is damaged: sha256:${wanted} of its archive has SHA-256 ${sha256}`,
    {
      hint: 'export the image again, and compare the checksum of the archive where it was made with the one here',
    },
  );
}
