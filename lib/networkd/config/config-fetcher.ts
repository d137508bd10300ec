/**
 * Fetches the machine config for a node that has none, again and again until machined takes one.
 *
 *   state      event                                    next
 *   idle       use (a URL)                              trying, as soon as the node has an address
 *   trying     it came, and machined takes it           idle, until there is another document
 *   trying     it did not come, or is not valid         waiting: 1 s, doubled up to a minute, each time a little less
 *   waiting    time is up · the network has changed     trying
 *   any        use (nothing)                            idle
 */
import { errorMessage } from '../../base/errors.js';
import { MINUTE_MS, SECOND_MS } from '../../base/units.js';
import { ControlError } from '../../control/errors.js';
import { FetchFailed } from '../../os/fetch-text.js';

/** What machined is told: a config, or why there is none. */
export type Offer = { text: string; source: string } | { problem: string };

export interface ConfigFetcherOptions {
  fetch(url: string, signal: AbortSignal): Promise<string>;
  /** @throws ControlError INVALID_ARGUMENT the config is not valid · FAILED_PRECONDITION the node has one */
  offer(offer: Offer): Promise<void>;
  /** Whether the node can reach anybody at all. */
  hasAddress(): boolean;
  /** What may be shown of a URL. */
  shown(url: string): string;
  log(text: string): void;
  random?: () => number;
  /** The machine's unless a test says otherwise. */
  clock?: FetcherClock;
}

export interface FetcherClock {
  nowMs(): number;
  /** @returns calls it off */
  after(ms: number, callback: () => void): () => void;
}

const MACHINE_CLOCK: FetcherClock = {
  nowMs: () => performance.now(),
  after(ms, callback) {
    const timer = setTimeout(callback, ms);
    return () => clearTimeout(timer);
  },
};

const FIRST_DELAY_MS = SECOND_MS;
const MAX_DELAY_MS = MINUTE_MS;
/** Many nodes that were started together do not ask together for ever. */
const JITTER = 0.25;

export class ConfigFetcher {
  private url: string | undefined;
  private stop = new AbortController();
  private wake = (): void => {};
  private delayMs = FIRST_DELAY_MS;
  private triedAtMs = Number.NEGATIVE_INFINITY;
  private lastProblem = '';
  private isDone = false;
  private readonly clock: FetcherClock;

  constructor(private readonly options: ConfigFetcherOptions) {
    this.clock = options.clock ?? MACHINE_CLOCK;
  }

  /**
   * @param url  undefined: nothing is wanted (any more)
   * @param isNews  machined has just said so: one that was taken once may have got lost with an earlier machined
   */
  use(url: string | undefined, isNews = false): void {
    if (url === this.url && !(isNews && this.isDone)) return;
    this.url = url;
    this.isDone = false;
    this.stop.abort();
    this.stop = new AbortController();
    this.lastProblem = '';
    this.delayMs = FIRST_DELAY_MS;
    if (url !== undefined) void this.run(url, this.stop.signal);
  }

  /** The node has another address, or other name servers: what did not work may work now. */
  networkChanged(): void {
    this.delayMs = FIRST_DELAY_MS;
    this.wake();
  }

  private async run(url: string, signal: AbortSignal): Promise<void> {
    while (!signal.aborted && !this.options.hasAddress()) await this.sleep(Number.POSITIVE_INFINITY, signal);
    while (!signal.aborted) {
      this.triedAtMs = this.clock.nowMs();
      if (await this.isTaken(url, signal)) {
        if (!signal.aborted) this.isDone = true;
        return;
      }
      const delayMs = this.delayMs * (1 - JITTER * (this.options.random ?? Math.random)());
      await this.sleep(delayMs, signal);
      this.delayMs = Math.min(this.delayMs * 2, MAX_DELAY_MS);
    }
  }

  /** Whether there is nothing left to do. Never rejects. */
  private async isTaken(url: string, signal: AbortSignal): Promise<boolean> {
    const { fetch, offer, shown, log } = this.options;
    const source = shown(url);
    try {
      const text = await fetch(url, signal);
      if (signal.aborted) return true;
      await offer({ text, source });
      log(`the machine config of ${source} was taken`);
      return true;
    } catch (error) {
      if (signal.aborted || isKind(error, 'FAILED_PRECONDITION')) return true;
      const problem = errorMessage(error);
      if (problem !== this.lastProblem) log(problem);
      this.lastProblem = problem;
      // What is wrong with a config machined says itself.
      if (error instanceof FetchFailed) await offer({ problem }).catch(() => {});
      return false;
    }
  }

  /** Until the time is up, the network has changed (but not at once after an attempt), or nothing is wanted any more. */
  private sleep(delayMs: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      let callOff = () => {};
      const arm = (ms: number) => {
        callOff();
        if (ms !== Number.POSITIVE_INFINITY) callOff = this.clock.after(Math.max(ms, 0), end);
      };
      const end = () => {
        callOff();
        this.wake = () => {};
        signal.removeEventListener('abort', end);
        resolve();
      };
      this.wake = () => arm(this.triedAtMs + FIRST_DELAY_MS - this.clock.nowMs());
      signal.addEventListener('abort', end, { once: true });
      arm(delayMs);
    });
  }
}

function isKind(error: unknown, kind: ControlError['kind']): boolean {
  return error instanceof ControlError && error.kind === kind;
}
