/** Clients that read the whole log of a service over and over, each over its own connection, as fast as the node gives it. */
import { type MachineClient, MachineService } from '../../lib/client/index.js';
import { areConsecutive, numbersOf } from '../../test/helpers/checks/logs.js';

type LogClient = Pick<MachineClient, 'stream'>;

export class LogReaders {
  /** Whole logs that each has read. */
  private readonly passes: number[];
  private readonly ends: Promise<void>;
  private wake = () => {};
  private isStopping = false;
  private bytes = 0;
  private readonly startedMs = performance.now();

  /**
   * @param clients  one a reader; closed by whoever made them
   * @param id  of a service whose lines `chatty` of the test layer has written
   */
  constructor(
    clients: readonly LogClient[],
    private readonly id: string,
  ) {
    this.passes = clients.map(() => 0);
    this.ends = Promise.all(clients.map((client, number) => this.read(client, number))).then(() => {});
    // Whoever waits for them hears of a failure.
    this.ends.catch(() => {});
  }

  /** Resolves when each has read it so often; all of them go on. @throws what one of them failed with */
  async until(passes: number): Promise<void> {
    while (Math.min(...this.passes) < passes) {
      const changed = new Promise<void>((resolve) => {
        this.wake = resolve;
      });
      await Promise.race([changed, this.ends]);
    }
  }

  /** Resolves with the megabytes a second of all together, when each has come to the end of what it is reading. */
  async stop(): Promise<number> {
    const megabytesPerSecond = this.bytes / 1e6 / ((performance.now() - this.startedMs) / 1000);
    this.isStopping = true;
    await this.ends;
    return megabytesPerSecond;
  }

  private async read(client: LogClient, number: number): Promise<void> {
    while (!this.isStopping) {
      const pieces: Uint8Array[] = [];
      for await (const batch of client.stream(MachineService.Logs, request(this.id, false))) {
        for (const { bytes } of batch) {
          if (!bytes) continue;
          pieces.push(bytes);
          this.bytes += bytes.length;
        }
      }
      const numbers = numbersOf(linesOf(Buffer.concat(pieces).toString()));
      if (numbers.length === 0 || !areConsecutive(numbers)) throw new Error(`lines of ${this.id} are missing`);
      this.passes[number] = (this.passes[number] ?? 0) + 1;
      this.wake();
    }
  }
}

/** Resolves when the log has a line of that number. */
export async function untilLine(client: LogClient, id: string, number: number): Promise<void> {
  let rest = '';
  for await (const batch of client.stream(MachineService.Logs, request(id, true))) {
    for (const { bytes } of batch) rest += Buffer.from(bytes ?? []).toString('latin1');
    const end = rest.lastIndexOf('\n') + 1;
    // Of a burst that was faster than this reader the newest are left.
    if (numbersOf(linesOf(rest.slice(0, end))).some((each) => each >= number)) return;
    rest = rest.slice(end);
  }
  throw new Error(`the log of ${id} has ended before line ${number}`);
}

const request = (id: string, follow: boolean) => ({ namespace: 'system', id, follow, tailLines: -1 });

const linesOf = (text: string) =>
  text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => ({ text: line }));
