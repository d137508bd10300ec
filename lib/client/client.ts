/** The typed client of the machine API: endpoints, the node that is meant, deadlines, and failures that say what they are. */
import { type Client, type ClientReadableStream, Metadata, type ServiceError, status } from '@grpc/grpc-js';
import { withSignals } from '../base/abort.js';
import { MAX_TIMER_MS, SECOND_MS } from '../base/units.js';
import { Connection } from './connection.js';
import { secureContext, type Trust } from './credentials.js';
import { formatEndpoint, parseEndpoint } from './endpoint.js';
import { ClientError, fromServiceError, fromStatus } from './errors.js';
import { endpointsFor } from './route.js';
import type { Method } from './service.js';

/** Patience for a connection and, unless a call says otherwise, for its answer. */
export const DEFAULT_TIMEOUT_MS = 10 * SECOND_MS;

export interface CallOptions {
  /** The node meant, when the endpoint is to forward the call. Absent: the endpoint itself. */
  node?: string | undefined;
  /** Patience for the answer. Streams have none. */
  timeoutMs?: number | undefined;
  /** Further metadata of the request. */
  metadata?: Record<string, string>;
  signal?: AbortSignal | undefined;
}

/** What each message of a unary reply has. */
interface FromNode {
  metadata?: {
    hostname?: string | null;
    error?: string | null;
    status?: { code?: number | null; message?: string | null } | null;
  } | null;
}

/** A connection that is there, and what calls are made with. */
interface Way {
  connection: Connection;
  grpc: Client;
}

export class MachineClient {
  private readonly connections: Connection[];
  private turn = 0;
  /** Each ends a call that is under way. */
  private readonly calls = new Set<() => void>();
  private readonly closed = new AbortController();

  /**
   * @param options.endpoints  `host` or `host:port`; at least one
   * @throws TalosError ERR_ENDPOINT · ClientError denied: the certificate or key cannot be used
   */
  constructor(options: { endpoints: readonly string[]; credentials: Trust; timeoutMs?: number }) {
    const { credentials } = options;
    const timeoutMs = Math.min(options.timeoutMs ?? DEFAULT_TIMEOUT_MS, MAX_TIMER_MS);
    const context = secureContext(credentials);
    this.timeoutMs = timeoutMs;
    this.connections = options.endpoints.map(
      (text) => new Connection(parseEndpoint(text), credentials, context, timeoutMs),
    );
  }

  readonly timeoutMs: number;

  /** One call, one answer. */
  async unary<Request, Reply>(
    method: Method<Request, Reply>,
    request: Request,
    options: CallOptions = {},
  ): Promise<Reply> {
    const { grpc, connection } = await this.way(options);
    return await new Promise<Reply>((resolve, reject) => {
      const call = grpc.makeUnaryRequest(
        method.path,
        method.requestSerialize,
        method.responseDeserialize,
        request,
        requestMetadata(options),
        { deadline: Date.now() + (options.timeoutMs ?? this.timeoutMs) },
        (error, reply) => {
          this.calls.delete(cancel);
          options.signal?.removeEventListener('abort', cancel);
          if (options.signal?.aborted) reject(options.signal.reason);
          else if (error !== null) reject(fromServiceError(error, connection.name));
          else resolve(reply as Reply);
        },
      );
      const cancel = () => call.cancel();
      this.calls.add(cancel);
      options.signal?.addEventListener('abort', cancel, { once: true });
    });
  }

  /**
   * A call that is answered by a stream, as batches: all messages that have arrived since the last one. While the caller is busy with a
   * batch nothing more is taken, so a slow caller slows the node down. Leaving the loop ends the call.
   */
  async *stream<Request, Reply>(
    method: Method<Request, Reply>,
    request: Request,
    options: CallOptions = {},
  ): AsyncGenerator<Reply[], void, undefined> {
    const { grpc, connection } = await this.way(options);
    const call = grpc.makeServerStreamRequest(
      method.path,
      method.requestSerialize,
      method.responseDeserialize,
      request,
      requestMetadata(options),
    );
    const cancel = () => call.cancel();
    this.calls.add(cancel);
    options.signal?.addEventListener('abort', cancel, { once: true });
    try {
      yield* batches(call, connection.name);
    } catch (error) {
      if (options.signal?.aborted) throw options.signal.reason;
      throw error;
    } finally {
      this.calls.delete(cancel);
      options.signal?.removeEventListener('abort', cancel);
      call.cancel();
    }
  }

  /** Resolves when there is a connection for the node: for who gives an answer alone so much time. @throws ClientError */
  async reach(node?: string): Promise<void> {
    await this.way({ node });
  }

  /** Resolves when the connection to the node (made if need be) is there no more. */
  async lost(node?: string): Promise<void> {
    await (await this.way({ node })).connection.lost();
  }

  /** Endpoints that could not be connected are tried again by the next call, for whoever waits for a node. */
  forgetFailures(): void {
    for (const connection of this.connections) connection.forgetFailure();
  }

  /**
   * Whether a call for the node has a way, before anything is sent.
   * @throws TalosError ERR_NODE, as {@link endpointsFor}
   */
  checkNode(node: string): void {
    this.connectionsFor(node);
  }

  /** Ends the calls that are under way (CANCELLED), also those that still wait for a connection, and the connections. No call comes after it. */
  close(): void {
    this.closed.abort(new ClientError('failed', 'CANCELLED: the client was closed', { status: status.CANCELLED }));
    for (const cancel of [...this.calls]) cancel();
    for (const connection of this.connections) connection.close();
  }

  /** @throws TalosError ERR_NODE, as {@link endpointsFor} */
  private connectionsFor(node: string): Connection[] {
    const ways = this.connections.map((connection) => ({ ...connection.endpoint, connection }));
    return endpointsFor(node, ways).map(({ connection }) => connection);
  }

  /** As `connect`, for as long as somebody wants it. @throws the reason of the signal · ClientError CANCELLED: the client was closed */
  private way({ node, signal }: Pick<CallOptions, 'node' | 'signal'>): Promise<Way> {
    return withSignals([signal, this.closed.signal], async (ended) => {
      ended.throwIfAborted();
      const way = await new Promise<Way>((resolve, reject) => {
        ended.addEventListener('abort', () => reject(ended.reason), { once: true });
        this.connect(node).then(resolve, reject);
      });
      ended.throwIfAborted();
      return way;
    });
  }

  /**
   * A connection for the node: to the endpoints that may answer for it, one after the other, each call beginning with the next. Those
   * that fail are passed over.
   * @throws TalosError ERR_NODE · ClientError: none can be reached
   */
  private async connect(node: string | undefined): Promise<Way> {
    const usable = node === undefined ? this.connections : this.connectionsFor(node);
    const start = this.turn++ % Math.max(usable.length, 1);
    const order = [...usable.slice(start), ...usable.slice(0, start)];
    const failures: ClientError[] = [];
    for (const connection of order) {
      try {
        return { grpc: await connection.ready(), connection };
      } catch (error) {
        if (!(error instanceof ClientError)) throw error;
        failures.push(error);
      }
    }
    const [first] = failures;
    if (first === undefined) throw new ClientError('failed', 'no endpoint to connect to');
    if (failures.length === 1) throw first;
    const kind = failures.some((failure) => failure.kind === 'denied') ? 'denied' : 'unreachable';
    throw new ClientError(kind, failures.map((failure) => failure.message).join('; '), { cause: first });
  }
}

/**
 * The one message of a unary reply.
 * @throws ClientError  there is none, or the endpoint put the failure of the node into it
 */
export function onlyMessage<Message extends FromNode>(reply: { messages?: Message[] | null }, node: string): Message {
  const message = reply.messages?.[0];
  if (message === undefined) throw new ClientError('failed', `${node} sent an empty reply`);
  const { error, status: failure } = message.metadata ?? {};
  if (failure?.code) throw fromStatus(failure.code, failure.message ?? error ?? '', node);
  if (error) throw fromStatus(status.UNKNOWN, error, node);
  return message;
}

/** `host:port` of an endpoint as the user may have written it. */
export function normalEndpoint(text: string): string {
  return formatEndpoint(parseEndpoint(text));
}

function requestMetadata(options: CallOptions): Metadata {
  const metadata = new Metadata();
  if (options.node !== undefined) metadata.set('node', options.node);
  for (const [key, value] of Object.entries(options.metadata ?? {})) metadata.set(key, value);
  return metadata;
}

async function* batches<Reply>(
  call: ClientReadableStream<Reply>,
  name: string,
): AsyncGenerator<Reply[], void, undefined> {
  let isOver = false;
  let failure: ServiceError | undefined;
  let wake = () => {};
  call.on('readable', () => wake());
  call.on('end', () => {
    isOver = true;
    wake();
  });
  call.on('error', (error: ServiceError) => {
    failure = error;
    wake();
  });
  for (;;) {
    const batch: Reply[] = [];
    for (let message = call.read(); message !== null; message = call.read()) batch.push(message as Reply);
    if (batch.length > 0) {
      yield batch;
      continue;
    }
    if (failure !== undefined) throw fromServiceError(failure, name);
    if (isOver) return;
    await new Promise<void>((resolve) => {
      wake = resolve;
    });
  }
}
