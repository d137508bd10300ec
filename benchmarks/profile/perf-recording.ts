/** perf(1) on a process that runs: its native code and the kernel's part, which V8's profiler does not see. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Duplex } from 'node:stream';
import { text } from 'node:stream/consumers';
import { promisify } from 'node:util';
import { errorMessage, TalosError } from '../../lib/base/errors.js';

const run = promisify(execFile);
/** Prime, so that nothing that happens every millisecond is always or never met. */
const SAMPLES_PER_SECOND = 1997;
const MOST_OUTPUT_BYTES = 1 << 29;
/** Of perf's descriptors: orders, and what it answers. */
const [ORDERS, ANSWERS] = [3, 4];

/** A recording under way. */
export class PerfRecording {
  private constructor(
    private readonly perf: ChildProcess,
    private readonly file: string,
    private readonly said: Promise<string>,
  ) {}

  /**
   * Resolves when samples are taken.
   * @param file  for perf's own data
   * @throws TalosError ERR_NO_PERF  there is none here, or it may not
   */
  static async start(pid: number, file: string): Promise<PerfRecording> {
    const event = ['-e', 'cpu-clock', '-F', String(SAMPLES_PER_SECOND), '-g', '--delay', '-1'];
    const argv = ['record', ...event, '-o', file, '-p', String(pid), '--control', `fd:${ORDERS},${ANSWERS}`];
    const perf = spawn('perf', argv, { stdio: ['ignore', 'ignore', 'pipe', 'pipe', 'pipe'] });
    const said = text(perf.stderr as NodeJS.ReadableStream);
    const failed = once(perf, 'error').then(([error]) => errorMessage(error));
    const ended = once(perf, 'exit').then(async () => (await said).trim().split('\n').at(-1) ?? '');
    // Whoever waits for it first is told; after that nobody does.
    ended.catch(() => {});
    const lines = createInterface({ input: perf.stdio[ANSWERS] as Duplex });
    const answered = once(lines, 'line').then(() => undefined);
    (perf.stdio[ORDERS] as Duplex).on('error', () => {}).write('enable\n');
    const why = await Promise.race([answered, failed, ended]);
    if (why === undefined) return new PerfRecording(perf, file, said);
    throw new TalosError('ERR_NO_PERF', `perf cannot look into processes here: ${why}`, {
      hint: 'install linux-perf, and let it: sysctl kernel.perf_event_paranoid=1, or as root',
    });
  }

  /** Ends it. @returns what `perf script` prints of it @throws Error when perf fails */
  async stop(): Promise<string> {
    const exited = once(this.perf, 'exit');
    (this.perf.stdio[ORDERS] as Duplex).write('stop\n');
    const [code] = await exited;
    if (code !== 0) throw new Error(`perf record ended with ${code}: ${(await this.said).trim()}`);
    const { stdout } = await run('perf', ['script', '-i', this.file], { maxBuffer: MOST_OUTPUT_BYTES });
    return stdout;
  }
}
