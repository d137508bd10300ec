import type { ControlClient } from '../control/client.js';
import type { NodeEvent } from '../control/node-event.js';

/** As many as init keeps. */
const MAX_EVENTS = 1000;

/**
 * The node's events as this process has them, for any number of followers: init is read once, whoever follows. They are init's to
 * keep, so they outlive this process.
 */
export class EventMirror {
  private readonly events: NodeEvent[] = [];
  private last = 0;
  private hasStarted = false;
  private reading: Promise<void> | undefined;
  private isStale = false;
  private readonly waiters = new Set<(error?: Error) => void>();

  constructor(
    private readonly init: Pick<ControlClient, 'request'>,
    private readonly log: (line: string) => void,
  ) {}

  /** Number of the newest event; 0 when there is none. */
  get newest(): number {
    return this.last;
  }

  /** All that are kept, the oldest first. */
  all(): readonly NodeEvent[] {
    return this.events;
  }

  /** From the newest back: init may have dropped some before they were read, so a number does not tell a place. */
  after(sequence: number): NodeEvent[] {
    return this.events.slice(this.events.findLastIndex((event) => event.sequence <= sequence) + 1);
  }

  /** Resolves when everything that was published before this call is here. @throws ControlError  init does not answer */
  async refresh(): Promise<void> {
    this.hasStarted = true;
    // A reading that is under way may have passed the end already.
    if (this.reading) this.isStale = true;
    this.reading ??= this.readAll().finally(() => {
      this.reading = undefined;
    });
    await this.reading;
  }

  /** init says that there is more. */
  notify(): void {
    if (!this.hasStarted) return;
    this.refresh().catch((error: Error) => {
      this.log(`events could not be read: ${error.message}`);
      for (const wake of [...this.waiters]) wake(error);
    });
  }

  /**
   * Resolves when there is an event after `sequence`, or `signal` is aborted.
   * @throws ControlError  init could not be read: nobody knows what there is
   */
  async changed(sequence: number, signal: AbortSignal): Promise<void> {
    if (this.last > sequence || signal.aborted) return;
    let finish = (_error?: Error) => {};
    const abort = () => finish();
    try {
      await new Promise<void>((resolve, reject) => {
        finish = (error) => (error ? reject(error) : resolve());
        this.waiters.add(finish);
        signal.addEventListener('abort', abort, { once: true });
      });
    } finally {
      this.waiters.delete(finish);
      signal.removeEventListener('abort', abort);
    }
  }

  private async readAll(): Promise<void> {
    do {
      this.isStale = false;
      for (;;) {
        const { body } = await this.init.request('readEvents', { after: this.last });
        if (body.events.length === 0) break;
        this.take(body.events);
      }
    } while (this.isStale);
  }

  private take(events: NodeEvent[]): void {
    this.events.push(...events);
    this.events.splice(0, this.events.length - MAX_EVENTS);
    this.last = events.at(-1)?.sequence ?? this.last;
    for (const wake of [...this.waiters]) wake();
  }
}
