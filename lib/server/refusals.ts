import { SECOND_MS } from '../base/units.js';
import { peerName } from './open-connections.js';
import { TokenBucket } from './token-bucket.js';

/** Refusals are for diagnosis, and strangers choose how many there are. */
const REFUSALS_PER_SECOND = 5;
const REFUSAL_BURST = 20;
/** Those without a line of their own are told at the latest after that. */
const SUMMARY_AFTER_MS = 10 * SECOND_MS;

/** Connections that were not let in: each is counted, some have a line in the log, and the log tells how many had none. */
export class Refusals {
  private readonly lines = new TokenBucket(REFUSALS_PER_SECOND, REFUSAL_BURST);
  private withoutLine = 0;
  private count = 0;
  private summary: NodeJS.Timeout | undefined;

  constructor(
    private readonly log: (line: string) => void,
    private readonly summaryAfterMs = SUMMARY_AFTER_MS,
  ) {}

  /** Since the start. */
  get total(): number {
    return this.count;
  }

  add(socket: Parameters<typeof peerName>[0], reason: string): void {
    this.count += 1;
    if (!this.lines.take()) {
      this.withoutLine += 1;
      this.summary ??= setTimeout(() => this.tell(), this.summaryAfterMs).unref();
      return;
    }
    this.tell();
    this.log(`refused ${peerName(socket)}: ${reason}`);
  }

  private tell(): void {
    clearTimeout(this.summary);
    this.summary = undefined;
    if (this.withoutLine > 0) this.log(`refused ${this.withoutLine} more connections; ${this.count} since the start`);
    this.withoutLine = 0;
  }
}
