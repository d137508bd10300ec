import { setTimeout as sleep } from 'node:timers/promises';
import { errorMessage } from '../../base/errors.js';
import { MIB, SECOND_MS } from '../../base/units.js';
import type { FileSystemSpace } from '../../native/contract.js';

export interface SpaceWatchOptions {
  /** Of EPHEMERAL. */
  space(): Promise<Pick<FileSystemSpace, 'totalBytes' | 'availableBytes' | 'files' | 'freeFiles'>>;
  /** A sentence for whoever looks after the node, each time that it changes. */
  tell(isFull: boolean, text: string): void;
  intervalMs?: number;
}

/** Less than this is full; there must be more than ROOM to be called anything else again, or it would be said all the time. */
const FULL = 0.02;
const ROOM = 0.05;
const INTERVAL_MS = 10 * SECOND_MS;

/** Says when EPHEMERAL is full, and when it has room again. What fails for it then is each service's own affair. */
export class SpaceWatch {
  private isFull = false;
  private problem = '';

  constructor(private readonly options: SpaceWatchOptions) {}

  /** Goes on until the signal; never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    const { intervalMs = INTERVAL_MS } = this.options;
    while (!signal.aborted) {
      await this.look();
      await sleep(intervalMs, undefined, { signal, ref: false }).catch(() => {});
    }
  }

  /** Never rejects: a file system that cannot be asked is no reason to stop asking, and is told once. */
  async look(): Promise<void> {
    try {
      const { totalBytes, availableBytes, files, freeFiles } = await this.options.space();
      const left = Math.min(share(availableBytes, totalBytes), share(freeFiles, files));
      this.problem = '';
      if (this.isFull ? left <= ROOM : left >= FULL) return;
      this.isFull = !this.isFull;
      const room = `${Math.floor(availableBytes / MIB)} of ${Math.floor(totalBytes / MIB)} MiB and ${freeFiles} of ${files} files are left`;
      this.options.tell(this.isFull, `EPHEMERAL ${this.isFull ? 'is full' : 'has room again'}: ${room}`);
    } catch (error) {
      const text = errorMessage(error);
      if (text !== this.problem) this.options.tell(this.isFull, `EPHEMERAL cannot be asked for its room: ${text}`);
      this.problem = text;
    }
  }
}

/** Some file systems do not count files. */
function share(part: number, whole: number): number {
  return whole === 0 ? 1 : part / whole;
}
