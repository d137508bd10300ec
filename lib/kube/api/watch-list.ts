/**
 * A collection, always whole and always new: listed once, then followed.
 *
 *   state      event                                    next
 *   listing    the list is there                        watching from its version; the state is told
 *   listing    failed                                   listing again, after a pause
 *   watching   events                                   watching; the state is told if what is kept of it has changed
 *   watching   the server ends it, or it breaks         watching from the newest version, after a pause
 *   watching   that version is too old (410), or an     listing, after a pause
 *              answer that is none
 *   watching   nothing was heard for a whole watch,     listing: the server may have gone back behind us (a restored backup)
 *              or in so many that failed
 *
 * Pauses are those of lib/base/back-off.ts, each less a random part, so that a cluster's nodes do not come all at once.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { MAX_DELAY_MS, nextDelay } from '../../base/back-off.js';
import { errorMessage } from '../../base/errors.js';
import { MINUTE_MS } from '../../base/units.js';
import type { KubeClient, Resource } from './client.js';
import { KubeError } from './errors.js';
import { type JsonObject, textAt } from './json.js';
import type { WatchEvent } from './watch-stream.js';

export interface WatchListOptions<T> {
  client: Pick<KubeClient, 'list' | 'watch'>;
  resource: Resource;
  /** What is kept of an object, plain data; undefined: nothing. */
  select(object: JsonObject): T | undefined;
  /** All that there is: once at first, then whenever it is different. In no order. */
  changed(items: readonly T[]): void;
  /** Why it is not up to date, each reason once in a row; '' when it is again. */
  problem(text: string): void;
  watchTimeoutMs?: number;
  /** The longest pause; and as long as there is no state yet. */
  maxDelayMs?: number;
  maxFirstDelayMs?: number;
  /** 0 to 1. */
  random?: () => number;
  /** For tests. */
  pause?: (delayMs: number, signal: AbortSignal) => Promise<void>;
  now?: () => number;
}

const WATCH_TIMEOUT_MS = 5 * MINUTE_MS;
const MAX_SILENT_FAILURES = 3;

/** Goes on until the signal is aborted; rejects with its reason, and with nothing else. */
export function watchList<T>(options: WatchListOptions<T>, signal: AbortSignal): Promise<never> {
  return new Informer(options).run(signal);
}

class Informer<T> {
  private items = new Map<string, { text: string; item: T }>();
  /** undefined: it has to be listed. */
  private version: string | undefined;
  private isListed = false;
  private hasNews = false;
  private lastProblem = '';
  /** In a row, without an event between. */
  private silentFailures = 0;
  private readonly random: () => number;
  private readonly now: () => number;
  private readonly pause: NonNullable<WatchListOptions<T>['pause']>;

  constructor(private readonly options: WatchListOptions<T>) {
    this.random = options.random ?? Math.random;
    this.now = options.now ?? (() => performance.now());
    this.pause = options.pause ?? ((delayMs, signal) => sleep(delayMs, undefined, { signal }));
  }

  async run(signal: AbortSignal): Promise<never> {
    let delayMs = 0;
    for (;;) {
      signal.throwIfAborted();
      const begun = this.now();
      let leastMs = 0;
      try {
        if (this.version === undefined) await this.list(signal);
        await this.watch(signal);
      } catch (error) {
        signal.throwIfAborted();
        leastMs = this.failed(error);
      }
      delayMs = nextDelay(delayMs, this.now() - begun, this.maxDelayMs);
      const jittered = delayMs * (0.5 + this.random() / 2);
      await this.pause(Math.max(jittered, leastMs), signal).catch(() => signal.throwIfAborted());
    }
  }

  private get maxDelayMs(): number {
    const { maxDelayMs = MAX_DELAY_MS, maxFirstDelayMs = maxDelayMs } = this.options;
    return this.isListed ? maxDelayMs : maxFirstDelayMs;
  }

  private async list(signal: AbortSignal): Promise<void> {
    const { client, resource, select } = this.options;
    const keyed = (object: JsonObject) => {
      const item = select(object);
      return item === undefined ? undefined : { key: keyOf(object), item };
    };
    const { items, resourceVersion } = await client.list(resource, { select: keyed, signal });
    const before = this.items;
    this.items = new Map(items.map(({ key, item }) => [key, { text: JSON.stringify(item), item }]));
    this.hasNews ||= !this.isListed || !isSame(before, this.items);
    this.isListed = true;
    this.version = resourceVersion;
    this.working();
    this.tell();
  }

  private async watch(signal: AbortSignal): Promise<void> {
    const { client, resource, watchTimeoutMs = WATCH_TIMEOUT_MS } = this.options;
    let isSilent = true;
    await client.watch(resource, {
      resourceVersion: this.version ?? '',
      signal,
      // Watches that began together do not end together.
      timeoutMs: watchTimeoutMs * (1 + this.random()),
      onOpen: () => this.working(),
      onEvents: (events) => {
        isSilent = false;
        this.silentFailures = 0;
        for (const event of events) this.take(event);
        this.tell();
      },
    });
    if (isSilent) this.version = undefined;
  }

  private take(event: WatchEvent): void {
    if (event.kind === 'bookmark') {
      this.version = event.resourceVersion;
      return;
    }
    this.version = textAt(event.object, 'metadata', 'resourceVersion');
    const key = keyOf(event.object);
    const item = event.kind === 'deleted' ? undefined : this.options.select(event.object);
    const before = this.items.get(key)?.text;
    const text = item === undefined ? undefined : JSON.stringify(item);
    if (before === text) return;
    this.hasNews = true;
    if (item === undefined || text === undefined) this.items.delete(key);
    else this.items.set(key, { text, item });
  }

  private tell(): void {
    if (!this.hasNews) return;
    this.hasNews = false;
    this.options.changed([...this.items.values()].map(({ item }) => item));
  }

  /** @returns how long the server wants to be left alone at least */
  private failed(error: unknown): number {
    this.silentFailures++;
    const isLost = !(error instanceof KubeError) || error.code === 'ERR_KUBE_GONE' || error.code === 'ERR_KUBE_ANSWER';
    if (isLost || this.silentFailures >= MAX_SILENT_FAILURES) {
      this.version = undefined;
      this.silentFailures = 0;
    }
    // That it has to be listed again is nobody's fault.
    if (!(error instanceof KubeError && error.code === 'ERR_KUBE_GONE')) this.say(errorMessage(error));
    return error instanceof KubeError ? error.retryAfterMs : 0;
  }

  private working(): void {
    if (this.lastProblem !== '') this.say('');
  }

  private say(problem: string): void {
    if (problem !== this.lastProblem) this.options.problem(problem);
    this.lastProblem = problem;
  }
}

type Kept = ReadonlyMap<string, { text: string }>;

function isSame(left: Kept, right: Kept): boolean {
  return left.size === right.size && [...left].every(([key, { text }]) => right.get(key)?.text === text);
}

function keyOf(object: JsonObject): string {
  return `${textAt(object, 'metadata', 'namespace') ?? ''}/${textAt(object, 'metadata', 'name') ?? ''}`;
}
