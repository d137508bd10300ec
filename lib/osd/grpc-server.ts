import { Server, ServerCredentials, type ServerInterceptor } from '@grpc/grpc-js';
import type { Limits } from './limits.js';

/**
 * grpc-js's server with the HTTP/2 limits that its options do not reach. They are those of node:http2's createServer, which the
 * library takes from this (private) field: a version of it that has none must not start rather than run without limits.
 */
export class LimitedServer extends Server {
  constructor(limits: Limits, interceptors: ServerInterceptor[]) {
    super({
      interceptors,
      'grpc.max_receive_message_length': limits.maxMessageBytes,
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
    Object.assign(common, {
      settings: { maxConcurrentStreams: limits.maxConcurrentCalls, maxHeaderListSize: limits.maxHeaderBytes },
      maxHeaderListPairs: limits.maxHeaderCount,
      maxSettings: 16,
      maxOutstandingPings: 8,
      maxSessionInvalidFrames: 32,
      maxSessionRejectedStreams: 32,
      // RST_STREAM frames of the client: how many at once, and a second (CVE-2023-44487).
      streamResetBurst: 200,
      streamResetRate: 50,
      unknownProtocolTimeout: limits.handshakeTimeoutMs,
    });
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
