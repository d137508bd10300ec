/**
 * Manifests of the machine config, in the cluster. One control plane applies them: the first of those that there are.
 *
 *   state      event                                              next
 *   idle       this node is that one, with the administrator's    applying
 *              kubeconfig, and there are manifests
 *   applying   all are in the cluster                             settled
 *   applying   some are not, or the API does not answer           waiting: 0.25 s, doubled up to a minute, less a random part
 *   waiting    time is up                                         applying what is left
 *   any        another kubeconfig or other manifests              applying
 *   any        this node is not that one any more                 idle
 *
 * A boot, and a machined that is started again, begin anew: what somebody has changed of these objects meanwhile becomes as the config has it. Nothing is
 * ever deleted.
 */
import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { nextDelay } from '../../../base/back-off.js';
import { errorMessage } from '../../../base/errors.js';
import { MINUTE_MS, SECOND_MS } from '../../../base/units.js';
import type { MachineConfig } from '../../../config/schema.js';
import {
  type ClusterNode,
  firstControlPlane,
  KubeClient,
  KubeError,
  parseKubeconfig,
} from '../../../kube/api/index.js';
import { type FetchManifest, ManifestBatch } from './batch.js';
import { type ManifestSource, manifestSources } from './sources.js';

export interface ManifestKeeperOptions {
  config(): Pick<MachineConfig, 'cluster'>;
  /** Of the API, whichever server lives. */
  proxy: { host: string; port: number };
  fetch: FetchManifest;
  /** What is not in the cluster, and why: a sentence for whoever looks after the node. undefined: nothing is missing any more. */
  report(problem: string | undefined): void;
  log(text: string): void;
  /** Until a failure is reported: that a kind is not there yet, or a name not known, passes. */
  reportAfterMs?: number;
  /** The longest wait, and the waiting itself. */
  maxDelayMs?: number;
}

interface Wish {
  kubeconfig: string;
  sources: readonly ManifestSource[];
}

const REPORT_AFTER_MS = 5 * SECOND_MS;
const MAX_DELAY_MS = MINUTE_MS;
/** Of those that are not applied. */
const MAX_NAMED = 3;

export class ManifestKeeper {
  private kubeconfig: string | undefined;
  private isFirst = false;
  /** Of what is being applied, or is. */
  private key = '';
  private round: AbortController | undefined;
  private work: Promise<void> = Promise.resolve();
  private applied: readonly string[] = [];

  constructor(private readonly options: ManifestKeeperOptions) {}

  /** @param kubeconfig  of the administrator; undefined: this node has none */
  use(kubeconfig: string | undefined): void {
    this.kubeconfig = kubeconfig;
    this.refresh();
  }

  /** @param ownName  of this node; '': it is in no cluster */
  take(ownName: string, nodes: readonly ClusterNode[]): void {
    const first = firstControlPlane(nodes);
    const isFirst = first !== undefined && first === ownName;
    if (isFirst === this.isFirst) return;
    this.isFirst = isFirst;
    this.refresh();
  }

  /** The config may be another one. */
  refresh(): void {
    const wish = this.wish();
    const key = wish === undefined ? '' : createHash('sha256').update(JSON.stringify(wish)).digest('hex');
    if (key === this.key) return;
    this.key = key;
    this.round?.abort(new Error('there are other manifests'));
    this.round = undefined;
    this.options.report(undefined);
    if (wish === undefined) return;
    const round = new AbortController();
    this.round = round;
    // One behind the other, so that the newest is what stays.
    this.work = this.work.then(() => this.run(wish, round.signal));
  }

  /** Resolves when nothing is under way. */
  async stop(): Promise<void> {
    this.kubeconfig = undefined;
    this.refresh();
    await this.work;
  }

  private wish(): Wish | undefined {
    const { kubeconfig, isFirst } = this;
    if (kubeconfig === undefined || !isFirst) return undefined;
    const sources = manifestSources(this.options.config());
    return sources.length === 0 ? undefined : { kubeconfig, sources };
  }

  /** Goes on until all is there, or the signal. Never rejects. */
  private async run({ kubeconfig, sources }: Wish, signal: AbortSignal): Promise<void> {
    const { proxy, fetch, log, maxDelayMs = MAX_DELAY_MS } = this.options;
    const batch = new ManifestBatch(sources, fetch);
    const startedMs = performance.now();
    let client: KubeClient | undefined;
    let lastProblem = '';
    for (let delayMs = 0; !signal.aborted; ) {
      let leastMs = 0;
      let problem = '';
      try {
        client ??= new KubeClient({ access: parseKubeconfig(kubeconfig), connectTo: proxy });
        const problems = await batch.apply(client, signal);
        problem = summaryOf(problems);
        this.tell(problem, startedMs);
        if (problems.length === 0) {
          this.settle(batch.applied, sources.length);
          break;
        }
      } catch (error) {
        if (signal.aborted) break;
        // That the API does not answer is said elsewhere.
        problem = errorMessage(error);
        if (error instanceof KubeError) leastMs = error.retryAfterMs;
      }
      if (problem !== lastProblem) log(`manifests are not applied yet: ${problem}`);
      lastProblem = problem;
      delayMs = nextDelay(delayMs, 0, maxDelayMs);
      const pauseMs = Math.max(delayMs * (0.5 + Math.random() / 2), leastMs);
      await sleep(pauseMs, undefined, { signal, ref: false }).catch(() => {});
    }
    client?.close();
  }

  private tell(problem: string, startedMs: number): void {
    const { report, reportAfterMs = REPORT_AFTER_MS } = this.options;
    if (problem === '') report(undefined);
    else if (performance.now() - startedMs >= reportAfterMs) {
      report(`manifests of the cluster are not applied: ${problem}`);
    }
  }

  private settle(applied: readonly string[], manifests: number): void {
    const { log } = this.options;
    const gone = this.applied.filter((each) => !applied.includes(each));
    this.applied = applied;
    log(`manifests: ${applied.length} objects of ${manifests} are in the cluster`);
    for (const each of gone) log(`${each} is in no manifest any more and stays in the cluster: delete it with kubectl`);
  }
}

function summaryOf(problems: readonly string[]): string {
  const more = problems.length - MAX_NAMED;
  return problems.slice(0, MAX_NAMED).join('; ') + (more > 0 ? `; and ${more} more` : '');
}
