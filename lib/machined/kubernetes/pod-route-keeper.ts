import { errorMessage } from '../../base/errors.js';
import { SECOND_MS } from '../../base/units.js';
import type { MachineConfig } from '../../config/schema.js';
import type { PodRoute } from '../../control/protocol.js';
import type { ClusterNode } from '../../kube/api/index.js';
import { podSubnets } from '../../kube/cluster-network.js';
import { bringsOwnNetwork } from '../../kube/cni.js';
import { podRoutesOf } from './pod-routes.js';

export interface PodRouteKeeperOptions {
  config(): MachineConfig;
  networks(): string[];
  setPodRoutes(routes: PodRoute[]): Promise<unknown>;
  log(text: string): void;
  retryMs?: number | undefined;
}

const RETRY_MS = 5 * SECOND_MS;

/** Tells PID 1 where pods are whenever that is something new: other nodes, or other addresses of this one. */
export class PodRouteKeeper {
  /** undefined: nothing is known yet, so nothing is said. */
  private seen: { ownName: string; nodes: readonly ClusterNode[] } | undefined;
  private sent = '';
  private said: string[] = [];
  private work: Promise<void> = Promise.resolve();
  private retry: NodeJS.Timeout | undefined;

  constructor(private readonly options: PodRouteKeeperOptions) {}

  take(ownName: string, nodes: readonly ClusterNode[]): void {
    this.seen = { ownName, nodes };
    this.refresh();
  }

  /** This node is in no cluster. */
  leave(): void {
    this.take('', []);
  }

  refresh(): void {
    if (!this.seen) return;
    clearTimeout(this.retry);
    const config = this.options.config();
    const { ownName, nodes } = this.seen;
    // One that the cluster brings makes routes, or needs none.
    const isOurs = !bringsOwnNetwork(config);
    const { routes, problems } = podRoutesOf(isOurs ? nodes : [], {
      ownName,
      podSubnets: podSubnets(config),
      ownNetworks: this.options.networks(),
    });
    for (const problem of problems) if (!this.said.includes(problem)) this.options.log(problem);
    this.said = problems;
    // One behind the other, so that the newest is the last.
    this.work = this.work.then(() => this.send(routes));
  }

  stop(): void {
    clearTimeout(this.retry);
    this.seen = undefined;
  }

  private async send(routes: PodRoute[]): Promise<void> {
    const text = JSON.stringify(routes);
    if (text === this.sent) return;
    try {
      await this.options.setPodRoutes(routes);
      this.sent = text;
    } catch (error) {
      this.options.log(`init was not told where pods are: ${errorMessage(error)}`);
      this.retry = setTimeout(() => this.refresh(), this.options.retryMs ?? RETRY_MS).unref();
    }
  }
}
