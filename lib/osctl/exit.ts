/** The one place where a failure becomes a message on stderr and an exit code. */
import { errorCode, errorMessage, TalosError } from '../base/errors.js';
import { ExitCode } from '../base/exit-codes.js';
import type { FailureKind } from '../client/errors.js';
import type { Io } from './io.js';

/** A value that makes no sense, found after the command line itself was parsed: exit code 2. */
export class UsageError extends TalosError {
  constructor(message: string, hint?: string) {
    super('ERR_USAGE', message, hint === undefined ? {} : { hint });
  }
}

/** Some of several nodes failed; what the others answered was printed. */
export class NodesFailed extends TalosError {
  /** Whether each of them has been told already. */
  readonly areTold: boolean;

  constructor(
    readonly failures: readonly { node: string; error: unknown }[],
    { areTold = false }: { areTold?: boolean } = {},
  ) {
    super('ERR_NODES', `${failures.length} nodes failed`);
    this.areTold = areTold;
  }
}

/** Everything was printed, but the node had lost something before: exit code 5, and stderr says what already. */
export class DataLost extends TalosError {
  constructor() {
    super('ERR_DATA_LOST', 'the output is not complete');
  }
}

const CODES: Readonly<Record<FailureKind, ExitCode>> = {
  unreachable: ExitCode.unreachable,
  denied: ExitCode.denied,
  'data-lost': ExitCode.dataLost,
  failed: ExitCode.failed,
};

/** Of the local clusters: what was asked for makes no sense, and nothing was tried. */
const USAGE_ERRORS: ReadonlySet<string> = new Set([
  'ERR_CLUSTER_NAME',
  'ERR_HARDWARE',
  'ERR_KUBERNETES',
  'ERR_RUNTIME',
]);

/** Says on stderr what went wrong, and returns the exit code. A bug of ours keeps its stack; nothing else has one. */
export function handle(error: unknown, io: Io): ExitCode {
  const say = (text: string) => io.stderr.write(`osctl: ${text}\n`);
  if (error instanceof NodesFailed) {
    if (!error.areTold) for (const { node, error: each } of error.failures) say(`${node}: ${errorMessage(each)}`);
    return exitCodeOf(error.failures[0]?.error);
  }
  if (isCommanderError(error)) {
    // commander has said it already, and where the help is; showing help is no failure unless nothing else was asked for.
    return error.exitCode === 0 ? ExitCode.ok : ExitCode.usage;
  }
  if (error instanceof DataLost) return ExitCode.dataLost;
  if (error instanceof TalosError) {
    say(error.message);
    const hint = error.hint ?? hintFor(error);
    if (hint !== undefined) io.stderr.write(`  hint: ${hint}\n`);
    return exitCodeOf(error);
  }
  const isSystemError = error instanceof Error && errorCode(error) !== undefined && 'syscall' in error;
  if (isSystemError) say(systemMessage(error as NodeJS.ErrnoException));
  else say(error instanceof Error ? `this is a bug: ${error.stack ?? error.message}` : errorMessage(error));
  return ExitCode.failed;
}

/** What to do about a node that could not be talked to, or that said no. What it answered to a call says that itself. */
function hintFor(error: TalosError): string | undefined {
  if (error.code === 'PERMISSION_DENIED')
    return 'an administrator makes a client config with other roles: `osctl config new FILE --roles LIST`';
  if (!('status' in error) || error.status !== undefined) return undefined;
  if (exitCodeOf(error) === ExitCode.unreachable)
    return 'see that the node is up, and with `osctl config info` where it is looked for; --endpoints names another place';
  if (exitCodeOf(error) === ExitCode.denied)
    return 'see with `osctl config info` whether this is the context for that node, and until when its certificate is valid; an administrator makes a new one: `osctl config new FILE`';
  return undefined;
}

/** `cannot open FILE: no such file or directory`, of `ENOENT: no such file or directory, open 'FILE'`. */
function systemMessage({ message, path, syscall }: NodeJS.ErrnoException): string {
  const [, reason] = /^[A-Z0-9]+: (.*?), /.exec(message) ?? [];
  if (reason === undefined || syscall === undefined) return message;
  return `cannot ${syscall}${path === undefined ? '' : ` ${path}`}: ${reason}`;
}

/** Exit code of a failure that was not a success of anything. */
export function exitCodeOf(error: unknown): ExitCode {
  if (error instanceof UsageError) return ExitCode.usage;
  if (error instanceof TalosError && USAGE_ERRORS.has(error.code)) return ExitCode.usage;
  // By its shape, since the client is loaded only by the commands that need it.
  const kind = error instanceof TalosError && 'kind' in error ? (error.kind as FailureKind) : 'failed';
  return CODES[kind] ?? ExitCode.failed;
}

function isCommanderError(error: unknown): error is { exitCode: number } {
  return error instanceof Error && /^commander\./.test(errorCode(error) ?? '');
}
