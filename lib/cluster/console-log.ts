import { watch } from 'node:fs';
import { type FileHandle, open, readFile } from 'node:fs/promises';
import { stripVTControlCharacters } from 'node:util';

/** A line of a node's console and when the host saw it. */
export interface ConsoleLine {
  readonly text: string;
  /** Host time (performance.now) at which the line was read. */
  readonly seenAtMs: number;
}

const READ_CHUNK_BYTES = 64 * 1024;

/**
 * Follows the file that QEMU writes a node's serial console to. Lines are read when the file changes (inotify), never by
 * a timer. Create the file before following it.
 */
export class ConsoleFollower {
  /** All complete lines so far. */
  readonly lines: ConsoleLine[] = [];
  readonly #listeners = new Set<(line: ConsoleLine) => void>();
  readonly #watcher: ReturnType<typeof watch>;
  readonly #file: FileHandle;
  #partial = '';
  #reading: Promise<void> | undefined;
  #changedWhileReading = false;

  private constructor(path: string, file: FileHandle) {
    this.#file = file;
    this.#watcher = watch(path, () => this.#onChange());
    this.#onChange();
  }

  /** Starts to follow; lines that the file holds already are seen first. */
  static async open(path: string): Promise<ConsoleFollower> {
    return new ConsoleFollower(path, await open(path, 'r'));
  }

  /** Calls back for each line from now on; returns how to stop that. */
  onLine(listener: (line: ConsoleLine) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /**
   * Waits for a line.
   * @param pattern   tested against each line on its own
   * @param options   `after`: index into {@link lines} from which on lines count (default 0: also those already seen);
   *                  `signal` ends the waiting with its reason
   */
  waitFor(pattern: RegExp, options: { after?: number; signal?: AbortSignal } = {}): Promise<ConsoleLine> {
    const { signal } = options;
    const seen = this.lines.slice(options.after ?? 0).find((line) => pattern.test(line.text));
    if (seen) return Promise.resolve(seen);
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      const done = (): void => {
        unsubscribe();
        signal?.removeEventListener('abort', onAbort);
      };
      const onAbort = (): void => {
        done();
        reject(signal?.reason);
      };
      const unsubscribe = this.onLine((line) => {
        if (!pattern.test(line.text)) return;
        done();
        resolve(line);
      });
      signal?.addEventListener('abort', onAbort);
    });
  }

  /** Stops following. Pending waits end only by their own signal. */
  async close(): Promise<void> {
    this.#watcher.close();
    await this.#reading;
    await this.#file.close();
  }

  #onChange(): void {
    if (this.#reading) {
      this.#changedWhileReading = true;
      return;
    }
    this.#reading = this.#readAll().finally(() => {
      this.#reading = undefined;
      if (this.#changedWhileReading) {
        this.#changedWhileReading = false;
        this.#onChange();
      }
    });
  }

  async #readAll(): Promise<void> {
    const buffer = Buffer.allocUnsafe(READ_CHUNK_BYTES);
    for (;;) {
      const { bytesRead } = await this.#file.read(buffer, 0, buffer.length, null).catch(() => ({ bytesRead: 0 }));
      if (bytesRead === 0) return;
      this.#accept(buffer.toString('latin1', 0, bytesRead));
    }
  }

  #accept(chunk: string): void {
    const seenAtMs = performance.now();
    const pieces = (this.#partial + chunk).split('\n');
    this.#partial = pieces.pop() ?? '';
    for (const piece of pieces) {
      const line = { text: readable(piece), seenAtMs };
      this.lines.push(line);
      for (const listener of [...this.#listeners]) listener(line);
    }
  }
}

/** The firmware writes control sequences before the kernel starts, and the console turns \n into \r\n. */
function readable(line: string): string {
  return stripVTControlCharacters(line).replaceAll('\r', '');
}

/** The last lines of a console log, for error messages; empty when it cannot be read. */
export async function consoleTail(path: string, count: number): Promise<string[]> {
  const text = await readFile(path, 'latin1').catch(() => '');
  return text
    .split('\n')
    .map(readable)
    .filter((line) => line.trim() !== '')
    .slice(-count);
}
