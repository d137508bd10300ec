// How a command of this repository fails: the step, why, the end of its log, and what to do. Never a stack trace.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { logDir, shown } from './paths.mjs';

const tailLines = 12;

/** A step that could not be done. `message` says why in one sentence; `hint` says what to do. */
export class StepFailure extends Error {
  /**
   * @param {string} step name of the step
   * @param {string} reason one sentence
   * @param {{logFile?: string, hint?: string, cause?: unknown}} [detail]
   */
  constructor(step, reason, detail = {}) {
    super(reason, { cause: detail.cause });
    this.name = 'StepFailure';
    this.step = step;
    this.logFile = detail.logFile;
    this.hint = detail.hint;
  }
}

/** The command line asks for what there is not. Exit code 2, as with osctl. */
export class UsageError extends Error {}

/** parseArgs throws errors of its own about flags. */
function isUsageError(error) {
  return error instanceof UsageError || /^ERR_PARSE_ARGS_/.test(/** @type {any} */ (error)?.code ?? '');
}

/** A full or read-only disk, by error code; the sentence says what to do. */
const diskTrouble = new Map([
  ['ENOSPC', 'the disk is full: make room (the cache and out/ can be deleted whole), then run the command again'],
  ['EDQUOT', 'the disk quota is used up: make room, then run the command again'],
  ['EROFS', 'the file system is read-only: use a checkout (and XDG_CACHE_HOME) on a disk that can be written'],
]);

/**
 * What to do about a full or read-only disk, if that is what the error or the end of the log tells of.
 * @param {unknown} error
 * @param {string} [logTail]
 * @returns {string | undefined}
 */
export function diskHint(error, logTail = '') {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    const hint = diskTrouble.get(/** @type {NodeJS.ErrnoException} */ (cause).code ?? '');
    if (hint) return hint;
  }
  if (/No space left on device|ENOSPC/.test(logTail)) return diskTrouble.get('ENOSPC');
  if (/Disk quota exceeded|EDQUOT/.test(logTail)) return diskTrouble.get('EDQUOT');
  if (/Read-only file system|EROFS/.test(logTail)) return diskTrouble.get('EROFS');
  return undefined;
}

/**
 * The last lines of a log file, without blank ones; empty when it cannot be read.
 * @param {string | undefined} file
 * @returns {string[]}
 */
export function logTail(file) {
  if (!file) return [];
  try {
    const lines = readFileSync(file, 'utf8').split(/\r?\n|\r/);
    return lines.filter((line) => line.trim() !== '').slice(-tailLines);
  } catch {
    return [];
  }
}

/**
 * The text that tells a person about a failure.
 * @param {unknown} error
 * @returns {string}
 */
export function describeFailure(error) {
  if (error instanceof StepFailure) {
    const tail = logTail(error.logFile);
    const hint = diskHint(error, tail.join('\n')) ?? error.hint;
    const lines = [`FAILED: ${error.step}: ${error.message}`];
    if (error.logFile) lines.push(`  log: ${shown(error.logFile)}${tail.length > 0 ? ', which ends with' : ''}`);
    for (const line of tail) lines.push(`  | ${line}`);
    if (hint) lines.push(`  what to do: ${hint}`);
    return lines.join('\n');
  }
  const message = error instanceof Error ? error.message : String(error);
  if (isUsageError(error)) return message;
  const hint = diskHint(error);
  if (hint) return `FAILED: ${message}\n  what to do: ${hint}`;
  const where = recordStack(error);
  return `FAILED: ${message}${where ? `\n  details: ${shown(where)}` : ''}\n  what to do: this should not happen; please report it with the details`;
}

/** Keeps the stack of an unforeseen error in a file, since the terminal does not get it. */
function recordStack(error) {
  const file = path.join(logDir, 'unexpected-error.log');
  try {
    mkdirSync(logDir, { recursive: true });
    writeFileSync(file, `${new Date().toISOString()} ${process.argv.join(' ')}\n${error?.stack ?? error}\n`);
    return file;
  } catch {
    return undefined;
  }
}

/**
 * Runs a command's main function and turns its outcome into an exit code.
 * @param {() => Promise<number | void>} main
 */
export async function runMain(main) {
  try {
    process.exitCode = (await main()) ?? 0;
  } catch (error) {
    process.stderr.write(`${describeFailure(error)}\n`);
    process.exitCode = isUsageError(error) ? 2 : 1;
  }
}
