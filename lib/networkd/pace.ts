/**
 * When to look at the network again. Events come in bursts: one look for each burst. Whoever undoes what we do makes us do it again, and
 * again; the pauses between grow then, so that a quarrel about an address does not take a processor.
 */
export class Pace {
  private pauseMs = 0;
  private retryMs = 0;
  private changedAtMs = Number.NEGATIVE_INFINITY;

  /** @param nowMs  of a clock that does not jump */
  constructor(private readonly nowMs: () => number) {}

  /** How long to wait behind an event. */
  get afterEventMs(): number {
    return this.nowMs() - this.changedAtMs < QUIET_MS ? Math.max(this.pauseMs, BURST_MS) : BURST_MS;
  }

  /**
   * After a look.
   * @returns how long until the next one if nothing happens; undefined: none is needed
   */
  looked({ hasChanged, hasFailed }: { hasChanged: boolean; hasFailed: boolean }): number | undefined {
    const now = this.nowMs();
    if (hasChanged) {
      this.pauseMs =
        now - this.changedAtMs < QUIET_MS ? Math.min(Math.max(this.pauseMs * 2, BURST_MS), MAX_PAUSE_MS) : 0;
      this.changedAtMs = now;
    }
    this.retryMs = hasFailed ? Math.min(Math.max(this.retryMs * 2, FIRST_RETRY_MS), MAX_RETRY_MS) : 0;
    return hasFailed ? this.retryMs : undefined;
  }
}

const BURST_MS = 20;
const MAX_PAUSE_MS = 5000;
/** A change behind so much quiet is no quarrel. */
const QUIET_MS = 10_000;
const FIRST_RETRY_MS = 1000;
const MAX_RETRY_MS = 60_000;
