/** What one turn of the event loop may spend on sending logs: long enough for full speed, short enough for everybody else's latency. */
const BUDGET_MS = 5;

/**
 * Long work in pieces. A hundred followed logs that all have something to say would otherwise be sent one after the other while nobody else
 * is listened to: beyond some milliseconds the pieces come one a turn, in the order in which they were asked for.
 */
export class LoopTurns {
  private readonly waiting: (() => void)[] = [];
  private beganAtMs = 0;
  private hasBegun = false;

  /** @param now  milliseconds of a clock that never goes back */
  constructor(private readonly now: () => number = () => performance.now()) {}

  /** Undefined when a piece may be done at once; else resolves when it is its turn. */
  next(): Promise<void> | undefined {
    if (!this.hasBegun) this.begin();
    if (this.waiting.length === 0 && this.now() - this.beganAtMs < BUDGET_MS) return undefined;
    return new Promise((resolve) => this.waiting.push(resolve));
  }

  private begin(): void {
    this.hasBegun = true;
    this.beganAtMs = this.now();
    setImmediate(() => {
      this.hasBegun = false;
      const next = this.waiting.shift();
      if (next === undefined) return;
      this.begin();
      next();
    });
  }
}
