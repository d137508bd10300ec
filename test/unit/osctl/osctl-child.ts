/** Runs the compiled osctl as a child process, with a home of its own. */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The compiled program. */
export const osctlMain = fileURLToPath(new URL('../../../lib/osctl/main.js', import.meta.url));

export interface Outcome {
  code: number | null;
  stdout: string;
  stderr: string;
}

export class OsctlHome implements AsyncDisposable {
  private constructor(readonly folder: string) {}

  static async create(): Promise<OsctlHome> {
    return new OsctlHome(await mkdtemp(join(tmpdir(), 'osctl-test-')));
  }

  get environment(): NodeJS.ProcessEnv {
    return { PATH: process.env.PATH, HOME: this.folder, LANG: 'C.UTF-8' };
  }

  path(name: string): string {
    return join(this.folder, name);
  }

  /** Writes a file of the home and gives its path. */
  async write(name: string, text: string): Promise<string> {
    await writeFile(this.path(name), text);
    return this.path(name);
  }

  start(...words: string[]): ChildProcessWithoutNullStreams {
    return this.startWith([], ...words);
  }

  /** @param flags  of Node itself */
  startWith(flags: readonly string[], ...words: string[]): ChildProcessWithoutNullStreams {
    return spawn(process.execPath, [...flags, osctlMain, ...words], { env: this.environment, cwd: this.folder });
  }

  async run(...words: string[]): Promise<Outcome> {
    const child = this.start(...words);
    child.stdin.end();
    let [stdout, stderr] = ['', ''];
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
    });
    const [code] = (await once(child, 'close')) as [number | null];
    return { code, stdout, stderr };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.folder, { recursive: true, force: true });
  }
}
