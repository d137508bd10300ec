/**
 * Moves the pods of this node away, each as far as its disruption budget allows, and waits until they are gone; not longer than there is patience for.
 *
 *   pod                                                    what happens to it
 *   static, of a DaemonSet, or over                        nothing: it would come back here, or does not run
 *   of nobody, and the node comes back                     nothing: it ends with the node and starts with it; evicted, it would be gone for good
 *   one that comes meanwhile                               nothing: it tolerates a node that takes no pods, and would come again
 *   all others                                             evicted; gone when the API says so
 *   the API does not evict it now (its budget, or busy)    asked again
 *   the API does not evict it at all                       said, and not waited for
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { withSignals } from '../../base/abort.js';
import { errorMessage } from '../../base/errors.js';
import { printable } from '../../base/printable.js';
import { MINUTE_MS, SECOND_MS } from '../../base/units.js';
import {
  type EvictionApi,
  evictPod,
  type KubeClient,
  KubeError,
  type NodePod,
  nodePodOf,
  podsOfNode,
  watchList,
} from '../../kube/api/index.js';

export interface DrainOptions {
  client: Pick<KubeClient, 'create' | 'list' | 'watch'>;
  nodeName: string;
  eviction: EvictionApi;
  /** The node does not come back: pods that nobody makes anew go as well. */
  isForGood: boolean;
  log(text: string): void;
  /** For all of it. */
  patienceMs?: number;
  /** For an API that does not answer. */
  silenceMs?: number;
  /** Between two attempts to evict a pod. */
  retryMs?: number;
}

export interface DrainResult {
  /** How many were evicted, or ended already, and are gone. */
  moved: number;
  /** 'NAMESPACE/NAME' of those that are there still. */
  left: string[];
  /** Why it ended before all were gone: half a sentence. undefined: they are, but for those that cannot be evicted at all. */
  why: string | undefined;
}

const PATIENCE_MS = 5 * MINUTE_MS;
const SILENCE_MS = 30 * SECOND_MS;
const RETRY_MS = 5 * SECOND_MS;
/** What may be otherwise in a while, if only since the pod is gone then. */
const PASSING: ReadonlySet<string> = new Set([
  ...['ERR_KUBE_BUSY', 'ERR_KUBE_CONFLICT', 'ERR_KUBE_DEADLINE', 'ERR_KUBE_NOT_FOUND', 'ERR_KUBE_UNREACHABLE'],
]);
const MAX_NAMES = 10;

/** Rejects with the reason of the signal only; what does not work otherwise is in the result. */
export async function drain(options: DrainOptions, signal: AbortSignal): Promise<DrainResult> {
  return await new Drain(options).run(signal);
}

class Drain {
  private readonly over = new AbortController();
  /** Uids of those that were there at first, and are to go; undefined: nothing is known yet. */
  private chosen: ReadonlySet<string> | undefined;
  private readonly refused = new Set<string>();
  private there: readonly NodePod[] = [];
  private why: string | undefined;
  private silence: NodeJS.Timeout | undefined;
  private readonly evictions: Promise<void>[] = [];

  constructor(private readonly options: DrainOptions) {}

  async run(signal: AbortSignal): Promise<DrainResult> {
    const { client, nodeName, patienceMs = PATIENCE_MS } = this.options;
    const patience = setTimeout(() => this.end(`not within ${patienceMs / SECOND_MS} s`), patienceMs);
    await withSignals([signal, this.over.signal], async (stops) => {
      try {
        await watchList(
          {
            ...{ client, resource: podsOfNode(nodeName), select: nodePodOf },
            changed: (pods: readonly NodePod[]) => this.changed(pods, stops),
            problem: (text) => this.heard(text),
            // There is little time.
            maxDelayMs: RETRY_MS,
          },
          stops,
        );
      } catch (error) {
        signal.throwIfAborted();
        if (!this.over.signal.aborted) throw error;
      } finally {
        clearTimeout(patience);
        clearTimeout(this.silence);
        this.over.abort();
        await Promise.all(this.evictions);
      }
    });
    const left = this.there.map(nameOf);
    return { moved: (this.chosen?.size ?? 0) - left.length, left, why: this.why };
  }

  private changed(pods: readonly NodePod[], signal: AbortSignal): void {
    const isFirst = this.chosen === undefined;
    this.chosen ??= new Set(pods.filter((pod) => this.goes(pod)).map(({ uid }) => uid));
    // One that is over is as good as gone.
    this.there = pods.filter((pod) => this.chosen?.has(pod.uid) && this.goes(pod));
    if (isFirst) {
      for (const pod of this.there) if (!pod.isEnding) this.evictions.push(this.evict(pod, signal));
    }
    this.look();
  }

  private goes({ owner, isOver }: NodePod): boolean {
    if (isOver || owner === 'node' || owner === 'daemon-set') return false;
    return owner === 'controller' || this.options.isForGood;
  }

  /** Never rejects. */
  private async evict(pod: NodePod, signal: AbortSignal): Promise<void> {
    const { client, eviction, log, retryMs = RETRY_MS } = this.options;
    for (let said = ''; !signal.aborted && this.isThere(pod); ) {
      try {
        return await evictPod(client, pod, eviction, signal);
      } catch (error) {
        if (signal.aborted) return;
        const code = error instanceof KubeError ? error.code : '';
        const text = errorMessage(error);
        if (text !== said && code !== 'ERR_KUBE_NOT_FOUND') log(`pod ${nameOf(pod)} is not evicted: ${text}`);
        said = text;
        if (!PASSING.has(code)) {
          this.refused.add(pod.uid);
          return this.look();
        }
        const pauseMs = Math.max(retryMs, error instanceof KubeError ? error.retryAfterMs : 0);
        await sleep(pauseMs, undefined, { signal }).catch(() => {});
      }
    }
  }

  private isThere({ uid }: NodePod): boolean {
    return this.there.some((pod) => pod.uid === uid);
  }

  private look(): void {
    if (this.there.every(({ uid }) => this.refused.has(uid))) this.end(undefined);
  }

  /** @param problem  of the API; '': it answers again */
  private heard(problem: string): void {
    const { silenceMs = SILENCE_MS } = this.options;
    if (problem !== '') {
      this.silence ??= setTimeout(() => this.end(problem), silenceMs);
      return;
    }
    clearTimeout(this.silence);
    this.silence = undefined;
  }

  private end(why: string | undefined): void {
    this.why ??= why;
    this.over.abort();
  }
}

function nameOf({ namespace, name }: NodePod): string {
  return printable(`${namespace}/${name}`);
}

/** For people: what became of it. */
export function describeDrain({ moved, left, why }: DrainResult, tookMs: number): string {
  const reason = why === undefined ? '' : `: ${why}`;
  if (moved + left.length === 0)
    return why === undefined ? 'there is no pod to move away' : `no pod was moved away${reason}`;
  const result = `${moved} of ${moved + left.length} pods were moved away in ${(tookMs / SECOND_MS).toFixed(1)} s`;
  if (left.length === 0) return `${result}${reason}`;
  const names = left.length > MAX_NAMES ? [...left.slice(0, MAX_NAMES), '…'] : left;
  return `${result}, and not ${names.join(', ')}${reason}`;
}
