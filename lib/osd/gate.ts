import {
  type Metadata,
  ResponderBuilder,
  ServerInterceptingCall,
  type ServerInterceptingCallInterface,
  type ServerInterceptor,
  ServerListenerBuilder,
  status,
} from '@grpc/grpc-js';
import { printable, quoted } from '../base/printable.js';
import { denial } from './authorisation.js';
import type { Admitted, CallLimits } from './call-limits.js';
import type { PeerIdentity } from './peer-identity.js';
import { toStatus } from './status.js';

/** Enough to tell the certificates of a cluster apart, and to find one by `openssl x509 -fingerprint -sha256`. */
const FINGERPRINT_DIGITS = 16;
/** Paths of calls that there are not are whatever a client sent. */
const MAX_PATH_LENGTH = 128;

/** What only the certificate of a connection tells about a call: found by its fingerprint, undefined when there is none. */
export type IdentityLookup = (fingerprint: string) => PeerIdentity | undefined;

type Call = Pick<ServerInterceptingCallInterface, 'getAuthContext' | 'getPeer' | 'getDeadline'>;

/** The client of a call, or undefined: no verified certificate, one that we do not know, or an expired one. */
export function callerOf(call: Pick<Call, 'getAuthContext'>, lookup: IdentityLookup): PeerIdentity | undefined {
  const fingerprint = call.getAuthContext().sslPeerCertificate?.fingerprint256;
  const identity = fingerprint === undefined ? undefined : lookup(fingerprint);
  return identity && identity.notAfterMs > Date.now() ? identity : undefined;
}

/**
 * The one gate of all calls, unary and streams: who may, and a line in the log when it is over.
 * `called` is told of each call, whatever becomes of it, with the fingerprint of its client. A call that is refused, also because there are too many, ends before its handler, or any message of the client, is looked at.
 */
export function createGate(
  lookup: IdentityLookup,
  limits: CallLimits,
  called: (client: string) => void,
  log: (line: string) => void,
): ServerInterceptor {
  return (method, call) => {
    let admitted: Admitted | undefined;
    const identity = callerOf(call, lookup);
    if (identity) called(identity.fingerprint);
    const entry = new CallEntry(method.path, call, identity, log);
    const listener = new ServerListenerBuilder()
      .withOnReceiveMetadata((metadata: Metadata, next) => {
        if (!identity) {
          entry.refuse(status.UNAUTHENTICATED, 'the client certificate is not valid any more');
          return;
        }
        const why = denial(method.path, identity.roles);
        if (why !== undefined) {
          entry.refuse(status.PERMISSION_DENIED, why);
          return;
        }
        try {
          admitted = limits.admit(call, method.path, identity.fingerprint);
        } catch (error) {
          const { code, details } = toStatus(error);
          entry.refuse(code, details);
          return;
        }
        next(metadata);
      })
      .withOnReceiveHalfClose((next) => {
        admitted?.received();
        next();
      })
      .withOnCancel(() => {
        admitted?.gone();
        entry.cancelled();
      })
      .build();
    const responder = new ResponderBuilder()
      .withStart((next) => next(listener))
      .withSendMessage((message, next) => {
        // The status follows when the message has been taken; of a stream the handler minds how its messages are.
        if (!method.responseStream) admitted?.answered();
        next(message);
      })
      .withSendStatus((outcome, next) => {
        entry.end(outcome.code ?? status.UNKNOWN, outcome.details ?? '');
        admitted?.answered();
        next(outcome);
      })
      .build();
    return new ServerInterceptingCall(call, responder);
  };
}

/** One line a call, written once. */
class CallEntry {
  private readonly startedMs = performance.now();
  private readonly peer: string;
  private isOver = false;

  constructor(
    private readonly path: string,
    private readonly call: ServerInterceptingCallInterface,
    private readonly identity: PeerIdentity | undefined,
    private readonly log: (line: string) => void,
  ) {
    this.peer = call.getPeer();
  }

  refuse(code: status, details: string): void {
    this.end(code, details);
    this.call.sendStatus({ code, details, metadata: null });
  }

  /** The client went away, or its deadline came: grpc-js tells both the same way, and after the end of every call too. */
  cancelled(): void {
    const deadline = this.call.getDeadline();
    const isLate = typeof deadline === 'number' ? deadline <= Date.now() : deadline.getTime() <= Date.now();
    this.end(isLate ? status.DEADLINE_EXCEEDED : status.CANCELLED, '');
  }

  end(code: status, details: string): void {
    if (this.isOver) return;
    this.isOver = true;
    const tookMs = (performance.now() - this.startedMs).toFixed(1);
    const why = code === status.OK || details === '' ? '' : ` ${quoted(details)}`;
    const who = describeIdentity(this.identity);
    const path = printable(this.path.slice(0, MAX_PATH_LENGTH));
    this.log(`${status[code] ?? code} ${path} ${tookMs} ms peer=${this.peer} ${who}${why}`);
  }
}

/** Of the certificate: name, the start of its SHA-256 fingerprint, roles. Whoever asks for a certificate may choose names: they are quoted. */
function describeIdentity(identity: PeerIdentity | undefined): string {
  if (!identity) return 'certificate=none';
  const fingerprint = identity.fingerprint.replaceAll(':', '').slice(0, FINGERPRINT_DIGITS).toLowerCase();
  return `cn=${quoted(identity.commonName)} certificate=${fingerprint} roles=${quoted(identity.roles.join(','))}`;
}
