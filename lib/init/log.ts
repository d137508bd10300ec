import { errorMessage } from '../base/errors.js';
import type { KmsgModule, LogRing } from '../native/contract.js';

/** Levels of syslog(3) that PID 1 uses. `critical` and above reach the console whatever `quiet` says. */
const LEVELS = { critical: 2, error: 3, warning: 4, notice: 5, info: 6 } as const;
export type LogLevel = keyof typeof LEVELS;

/** The prefix by which PID 1's lines are found in the kernel log. */
const PREFIX = '[talos] ';

/** A stack says where; more lines than this only push older records out of the kernel's buffer. */
const MAX_STACK_LINES = 12;

/**
 * PID 1's own log: every line goes to the kernel log, so that it is on the console and survives us, and into the ring `init`, which the
 * API serves like any other service's. Never throws: a log that cannot be written is no reason to fail.
 */
export class InitLog {
  private ring: LogRing | undefined;

  constructor(private readonly kmsg: Pick<KmsgModule, 'write'>) {}

  /** From here on lines are kept in `ring` too. */
  keepIn(ring: LogRing): void {
    this.ring = ring;
  }

  /** @returns whether the kernel log has it */
  write(level: LogLevel, text: string): boolean {
    let isInKernelLog = true;
    try {
      this.kmsg.write(
        LEVELS[level],
        text
          .split('\n')
          .map((line) => PREFIX + line)
          .join('\n'),
      );
    } catch {
      // No /dev/kmsg: the ring below still has the line.
      isInKernelLog = false;
    }
    try {
      this.ring?.write(`${new Date().toISOString()} ${level} ${text}\n`);
    } catch {
      // The ring is closed or out of memory; the kernel log has the line.
    }
    return isInKernelLog;
  }

  info(text: string): void {
    this.write('info', text);
  }

  notice(text: string): void {
    this.write('notice', text);
  }

  warning(text: string): void {
    this.write('warning', text);
  }

  error(text: string): void {
    this.write('error', text);
  }

  critical(text: string): boolean {
    return this.write('critical', text);
  }

  /** An error with its stack and the chain of its causes, cut to a bounded number of lines. */
  failure(level: LogLevel, what: string, error: unknown): void {
    this.write(level, `${what}: ${errorMessage(error)}`);
    const lines = describeStack(error).slice(0, MAX_STACK_LINES);
    if (lines.length > 0) this.write(level, lines.join('\n'));
  }
}

function describeStack(error: unknown): string[] {
  if (!(error instanceof Error) || !error.stack) return [];
  const frames = error.stack.split('\n').filter((line) => /^\s+at /.test(line));
  return error.cause === undefined ? frames : [...frames, `caused by ${errorMessage(error.cause)}`];
}
