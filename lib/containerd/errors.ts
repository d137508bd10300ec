import { type ServiceError, status } from '@grpc/grpc-js';
import { TalosError } from '../base/errors.js';

/** What containerd refused, or could not be asked. */
export class ContainerdError extends TalosError {
  constructor(
    /** Of gRPC. */
    readonly status: status,
    message: string,
    cause?: unknown,
  ) {
    super('ERR_CONTAINERD', message, cause === undefined ? {} : { cause });
    this.name = 'ContainerdError';
  }
}

/** @param what  the call, for people */
export function fromServiceError(error: ServiceError, what: string): ContainerdError {
  return new ContainerdError(error.code, `containerd: ${what}: ${error.details || error.message}`, error);
}

function hasStatus(error: unknown, code: status): boolean {
  return error instanceof ContainerdError && error.status === code;
}

/** The image, container, task or snapshot is not there. */
export const isNotFound = (error: unknown) => hasStatus(error, status.NOT_FOUND);

/** Another one has that name. */
export const isAlreadyExists = (error: unknown) => hasStatus(error, status.ALREADY_EXISTS);

/** Nobody serves the socket, at the moment. */
export const isUnavailable = (error: unknown) => hasStatus(error, status.UNAVAILABLE);

/** What was to exist exists not: `undefined`. Any other failure is passed on. */
export async function orUndefined<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work;
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}
