import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { networkInterfaces } from 'node:os';
import { errorMessage } from '../../base/errors.js';
import type { MachineConfig } from '../../config/schema.js';
import type { ControlClient } from '../../control/client.js';
import type { ControlEvent } from '../../control/protocol.js';
import type { ApiMember } from '../../kube/api/index.js';
import { INSTALLED_RELEASE_FILE } from '../../kube/release.js';
import type { NativeAddon } from '../../native/contract.js';
import type { MachinedLog } from '../log.js';
import type { Peers } from '../peers.js';
import type { ClusterWatch } from './cluster-watch.js';
import { FOLDERS, openSealed } from './folders.js';
import type { ManifestKeeper } from './manifests/keeper.js';
import type { PodNetwork } from './pod-network.js';

/** The folder that shows as /etc/kubernetes, so that it does not matter whether it is mounted there yet. */
const FOLDER = FOLDERS.state;
/** proxyd of this node. */
const PROXY = { host: '127.0.0.1', port: 7445 };

export interface NodeClusterOptions {
  native: Pick<NativeAddon, 'files' | 'descriptor' | 'mount'>;
  init: Pick<ControlClient, 'request'>;
  peers: Pick<Peers, 'tell'>;
  config(): MachineConfig;
  /** What of the cluster's own manifests is not in the cluster; undefined: nothing. */
  manifestsProblem(text: string | undefined): void;
  log: Pick<MachinedLog, 'info'>;
}

/** The cluster that this node is in. What watches it is loaded where there is Kubernetes. */
export class NodeCluster {
  private watch: ClusterWatch | undefined;
  private manifests: ManifestKeeper | undefined;
  private podNetwork: Promise<PodNetwork> | undefined;
  private readonly stopped = new AbortController();
  private running: Promise<void> = Promise.resolve();

  constructor(private readonly options: NodeClusterOptions) {}

  get apiServers(): readonly ApiMember[] {
    return this.watch?.apiServers ?? [];
  }

  /** The network of the node may be another one. */
  take(event: ControlEvent): void {
    if (event.kind === 'networkChanged') this.watch?.refresh();
  }

  /** The config in force is another one. */
  configChanged(): void {
    this.manifests?.refresh();
  }

  /** Before the cluster has said which it is: of its first node. Resolves when it is written; what fails is said, and tried again. */
  async writePodNetwork(podCidrs: readonly string[]): Promise<void> {
    const podNetwork = await this.pods();
    podNetwork.take(podCidrs);
    await podNetwork.settled();
  }

  /** One for whoever knows the network, so that it is written once. */
  private pods(): Promise<PodNetwork> {
    this.podNetwork ??= this.makePodNetwork();
    return this.podNetwork;
  }

  private async makePodNetwork(): Promise<PodNetwork> {
    const { native, config, log } = this.options;
    const { PodNetwork } = await import('./pod-network.js');
    return new PodNetwork({
      ...{ files: native.files, config, log: logTo(log) },
      openFolder: (path) => openSealed(native.mount, path),
    });
  }

  /** Once, when there is a config, and a place for what has to last. Goes on until the node goes down, where there is Kubernetes. */
  begin(): void {
    this.running = this.run();
  }

  /** The node goes down. Resolves when nothing of its folder is open: EPHEMERAL could not be unmounted. */
  async stop(): Promise<void> {
    this.stopped.abort(new Error('the node goes down'));
    await this.running;
  }

  private async run(): Promise<void> {
    const { native, init, peers, config, log, manifestsProblem } = this.options;
    if (!existsSync(INSTALLED_RELEASE_FILE)) return;
    const { ClusterWatch } = await import('./cluster-watch.js');
    const { ManifestKeeper } = await import('./manifests/keeper.js');
    const { fetchManifest } = await import('./manifests/fetch.js');
    const logged = logTo(log);
    this.manifests = new ManifestKeeper({
      ...{ config, proxy: PROXY, log: logged, report: manifestsProblem },
      fetch: fetchManifest(async () => (await init.request('describeTime', {})).body.nameServers),
    });
    this.watch = new ClusterWatch({
      ...{ files: native.files, descriptor: native.descriptor, folder: FOLDER, proxy: PROXY, config },
      networks: ownNetworks,
      setPodRoutes: (routes) => init.request('setPodRoutes', { routes }),
      apiServersChanged: () => peers.tell({ kind: 'apiServersChanged' }),
      podNetwork: await this.pods(),
      manifests: this.manifests,
      log: logged,
    });
    try {
      await mkdir(FOLDER, { recursive: true, mode: 0o700 });
      await this.watch.run(this.stopped.signal);
    } catch (error) {
      if (this.stopped.signal.aborted) return;
      log.info(`kubernetes: ${FOLDER} cannot be watched: ${errorMessage(error)}`);
    }
  }
}

const logTo = (log: NodeClusterOptions['log']) => (text: string) => log.info(`kubernetes: ${text}`);

function ownNetworks(): string[] {
  return Object.values(networkInterfaces()).flatMap((list) =>
    (list ?? []).flatMap(({ internal, cidr }) => (internal || cidr === null ? [] : [cidr])),
  );
}
