import { getSystemErrorMap } from 'node:util';
import { status } from '@grpc/grpc-js';
import { ControlError, type FailureKind } from '../control/errors.js';

/** A failure whose text is meant for the client. */
export class RpcError extends Error {
  override readonly name = 'RpcError';

  constructor(
    readonly code: status,
    message: string,
    options?: { cause?: unknown },
  ) {
    super(message, options);
  }
}

/** What goes on the wire, and whether the cause is worth a line with its stack in our own log. */
export interface WireStatus {
  code: status;
  details: string;
  isOurFault: boolean;
}

const FAILURE_STATUS: Readonly<Record<FailureKind, status>> = {
  INTERNAL: status.INTERNAL,
  NOT_FOUND: status.NOT_FOUND,
  INVALID_ARGUMENT: status.INVALID_ARGUMENT,
  PERMISSION_DENIED: status.PERMISSION_DENIED,
  FAILED_PRECONDITION: status.FAILED_PRECONDITION,
  UNAVAILABLE: status.UNAVAILABLE,
  DEADLINE_EXCEEDED: status.DEADLINE_EXCEEDED,
  RESOURCE_EXHAUSTED: status.RESOURCE_EXHAUSTED,
  ALREADY_EXISTS: status.ALREADY_EXISTS,
};

const ERRNO_STATUS: Readonly<Record<string, status>> = {
  EACCES: status.PERMISSION_DENIED,
  EPERM: status.PERMISSION_DENIED,
  ENOENT: status.NOT_FOUND,
  ESRCH: status.NOT_FOUND,
  ENODEV: status.NOT_FOUND,
  ENXIO: status.NOT_FOUND,
  EEXIST: status.ALREADY_EXISTS,
  EINVAL: status.INVALID_ARGUMENT,
  ENAMETOOLONG: status.INVALID_ARGUMENT,
  EBUSY: status.FAILED_PRECONDITION,
  EISDIR: status.FAILED_PRECONDITION,
  ELOOP: status.FAILED_PRECONDITION,
  ENOTDIR: status.FAILED_PRECONDITION,
  ENOTEMPTY: status.FAILED_PRECONDITION,
  EROFS: status.FAILED_PRECONDITION,
  EDQUOT: status.RESOURCE_EXHAUSTED,
  EMFILE: status.RESOURCE_EXHAUSTED,
  ENFILE: status.RESOURCE_EXHAUSTED,
  ENOMEM: status.RESOURCE_EXHAUSTED,
  ENOSPC: status.RESOURCE_EXHAUSTED,
  EAGAIN: status.UNAVAILABLE,
  ECONNREFUSED: status.UNAVAILABLE,
  ECONNRESET: status.UNAVAILABLE,
  EHOSTUNREACH: status.UNAVAILABLE,
  ENETUNREACH: status.UNAVAILABLE,
  ENOTCONN: status.UNAVAILABLE,
  EPIPE: status.UNAVAILABLE,
  ETIMEDOUT: status.DEADLINE_EXCEEDED,
  ECANCELED: status.CANCELLED,
  ENOSYS: status.UNIMPLEMENTED,
  EOPNOTSUPP: status.UNIMPLEMENTED,
  EIO: status.DATA_LOSS,
};

const GENERIC = 'internal error; the log of osd has the cause';
const MAX_DETAILS = 2000;

/**
 * The one place where a failure becomes a gRPC status. Only an RpcError and what init or machined said to people cross the wire as they
 * are; of a failed system call goes its kind, not its path; of anything else, nothing.
 */
export function toStatus(error: unknown): WireStatus {
  if (error instanceof RpcError) return wire(error.code, error.message);
  if (error instanceof ControlError) {
    if (error.kind === 'INTERNAL') return wire(status.INTERNAL, GENERIC, true);
    return wire(FAILURE_STATUS[error.kind], error.message);
  }
  if (error instanceof Error && 'errno' in error && typeof error.errno === 'number') {
    const known = getSystemErrorMap().get(error.errno);
    const code = known && ERRNO_STATUS[known[0]];
    if (known && code !== undefined) return wire(code, known[1], true);
  }
  return wire(status.INTERNAL, GENERIC, true);
}

function wire(code: status, text: string, isOurFault = false): WireStatus {
  // A lone surrogate would make the percent encoding of grpc-message throw.
  const details = text.slice(0, MAX_DETAILS).replace(/\p{Surrogate}/gu, '\uFFFD');
  return { code, details, isOurFault };
}
