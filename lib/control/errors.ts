/** What can go wrong with a request, as the control protocol names it (`Failure.Kind`); osd maps them to gRPC statuses in one table. */
export type FailureKind =
  | 'INTERNAL'
  | 'NOT_FOUND'
  | 'INVALID_ARGUMENT'
  | 'PERMISSION_DENIED'
  | 'FAILED_PRECONDITION'
  | 'UNAVAILABLE'
  | 'DEADLINE_EXCEEDED'
  | 'RESOURCE_EXHAUSTED'
  | 'ALREADY_EXISTS';

/**
 * A request that failed. A handler throws it to choose what its peer is told; a client's promise rejects with it.
 * `message` is one sentence for people and crosses the socket; `cause` stays on the side where it arose.
 */
export class ControlError extends Error {
  override readonly name = 'ControlError';

  constructor(
    readonly kind: FailureKind,
    message: string,
    options?: { cause?: unknown },
  ) {
    super(message, options);
  }
}
