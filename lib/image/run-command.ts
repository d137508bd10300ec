/** Running a build tool: its output goes to a log file, a failure says which file and quotes the last lines. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { TalosError } from '../base/errors.js';

/** What {@link runCommand} is told. */
export interface CommandOptions {
  readonly cwd?: string | undefined;
  /** Added to our own environment; undefined takes a variable away. */
  readonly env?: Readonly<Record<string, string | undefined>> | undefined;
  /** File that keeps the whole output; written anew. */
  readonly logFile?: string | undefined;
  readonly onLine?: ((line: string) => void) | undefined;
  /** Why it may fail, for people. */
  readonly hint?: string | undefined;
}

const QUOTED_LINES = 12;

/**
 * Runs a program without a shell, in a neutral locale.
 * @returns what it wrote on stdout
 * @throws TalosError ERR_TOOL_MISSING when there is no such program, ERR_TOOL when it fails
 */
export async function runCommand(argv: readonly [string, ...string[]], options: CommandOptions = {}): Promise<string> {
  const [program, ...rest] = argv;
  const child = spawn(program, rest, {
    cwd: options.cwd,
    env: { ...process.env, LC_ALL: 'C.UTF-8', ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const log = options.logFile === undefined ? undefined : createWriteStream(options.logFile);
  const logFailed = log && new Promise<never>((_, reject) => log.once('error', reject));
  logFailed?.catch(() => {});
  const output: string[] = [];
  const recent: string[] = [];
  const note = (line: string) => {
    if (line.trim() === '') return;
    recent.push(line);
    if (recent.length > QUOTED_LINES) recent.shift();
    options.onLine?.(line);
  };
  const [stdoutLines, stderrLines] = [lineReader(note), lineReader(note)];
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    log?.write(text);
    output.push(text);
    stdoutLines.take(text);
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    log?.write(text);
    stderrLines.take(text);
  });
  const [code, signal] = await closed(child, program);
  stdoutLines.end();
  stderrLines.end();
  if (log) {
    log.end();
    await Promise.race([once(log, 'close'), logFailed]);
  }
  if (code === 0) return output.join('');
  const outcome = signal === null ? `exit code ${code}` : `signal ${signal}`;
  throw new TalosError('ERR_TOOL', `${program} failed (${outcome}):\n  ${recent.join('\n  ')}`, {
    hint: [options.hint, options.logFile && `the whole output is in ${options.logFile}`].filter(Boolean).join('; '),
  });
}

/** Puts lines together again, which come in pieces: apt writes `E`, `: ` and what is wrong one by one. */
function lineReader(onLine: (line: string) => void): { take(text: string): void; end(): void } {
  let rest = '';
  return {
    take(text) {
      const lines = `${rest}${text}`.split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) onLine(line);
    },
    end: () => onLine(rest),
  };
}

function closed(child: ReturnType<typeof spawn>, program: string): Promise<[number | null, string | null]> {
  return new Promise((resolve, reject) => {
    child.once('error', (error) => {
      const hint = 'npm start installs what the build needs; tools/debian-packages.json lists it';
      reject(new TalosError('ERR_TOOL_MISSING', `cannot run ${program}: ${error.message}`, { hint, cause: error }));
    });
    child.once('close', (code, signal) => resolve([code, signal]));
  });
}
