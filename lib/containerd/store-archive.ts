/**
 * Images out of an archive, put into containerd blob by blob, as its own client does: a megabyte in a message, where the transfer service (import.ts) takes 32 KiB and
 * asks for each. The archive is a file that can be read where one likes. Layers are unpacked when a container needs them, by CRI.
 */
import { randomUUID } from 'node:crypto';
import { HOUR_MS, MIB } from '../base/units.js';
import { containerd } from '../gen/containerd/containerd.js';
import { ContentDefinition, ImagesDefinition, LeasesDefinition } from '../gen/containerd/service.js';
import type { BlobDescriptor, ImageArchive, ImageManifest } from './archive.js';
import type { ContainerdCall, ContainerdConnection } from './connection.js';
import { fromServiceError, isAlreadyExists, orUndefined } from './errors.js';

const { WriteAction } = containerd.services.content.v1;
type Answer = containerd.services.content.v1.WriteContentResponse;

const PIECE_BYTES = MIB;
/** Whoever stores something is done with it by then, or was cut off. */
const LEASE_MS = HOUR_MS;
/** containerd's collector keeps what labels of this name lead to. */
const KEEPS = 'containerd.io/gc.ref.content';

export interface StoreRequest {
  namespace: string;
  /** Of the image; one that has the name already is replaced. */
  name: string;
  labels?: Record<string, string>;
  archive: ImageArchive;
  signal?: AbortSignal | undefined;
}

/** @throws ContainerdError · TalosError ERR_ARCHIVE · the reason of the signal */
export async function storeArchive(connection: ContainerdConnection, request: StoreRequest): Promise<void> {
  const { namespace, name, labels = {}, archive, signal } = request;
  const lease = `store-${randomUUID()}`;
  const expires = new Date(Date.now() + LEASE_MS).toISOString();
  await connection.unary(
    LeasesDefinition.Create,
    { id: lease, labels: { 'containerd.io/gc.expire': expires } },
    { namespace },
  );
  const call = { namespace, lease, signal };
  try {
    const manifest = await archive.manifest();
    for (const blob of [...manifest.layers, manifest.config]) await writeBlob(connection, archive, blob, {}, call);
    await writeBlob(connection, archive, manifest, keptBy(manifest), call);
    const { mediaType, digest, size } = manifest;
    const image = { name, labels, target: { mediaType, digest, size } };
    // An update of one that is there would keep its labels.
    await orUndefined(connection.unary(ImagesDefinition.Delete, { name }, call));
    await connection.unary(ImagesDefinition.Create, { image }, call);
  } finally {
    // Without the signal: what was begun is not to be kept for an hour.
    await orUndefined(connection.unary(LeasesDefinition.Delete, { id: lease }, { namespace })).catch(() => {});
  }
}

function keptBy({ config, layers }: ImageManifest): Record<string, string> {
  const ofLayers = layers.map(({ digest }, index) => [`${KEEPS}.l.${index}`, digest]);
  return Object.fromEntries([[`${KEEPS}.config`, config.digest], ...ofLayers]);
}

/** One that is there already is left alone. */
async function writeBlob(
  connection: ContainerdConnection,
  archive: ImageArchive,
  blob: BlobDescriptor,
  labels: Record<string, string>,
  call: ContainerdCall,
): Promise<void> {
  const { digest, size } = blob;
  const write = new ContentWrite(connection, call);
  try {
    const common = { ref: `store-${digest}`, total: size, expected: digest };
    // What an earlier attempt has left is gone on with.
    const begun = await write.ask({ ...common, action: WriteAction.WRITE });
    let offset = Number(begun.offset ?? 0);
    let at = 0;
    for await (const piece of archive.blob(blob, PIECE_BYTES)) {
      const data = piece.subarray(Math.max(0, offset - at));
      at += piece.length;
      if (data.length === 0) continue;
      await write.ask({ ...common, action: WriteAction.WRITE, offset, data });
      offset += data.length;
    }
    await write.ask({ ...common, action: WriteAction.COMMIT, offset, labels });
  } catch (error) {
    if (!isAlreadyExists(error)) throw error;
  } finally {
    write.close();
  }
}

/** A stream on which each question has its answer before the next one is asked. */
class ContentWrite {
  private readonly stream;
  private waiting: { resolve(answer: Answer): void; reject(error: unknown): void } | undefined;
  private failure: unknown;

  constructor(
    connection: ContainerdConnection,
    private readonly call: ContainerdCall,
  ) {
    this.stream = connection.duplex(ContentDefinition.Write, call);
    this.stream.on('data', (answer: Answer) => this.waiting?.resolve(answer));
    this.stream.on('error', (error: Parameters<typeof fromServiceError>[0]) =>
      this.fail(fromServiceError(error, 'Content/Write')),
    );
    this.stream.on('end', () => this.fail(new Error('containerd: Content/Write: ended too early')));
    call.signal?.addEventListener('abort', this.abort, { once: true });
  }

  ask(request: Parameters<typeof this.stream.write>[0]): Promise<Answer> {
    return new Promise((resolve, reject) => {
      if (this.failure !== undefined) return reject(this.failure);
      this.waiting = { resolve, reject };
      this.stream.write(request);
    });
  }

  close(): void {
    this.call.signal?.removeEventListener('abort', this.abort);
    this.stream.cancel();
  }

  private readonly abort = () => this.fail(this.call.signal?.reason);

  private fail(error: unknown): void {
    this.failure ??= error;
    this.waiting?.reject(this.failure);
  }
}
