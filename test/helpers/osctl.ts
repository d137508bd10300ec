/** Runs `bin/osctl` as its users do: as a child process, looked at from outside. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { osctlPath } from './checkout.js';
import { within } from './deadline.js';

export interface OsctlResult {
  /** Exit code; -1 if a signal ended it. */
  code: number;
  stdout: string;
  stderr: string;
  durationMs: number;
}

/** A line of output and when it arrived. */
export interface ArrivedLine {
  text: string;
  /** Milliseconds of the wall clock, with fractions. */
  atMs: number;
}

/** An osctl that runs on, such as `logs -f`: its lines can be waited for. */
export class OsctlStream {
  readonly lines: ArrivedLine[] = [];
  stderr = '';
  #child: ChildProcess;
  #partial = '';
  #changed: () => void = () => {};
  #exitCode: number | null | undefined;

  constructor(words: string[], environment: NodeJS.ProcessEnv) {
    this.#child = spawn(osctlPath, words, { env: environment, stdio: ['ignore', 'pipe', 'pipe'] });
    this.#child.stdout?.setEncoding('utf8').on('data', (text: string) => this.#accept(text));
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.stderr += text;
    });
    this.#child.on('close', (code) => {
      this.#exitCode = code;
      this.#changed();
    });
  }

  /**
   * Waits until `done` is true of the lines so far; it is asked again with each piece that arrives.
   * @throws Error when the time is over or osctl has ended without that
   */
  async until(timeoutMs: number, what: string, done: (lines: ArrivedLine[]) => boolean): Promise<ArrivedLine[]> {
    const satisfied = new Promise<void>((resolve, reject) => {
      const check = () => {
        if (done(this.lines)) resolve();
        else if (this.#exitCode !== undefined) {
          reject(new Error(`${what}: osctl ended with ${this.#exitCode}\n${this.stderr}`));
        }
      };
      this.#changed = check;
      check();
    });
    await within(timeoutMs, what, satisfied, () => `${this.stderr}${this.#tail()}`);
    return this.lines;
  }

  /** Waits until it ends by itself. */
  async ended(timeoutMs: number, what: string): Promise<number | null> {
    if (this.#exitCode === undefined) await within(timeoutMs, what, once(this.#child, 'close'), () => this.#tail());
    return this.#exitCode ?? null;
  }

  /** Stops the process where it is, so that it reads nothing. */
  pause(): void {
    this.#child.kill('SIGSTOP');
  }

  resume(): void {
    this.#child.kill('SIGCONT');
  }

  /** Ends it as Ctrl-C does and gives its exit code (null: it died of the signal). */
  async stop(): Promise<number | null> {
    if (this.#exitCode === undefined) {
      this.#child.kill('SIGCONT');
      this.#child.kill('SIGINT');
      await within(10_000, 'osctl after SIGINT', once(this.#child, 'close')).catch((error) => {
        this.#child.kill('SIGKILL');
        throw error;
      });
    }
    return this.#exitCode ?? null;
  }

  #accept(text: string): void {
    const atMs = performance.timeOrigin + performance.now();
    const pieces = (this.#partial + text).split('\n');
    this.#partial = pieces.pop() ?? '';
    for (const piece of pieces) this.lines.push({ text: piece, atMs });
    this.#changed();
  }

  #tail(): string {
    return this.lines
      .slice(-10)
      .map((line) => line.text)
      .join('\n');
  }
}

/** Runs osctl to its end. */
export async function runOsctl(
  words: string[],
  environment: NodeJS.ProcessEnv,
  timeoutMs = 60_000,
): Promise<OsctlResult> {
  const started = performance.now();
  const child = spawn(osctlPath, words, { env: environment, stdio: ['ignore', 'pipe', 'pipe'] });
  let [stdout, stderr] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const closed = once(child, 'close') as Promise<[number | null]>;
  const [code] = await within(timeoutMs, `osctl ${words.join(' ')}`, closed, () => stdout + stderr).catch((error) => {
    child.kill('SIGKILL');
    throw error;
  });
  return { code: code ?? -1, stdout, stderr, durationMs: performance.now() - started };
}

/** Standard output of an osctl that must succeed, as bytes. */
export async function osctlBytes(words: string[], environment: NodeJS.ProcessEnv, timeoutMs = 60_000): Promise<Buffer> {
  const child = spawn(osctlPath, words, { env: environment, stdio: ['ignore', 'pipe', 'inherit'] });
  const chunks: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
  const closed = once(child, 'close') as Promise<[number | null]>;
  const [code] = await within(timeoutMs, `osctl ${words.join(' ')}`, closed).catch((error) => {
    child.kill('SIGKILL');
    throw error;
  });
  if (code !== 0) throw new Error(`osctl ${words.join(' ')}: exit code ${code}`);
  return Buffer.concat(chunks);
}

/** Reads the first line and closes the pipe, as `osctl … | head -1` does; null if a signal ended it. */
export async function readOneLine(
  words: string[],
  environment: NodeJS.ProcessEnv,
): Promise<{ code: number | null; stderr: string }> {
  const child = spawn(osctlPath, words, { env: environment, stdio: ['ignore', 'pipe', 'pipe'] });
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  child.stdout.once('data', () => child.stdout.destroy());
  const closed = once(child, 'close') as Promise<[number | null]>;
  const [code] = await within(30_000, `osctl ${words.join(' ')} | head -1`, closed);
  return { code, stderr };
}
