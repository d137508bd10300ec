/**
 * Images out of an archive, by containerd's transfer service: it reads the tar itself, checks every digest, and unpacks the layers for
 * this machine. The bytes go through a stream of their own, as much at a time as containerd says that it takes.
 */
import { randomUUID } from 'node:crypto';
import { status } from '@grpc/grpc-js';
import { withSignals } from '../base/abort.js';
import { containerd } from '../gen/containerd/containerd.js';
import { StreamingDefinition, TransferDefinition } from '../gen/containerd/service.js';
import { fromAny, toAny } from './any.js';
import type { ContainerdConnection } from './connection.js';
import { ContainerdError, fromServiceError } from './errors.js';
import { goArchitecture, SNAPSHOTTER } from './platform.js';

const { ImageImportStream, ImageStore, Data, WindowUpdate } = containerd.types.transfer;
const { StreamInit } = containerd.services.streaming.v1;
const TRANSFER = 'containerd.types.transfer';

/** Of one message: what containerd's own client sends. */
const CHUNK_BYTES = 32 * 1024;

export interface ImportRequest {
  namespace: string;
  /** Of the image that the archive becomes; one that has the name already is replaced. */
  name: string;
  labels?: Record<string, string>;
  /** The archive: an OCI image layout in a tar file. */
  archive: AsyncIterable<Uint8Array>;
  /** Of the machine that containerd runs on, by Go's name; this one's unless said otherwise. */
  architecture?: string | undefined;
  signal?: AbortSignal | undefined;
}

/** @throws ContainerdError  an archive that is broken or for another machine included · what reading the archive throws */
export async function importArchive(connection: ContainerdConnection, request: ImportRequest): Promise<void> {
  const { namespace, name, labels = {}, archive, architecture = goArchitecture(), signal } = request;
  const id = `import-${randomUUID()}`;
  const stop = new AbortController();
  const stream = new ByteStream(connection, namespace, id);
  try {
    await stream.opened();
    const platform = { os: 'linux', architecture };
    const wanted = {
      source: toAny(`${TRANSFER}.ImageImportStream`, ImageImportStream, { stream: id }),
      destination: toAny(`${TRANSFER}.ImageStore`, ImageStore, {
        name,
        labels,
        platforms: [platform],
        unpacks: [{ platform, snapshotter: SNAPSHOTTER }],
      }),
    };
    const transfer = withSignals([signal, stop.signal], (ends) =>
      connection.unary(TransferDefinition.Transfer, wanted, { namespace, timeoutMs: 0, signal: ends }),
    );
    // A transfer that fails wants no more bytes, and bytes that cannot be read are the end of the transfer.
    const sent = stream.send(archive).catch((error: unknown) => {
      stop.abort(error);
      throw error;
    });
    const results = await Promise.allSettled([transfer.finally(() => stream.close()), sent]);
    const [transferred, written] = results;
    if (transferred.status === 'fulfilled') return;
    throw stop.signal.aborted && written.status === 'rejected' ? written.reason : transferred.reason;
  } finally {
    stream.close();
  }
}

/** Our end of a stream of containerd's. */
class ByteStream {
  private readonly call;
  /** Bytes that containerd takes at the moment. */
  private window = 0;
  private isOpen = false;
  private isClosed = false;
  private failure: Error | undefined;
  private wake = () => {};

  constructor(connection: ContainerdConnection, namespace: string, id: string) {
    this.call = connection.duplex(StreamingDefinition.Stream, { namespace });
    this.call.on('data', (any: Parameters<typeof fromAny>[2]) => {
      this.isOpen = true;
      this.window += fromAny(`${TRANSFER}.WindowUpdate`, WindowUpdate, any)?.update ?? 0;
      this.wake();
    });
    this.call.on('error', (error: Parameters<typeof fromServiceError>[0]) => {
      this.failure = fromServiceError(error, 'Streaming/Stream');
      this.wake();
    });
    this.call.on('end', () => {
      this.isClosed = true;
      this.wake();
    });
    this.call.write(toAny('containerd.services.streaming.v1.StreamInit', StreamInit, { id }));
  }

  /** Resolves when containerd knows the stream: only then another call may name it. @throws ContainerdError  it will never know it */
  async opened(): Promise<void> {
    await this.until(() => this.isOpen || this.isClosed);
    if (this.isOpen) return;
    throw this.failure ?? new ContainerdError(status.UNAVAILABLE, 'containerd: Streaming/Stream: it has ended');
  }

  /** Writes all of it, or stops where nobody takes any more. */
  async send(bytes: AsyncIterable<Uint8Array>): Promise<void> {
    for await (const chunk of bytes) {
      for (let at = 0; at < chunk.length; ) {
        await this.until(() => this.window > 0 || this.isClosed);
        if (this.isClosed) return;
        const size = Math.min(chunk.length - at, CHUNK_BYTES, this.window);
        this.window -= size;
        this.call.write(toAny(`${TRANSFER}.Data`, Data, { data: chunk.subarray(at, at + size) }));
        at += size;
      }
    }
    if (!this.isClosed) this.call.end();
  }

  close(): void {
    this.isClosed = true;
    this.call.cancel();
    this.wake();
  }

  private async until(isMet: () => boolean): Promise<void> {
    while (!isMet()) {
      if (this.failure !== undefined) throw this.failure;
      await new Promise<void>((resolve) => {
        this.wake = resolve;
      });
    }
  }
}
