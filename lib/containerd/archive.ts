/**
 * An image in a tar file, as the OCI image layout has it: an index that names a manifest, which names a config and layers, each a file called by its digest.
 * https://github.com/opencontainers/image-spec/blob/main/image-layout.md
 */
import { type FileHandle, open } from 'node:fs/promises';
import { TalosError } from '../base/errors.js';
import { MIB } from '../base/units.js';

export interface BlobDescriptor {
  mediaType: string;
  /** 'sha256:' and hexadecimal digits. */
  digest: string;
  /** Bytes. */
  size: number;
}

export interface ImageManifest extends BlobDescriptor {
  config: BlobDescriptor;
  /** The lowest first. */
  layers: readonly BlobDescriptor[];
}

interface Member {
  /** Of its first byte. */
  offset: number;
  size: number;
}

const BLOCK_BYTES = 512;
const NAME_BYTES = 100;
const SIZE_AT = 124;
const SIZE_BYTES = 12;
const TYPE_AT = 156;
/** A regular file: as POSIX has it, and as old archives do. */
const FILE_TYPES: ReadonlySet<number> = new Set([0x30, 0]);
const INDEX = 'index.json';
const MAX_DOCUMENT_BYTES = MIB;
/** An archive has a few blobs. */
const MAX_MEMBERS = 1000;
const DIGEST = /^sha256:[0-9a-f]{64}$/;

export class ImageArchive {
  private constructor(
    private readonly path: string,
    private readonly file: FileHandle,
    private readonly members: ReadonlyMap<string, Member>,
  ) {}

  /**
   * Reads the table of what is in it; of blobs nothing. To be closed.
   * @throws TalosError ERR_ARCHIVE  it is none
   */
  static async open(path: string): Promise<ImageArchive> {
    const file = await open(path);
    try {
      return new ImageArchive(path, file, await membersOf(path, file));
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  /**
   * The one image that is in it.
   * @throws TalosError ERR_ARCHIVE  there is none, or there are several
   */
  async manifest(): Promise<ImageManifest> {
    const { manifests } = await this.document(INDEX);
    const [one, ...others] = Array.isArray(manifests) ? manifests : [];
    if (one === undefined || others.length > 0) throw problem(this.path, 'its index does not name one image');
    const descriptor = this.descriptor(one);
    const { config, layers } = await this.document(nameOf(descriptor));
    if (!Array.isArray(layers)) throw problem(this.path, 'its manifest names no layers');
    return {
      ...descriptor,
      config: this.descriptor(config),
      layers: layers.map((layer) => this.descriptor(layer)),
    };
  }

  /** The bytes of a blob, in pieces. @throws TalosError ERR_ARCHIVE  it is not there */
  async *blob(descriptor: BlobDescriptor, pieceBytes: number): AsyncGenerator<Buffer> {
    const { offset, size } = this.member(nameOf(descriptor));
    for (let at = 0; at < size; ) {
      const piece = Buffer.allocUnsafe(Math.min(pieceBytes, size - at));
      const { bytesRead } = await this.file.read(piece, 0, piece.length, offset + at);
      if (bytesRead === 0) throw problem(this.path, 'it is cut off');
      yield piece.subarray(0, bytesRead);
      at += bytesRead;
    }
  }

  async close(): Promise<void> {
    await this.file.close();
  }

  private member(name: string): Member {
    const member = this.members.get(name);
    if (member === undefined) throw problem(this.path, `it has no ${name}`);
    return member;
  }

  private async document(name: string): Promise<Record<string, unknown>> {
    const { offset, size } = this.member(name);
    if (size > MAX_DOCUMENT_BYTES) throw problem(this.path, `its ${name} is too large`);
    const content = Buffer.alloc(size);
    await this.file.read(content, 0, size, offset);
    try {
      const value: unknown = JSON.parse(content.toString('utf8'));
      if (typeof value === 'object' && value !== null) return value as Record<string, unknown>;
      throw new Error('it is no object');
    } catch (cause) {
      throw problem(this.path, `its ${name} cannot be read`, cause);
    }
  }

  private descriptor(value: unknown): BlobDescriptor {
    const { mediaType, digest, size } = (value ?? {}) as Record<string, unknown>;
    if (
      typeof mediaType !== 'string' ||
      typeof digest !== 'string' ||
      !DIGEST.test(digest) ||
      !Number.isSafeInteger(size)
    ) {
      throw problem(this.path, 'a blob in it is not named as it should be');
    }
    return { mediaType, digest, size: Number(size) };
  }
}

function nameOf({ digest }: BlobDescriptor): string {
  return `blobs/${digest.replace(':', '/')}`;
}

/** Goes from header to header. */
async function membersOf(path: string, file: FileHandle): Promise<Map<string, Member>> {
  const members = new Map<string, Member>();
  const header = Buffer.alloc(BLOCK_BYTES);
  for (let at = 0; ; ) {
    const { bytesRead } = await file.read(header, 0, BLOCK_BYTES, at);
    // The end is marked by blocks of zeroes.
    if (bytesRead < BLOCK_BYTES || header[0] === 0) return members;
    const size = Number.parseInt(textOf(header, SIZE_AT, SIZE_BYTES).trim(), 8);
    if (!Number.isSafeInteger(size) || size < 0) throw problem(path, 'a size in it cannot be read');
    if (members.size >= MAX_MEMBERS) throw problem(path, 'there is too much in it');
    const name = textOf(header, 0, NAME_BYTES).replace(/^\.\//, '');
    const offset = at + BLOCK_BYTES;
    if (FILE_TYPES.has(header[TYPE_AT] ?? 0)) members.set(name, { offset, size });
    at = offset + Math.ceil(size / BLOCK_BYTES) * BLOCK_BYTES;
  }
}

function textOf(block: Buffer, from: number, length: number): string {
  return block.toString('latin1', from, from + length).replace(/\0.*$/s, '');
}

function problem(path: string, what: string, cause?: unknown): TalosError {
  return new TalosError('ERR_ARCHIVE', `${path} is no archive of an image: ${what}`, { cause });
}
