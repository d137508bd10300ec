import { type ServiceError, status } from '@grpc/grpc-js';
import { TalosError } from '../base/errors.js';

/**
 * What went wrong, as far as a caller acts on it:
 * unreachable: no answer · denied: the other side, or we, refused · data-lost: the node says that something is gone · failed: the rest.
 */
export type FailureKind = 'unreachable' | 'denied' | 'data-lost' | 'failed';

/** A call that failed; the message is one line for people. */
export class ClientError extends TalosError {
  readonly kind: FailureKind;
  /** gRPC status, when the node answered with one. */
  readonly status: status | undefined;

  constructor(kind: FailureKind, message: string, options: { status?: status; cause?: unknown; hint?: string } = {}) {
    super(
      options.status === undefined
        ? `ERR_${kind.toUpperCase().replace('-', '_')}`
        : (status[options.status] ?? 'UNKNOWN'),
      message,
      {
        cause: options.cause,
        ...(options.hint !== undefined && { hint: options.hint }),
      },
    );
    this.name = 'ClientError';
    this.kind = kind;
    this.status = options.status;
  }
}

const KINDS: Partial<Record<status, FailureKind>> = {
  [status.UNAVAILABLE]: 'unreachable',
  [status.DEADLINE_EXCEEDED]: 'unreachable',
  [status.UNAUTHENTICATED]: 'denied',
  [status.PERMISSION_DENIED]: 'denied',
  [status.DATA_LOSS]: 'data-lost',
};

/** A status of the node, or of the library's own (deadline, connection lost), as an error of ours. */
export function fromServiceError(error: ServiceError, endpoint: string): ClientError {
  return fromStatus(error.code, error.details, endpoint, error);
}

/** See `fromServiceError`. */
export function fromStatus(code: status, details: string, endpoint: string, cause?: unknown): ClientError {
  const kind = KINDS[code] ?? 'failed';
  if (code === status.DEADLINE_EXCEEDED)
    return new ClientError(kind, `${endpoint} did not answer in time`, { status: code, cause });
  // Only text that a server sent is repeated as it is; the library's own names its classes and carries time stamps.
  if (
    code === status.UNAVAILABLE &&
    /^(No connection established|Connection dropped|read |Name resolution)/.test(details)
  ) {
    return new ClientError(kind, `the connection to ${endpoint} was lost`, { status: code, cause });
  }
  return new ClientError(kind, `${status[code] ?? code}: ${oneLine(details)}`, { status: code, cause });
}

/** Servers are not trusted to send one line, or to leave the terminal alone. */
function oneLine(text: string): string {
  return text
    .replace(/\s+/g, ' ')
    .replace(/\p{Cc}/gu, '?')
    .trim();
}
