/** What all calls have in common: the node that is meant, the caller, failures as statuses, streams that end with their client. */
import {
  type handleClientStreamingCall,
  type handleServerStreamingCall,
  type handleUnaryCall,
  type Metadata,
  status,
} from '@grpc/grpc-js';
import type { Caller, OsdContext } from './context.js';
import { type DataMessage, metadataField } from './data-message.js';
import { DataStream } from './data-stream.js';
import { callerOf, type IdentityLookup } from './gate.js';
import { checkTarget, localAddresses } from './node-target.js';
import { RpcError, toStatus } from './status.js';

/** Answers with a message, or with an encoded one. */
export type Unary<Request> = (request: Request, caller: Caller) => unknown;
export type Streaming<Request> = (
  request: Request,
  stream: DataStream,
  call: { metadata: Metadata; caller: Caller },
) => Promise<void>;

export class Calls {
  constructor(
    private readonly context: OsdContext,
    private readonly lookup: IdentityLookup,
  ) {}

  unary<Request>(handler: Unary<Request>): handleUnaryCall<Request, unknown> {
    return async (call, callback) => {
      try {
        const caller = this.admit(call);
        callback(null, await handler(call.request, caller));
      } catch (error) {
        callback(failure(this.context, call.getPath(), error));
      }
    };
  }

  /**
   * @param maxInFlight  messages that a slow client may hold
   * @param outlivesShutdown  the handler itself sees to it that the stream ends with this process
   */
  streaming<Request>(
    maxInFlight: number,
    handler: Streaming<Request>,
    { outlivesShutdown = false }: { outlivesShutdown?: boolean } = {},
  ): handleServerStreamingCall<Request, DataMessage> {
    const { context } = this;
    return async (call) => {
      const client = new AbortController();
      const gone = () => client.abort(new RpcError(status.CANCELLED, 'the client has gone'));
      call.once('cancelled', gone);
      call.once('close', gone);
      const goingDown = () => client.abort(new RpcError(status.UNAVAILABLE, 'the node is going down'));
      if (!outlivesShutdown) context.shutdown.addEventListener('abort', goingDown, { once: true });
      let release: (() => void) | undefined;
      try {
        if (context.shutdown.aborted) goingDown();
        const caller = this.admit(call);
        release = context.streams.take(caller.identity.fingerprint);
        context.slabs.setMetadata(metadataField(context.hostname()));
        const stream = new DataStream(call, maxInFlight, client.signal);
        await handler(call.request, stream, { metadata: call.metadata, caller });
        call.end();
      } catch (error) {
        const reason = client.signal.aborted ? client.signal.reason : error;
        if (!call.destroyed) call.emit('error', failure(context, call.getPath(), reason));
      } finally {
        release?.();
        context.shutdown.removeEventListener('abort', goingDown);
      }
    };
  }

  /** A call whose client sends a stream; all there are so far are not served. */
  refused(why: () => never): handleClientStreamingCall<unknown, unknown> {
    return (call, callback) => {
      try {
        this.admit(call);
        why();
      } catch (error) {
        callback(failure(this.context, call.getPath(), error));
      }
    };
  }

  private admit(call: {
    metadata: Metadata;
    getHost(): string;
    getPeer(): string;
    getAuthContext(): Parameters<typeof callerOf>[0] extends { getAuthContext(): infer Auth } ? Auth : never;
  }): Caller {
    const { context } = this;
    checkTarget(call.metadata, call.getHost(), () => ({ hostname: context.hostname(), addresses: localAddresses() }));
    const identity = callerOf(call, this.lookup);
    if (!identity) throw new RpcError(status.UNAUTHENTICATED, 'the connection is gone');
    return { identity, peer: call.getPeer() };
  }
}

/** What the client is told; causes that it must not know go to our own log. */
function failure(context: OsdContext, path: string, error: unknown): Error & { code: status; details: string } {
  const { code, details, isOurFault } = toStatus(error);
  if (isOurFault) context.log(`${path} failed: ${describe(error)}`);
  return Object.assign(new Error(details), { code, details });
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const cause = error.cause === undefined ? '' : `\ncaused by: ${describe(error.cause)}`;
  return `${error.stack ?? error.message}${cause}`;
}
