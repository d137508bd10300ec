import type { ServerHttp2Stream } from 'node:http2';
import { Server, ServerCredentials, type ServerInterceptor, type sendUnaryData, status } from '@grpc/grpc-js';
import { quoted } from '../base/printable.js';
import type { Http2Limits } from './limits.js';

/** Of what a client calls a call, in what it is told. */
const MAX_PATH_LENGTH = 128;

/**
 * grpc-js's server with the HTTP/2 limits that its options do not reach. They are those of node:http2's createServer, which the
 * library takes from this (private) field: a version of it that has none must not start rather than run without limits.
 */
export class LimitedServer extends Server {
  constructor(limits: Http2Limits, interceptors: ServerInterceptor[]) {
    super({
      interceptors,
      'grpc.max_receive_message_length': limits.maxRequestBytes,
      'grpc.max_send_message_length': limits.maxMessageBytes,
      'grpc.max_concurrent_streams': limits.maxConcurrentCalls,
      'grpc.keepalive_time_ms': limits.keepaliveMs,
      'grpc.keepalive_timeout_ms': limits.keepaliveTimeoutMs,
      'grpc.max_connection_idle_ms': limits.idleTimeoutMs,
      'grpc-node.max_session_memory': limits.maxSessionMemoryMib,
      'grpc.enable_channelz': 0,
    });
    const common: unknown = Reflect.get(this, 'commonServerOptions');
    if (typeof common !== 'object' || common === null) throw new Error('this grpc-js takes no options for HTTP/2');
    this.handlePathsThatAreNone();
    this.passOverResetCalls();
    Object.assign(common, {
      settings: { maxConcurrentStreams: limits.maxConcurrentCalls, maxHeaderListSize: limits.maxHeaderBytes },
      maxHeaderListPairs: limits.maxHeaderCount,
      maxSettings: 16,
      maxOutstandingPings: 8,
      maxSessionInvalidFrames: 32,
      maxSessionRejectedStreams: 32,
      // RST_STREAM frames of the client: how many at once, and a second (CVE-2023-44487).
      streamResetBurst: 64,
      streamResetRate: 20,
      unknownProtocolTimeout: limits.handshakeTimeoutMs,
    });
  }

  /**
   * A call that its client has reset by the time that anybody would look at it is none: a flood of those would otherwise cost an object, a
   * run through the gate and a line in the log each. Resets are counted by HTTP/2 itself, above.
   */
  private passOverResetCalls(): void {
    const handle: unknown = Reflect.get(this, '_streamHandler');
    if (typeof handle !== 'function') throw new Error('this grpc-js takes calls in another way');
    Reflect.set(this, '_streamHandler', (interceptors: unknown, stream: ServerHttp2Stream, headers: unknown) => {
      if (stream.destroyed || stream.closed) stream.on('error', () => {});
      else handle.call(this, interceptors, stream, headers);
    });
  }

  /** Calls that there are not pass the gate as all others do: grpc-js itself answers them behind nobody's back, without a line in the log. */
  private handlePathsThatAreNone(): void {
    const find: unknown = Reflect.get(this, '_retrieveHandler');
    if (typeof find !== 'function') throw new Error('this grpc-js looks up its handlers in another way');
    Reflect.set(this, '_retrieveHandler', (path: string) => find.call(this, path) ?? handlerOfNone(path));
  }
}

/** TLS is over when a connection comes to the server, and the client is known: see front-door.ts. */
export class TerminatedCredentials extends ServerCredentials {
  constructor() {
    super(null);
  }

  override _equals(other: ServerCredentials): boolean {
    return other instanceof TerminatedCredentials;
  }
}

/** As grpc-js keeps them; with a client that streams, so that it answers whatever and however much is sent. */
function handlerOfNone(path: string): object {
  const details = `this node has no call ${quoted(path, MAX_PATH_LENGTH)}`;
  const same = (value: unknown) => value;
  return {
    func: (_call: unknown, callback: sendUnaryData<never>) => callback({ code: status.UNIMPLEMENTED, details }),
    serialize: same,
    deserialize: same,
    type: 'clientStream',
    path,
  };
}
