/** The connection to containerd's socket: calls with a namespace and a deadline, and failures that say which call failed. */
import {
  Client,
  type ClientDuplexStream,
  type ClientReadableStream,
  credentials,
  Metadata,
  type ServiceError,
} from '@grpc/grpc-js';
import { SECOND_MS } from '../base/units.js';
import { fromServiceError } from './errors.js';

/** Where containerd listens on a node (rootfs/files/etc/containerd). */
export const CONTAINERD_SOCKET = '/run/containerd/containerd.sock';

const DEFAULT_TIMEOUT_MS = 30 * SECOND_MS;
/** Between two attempts to connect; gRPC adds or takes a fifth. */
const MAX_BACKOFF_MS = 2 * SECOND_MS;
/** What containerd itself sends at most. */
const MAX_MESSAGE_BYTES = 16 * 1024 * 1024;

/** One call of a generated table (lib/gen/containerd/service.js). */
export interface ContainerdMethod<Request, Reply> {
  path: string;
  requestSerialize(message: Request): Buffer;
  responseDeserialize(bytes: Buffer): Reply;
}

export interface ContainerdCall {
  /** Of containers and images: `system` or `k8s.io`. Absent for calls that have none. */
  namespace?: string | undefined;
  /** Patience for the answer; 0: no end. Streams have none. */
  timeoutMs?: number | undefined;
  signal?: AbortSignal | undefined;
  /** Keeps what the call makes. */
  lease?: string | undefined;
}

/**
 * Connects with the first call, and again after the connection was lost: a call during the time between fails as unavailable, unless
 * `connected` was awaited.
 */
export class ContainerdConnection {
  private readonly grpc: Client;

  /** @param socketPath  absolute */
  constructor(socketPath: string = CONTAINERD_SOCKET) {
    this.grpc = new Client(`unix://${socketPath}`, credentials.createInsecure(), {
      // The authority of a unix socket is its path, which Go's HTTP/2 refuses.
      'grpc.default_authority': 'localhost',
      'grpc.max_receive_message_length': MAX_MESSAGE_BYTES,
      // containerd is started again within a second or so: waiting longer than that only makes the node slower.
      'grpc.initial_reconnect_backoff_ms': 200,
      'grpc.max_reconnect_backoff_ms': MAX_BACKOFF_MS,
      'grpc.service_config_disable_resolution': 1,
    });
  }

  /**
   * Resolves when there is a connection. A containerd that was just started again is not there for gRPC until the next attempt: by
   * default at least one is waited for.
   * @throws Error  there is none by then
   */
  connected(timeoutMs = 2 * MAX_BACKOFF_MS): Promise<void> {
    return new Promise((resolve, reject) => {
      this.grpc.waitForReady(Date.now() + timeoutMs, (error) => (error ? reject(error) : resolve()));
    });
  }

  /** One call, one answer. @throws ContainerdError · the reason of the signal */
  unary<Request, Reply>(
    method: ContainerdMethod<Request, Reply>,
    request: Request,
    { namespace, lease, timeoutMs = DEFAULT_TIMEOUT_MS, signal }: ContainerdCall = {},
  ): Promise<Reply> {
    signal?.throwIfAborted();
    return new Promise<Reply>((resolve, reject) => {
      const call = this.grpc.makeUnaryRequest(
        method.path,
        method.requestSerialize,
        method.responseDeserialize,
        request,
        metadata(namespace, lease),
        timeoutMs === 0 ? {} : { deadline: Date.now() + timeoutMs },
        (error, reply) => {
          signal?.removeEventListener('abort', cancel);
          if (signal?.aborted) reject(signal.reason);
          else if (error !== null) reject(fromServiceError(error, nameOf(method)));
          else resolve(reply as Reply);
        },
      );
      const cancel = () => call.cancel();
      signal?.addEventListener('abort', cancel, { once: true });
    });
  }

  /** The messages of an answering stream, as they come. Leaving the loop ends the call. @throws as `unary` */
  async *stream<Request, Reply>(
    method: ContainerdMethod<Request, Reply>,
    request: Request,
    { namespace, signal }: ContainerdCall = {},
  ): AsyncGenerator<Reply, void, undefined> {
    signal?.throwIfAborted();
    const call: ClientReadableStream<Reply> = this.grpc.makeServerStreamRequest(
      method.path,
      method.requestSerialize,
      method.responseDeserialize,
      request,
      metadata(namespace),
    );
    const cancel = () => call.cancel();
    signal?.addEventListener('abort', cancel, { once: true });
    try {
      for await (const message of call) yield message as Reply;
    } catch (error) {
      if (signal?.aborted) throw signal.reason;
      throw fromServiceError(error as ServiceError, nameOf(method));
    } finally {
      signal?.removeEventListener('abort', cancel);
      call.cancel();
    }
  }

  /** A call with streams both ways. Whoever asks for it listens to its errors. */
  duplex<Request, Reply>(
    method: ContainerdMethod<Request, Reply>,
    { namespace, lease }: ContainerdCall = {},
  ): ClientDuplexStream<Request, Reply> {
    return this.grpc.makeBidiStreamRequest(
      method.path,
      method.requestSerialize,
      method.responseDeserialize,
      metadata(namespace, lease),
    );
  }

  /** Ends the connection; calls under way fail. */
  close(): void {
    this.grpc.close();
  }
}

function metadata(namespace: string | undefined, lease?: string): Metadata {
  const result = new Metadata();
  if (lease !== undefined) result.set('containerd-lease', lease);
  if (namespace !== undefined) result.set('containerd-namespace', namespace);
  return result;
}

/** '/containerd.services.tasks.v1.Tasks/Create' → 'Tasks/Create' */
export function nameOf({ path }: { path: string }): string {
  return path.slice(path.lastIndexOf('.') + 1);
}
