/**
 * Errors that people are meant to read, told apart from bugs: a `TalosError` is printed as its message alone, anything else
 * is a fault of ours and keeps its stack. Failed system calls are not these: they have Node's own shape (code, errno, syscall).
 */

/** An expected failure. `code` is for programs ('ERR_CONFIG_INVALID'), `message` one sentence for people, `hint` what to do about it. */
export class TalosError extends Error {
  readonly code: string;
  readonly hint: string | undefined;

  constructor(code: string, message: string, options: { hint?: string; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'TalosError';
    this.code = code;
    this.hint = options.hint;
  }
}

/** The `code` of anything thrown, if it has one: 'ENOENT', 'ERR_…'. */
export function errorCode(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}

/** The message of anything thrown; never throws itself. */
export function errorMessage(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
