/** Certificates wait for a clock that can be right: one that was made at a wrong time is valid at a wrong time. */
import { MINUTE_MS } from '../base/units.js';

export interface ClockGateOptions {
  /** When this version was made, milliseconds since 1970; NaN where nobody knows. */
  builtMs: number;
  wallMs?(): number;
  monotonicMs?(): number;
  /** To the console. */
  notice(text: string): void;
}

/** Then there is no time server that answers, and a node that can be reached with a wrong clock is better than none. */
const MAX_WAIT_MS = MINUTE_MS;

export class ClockGate {
  private waitsSinceMs: number | undefined;
  private hasServers = false;
  private waiters: (() => void)[] = [];
  private readonly now: () => number;

  constructor(private readonly options: ClockGateOptions) {
    this.now = options.monotonicMs ?? (() => performance.now());
  }

  /** Whether somebody will set the clock: without, there is nothing to wait for. */
  expect(hasServers: boolean): void {
    this.hasServers = hasServers;
  }

  /** The clock was set. */
  stepped(): void {
    for (const resolve of this.waiters.splice(0)) resolve();
  }

  /**
   * Why the clock cannot be right; undefined when it can.
   * @param authorityMs  when the CA begins and ends
   */
  problem(authorityMs: { begins: number; ends: number }): string | undefined {
    const { builtMs, wallMs = Date.now } = this.options;
    const now = wallMs();
    const text = new Date(now).toISOString();
    if (now < builtMs) return `the clock says ${text}, when this version was not made yet`;
    if (now < authorityMs.begins) return `the clock says ${text}, when the CA of the machine API was not made yet`;
    if (now > authorityMs.ends) return `the clock says ${text}, when the CA of the machine API is not valid any more`;
    return undefined;
  }

  /** Resolves as soon as the clock can be right, when it was waited for long enough, or when the asker is gone. */
  async pass(authorityMs: { begins: number; ends: number }, signal: AbortSignal): Promise<void> {
    const problem = this.problem(authorityMs);
    if (problem === undefined || !this.hasServers) return;
    this.waitsSinceMs ??= this.tell(problem);
    const leftMs = this.waitsSinceMs + MAX_WAIT_MS - this.now();
    if (leftMs <= 0) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, leftMs);
      const end = () => {
        clearTimeout(timer);
        resolve();
      };
      signal.addEventListener('abort', end, { once: true });
      this.waiters.push(end);
    });
  }

  private tell(problem: string): number {
    this.options.notice(`${problem}: certificates wait for a time server, at most ${MAX_WAIT_MS / 1000} s`);
    return this.now();
  }
}
