/**
 * What the node knows of its cluster, from the moment on that it is in one: where the pods of other nodes are, and which servers the API has.
 *
 *   state      event                                          next
 *   outside    the kubelet has credentials (kubelet.conf)     inside: nodes and API servers are followed with them
 *   inside     the file is another one                        inside, with that one
 *   inside     the file is gone                               outside: no routes, no members
 *
 * The file is waited for by inotify(7). Failures of the API change nothing: what was known stays. When this process is started again PID 1 still
 * has the routes, and they stay until the API has been asked.
 */
import { errorCode, errorMessage } from '../../base/errors.js';
import { KIB } from '../../base/units.js';
import type { MachineConfig } from '../../config/schema.js';
import type { PodRoute } from '../../control/protocol.js';
import { type ApiMember, type ClusterNode, ownPodCidrs } from '../../kube/api/index.js';
import type { DescriptorModule, FileDescriptor, FilesModule } from '../../native/contract.js';
import { FolderWatch } from '../pod-logs/folder-watch.js';
import { ApiMembers } from './api-members.js';
import { ClusterSession } from './cluster-session.js';
import type { ManifestKeeper } from './manifests/keeper.js';
import { NodeAccess } from './node-access.js';
import type { PodNetwork } from './pod-network.js';
import { PodRouteKeeper } from './pod-route-keeper.js';

export interface ClusterWatchOptions {
  files: Pick<FilesModule, 'openRoot' | 'readFile' | 'replaceFile' | 'remove'>;
  descriptor: Pick<DescriptorModule, 'duplicate'>;
  /** Where kubeadm and the kubelet have their kubeconfigs. */
  folder: string;
  /** Of the API, whichever server lives. */
  proxy: { host: string; port: number };
  config(): MachineConfig;
  /** Addresses of this node with the lengths of their networks. */
  networks(): string[];
  setPodRoutes(routes: PodRoute[]): Promise<unknown>;
  /** Of the pods of this node. */
  podNetwork: Pick<PodNetwork, 'take'>;
  /** Of the cluster's own; on a control plane. */
  manifests: Pick<ManifestKeeper, 'use' | 'take' | 'stop'>;
  /** `apiServers` is another list. */
  apiServersChanged(): void;
  log(text: string): void;
  /** Until PID 1 is told again what it did not take. */
  retryMs?: number;
}

const KUBELET = 'kubelet.conf';
const ADMIN = 'admin.conf';
const MAX_BYTES = 256 * KIB;

export class ClusterWatch {
  private readonly members: ApiMembers;
  private readonly pods: PodRouteKeeper;
  private readonly texts = new Map<string, string | undefined>();
  private session: ClusterSession | undefined;
  private access: NodeAccess | undefined;
  private storing: Promise<void> = Promise.resolve();
  /** Of sessions that are over. */
  private ending: Promise<unknown> = Promise.resolve();

  constructor(private readonly options: ClusterWatchOptions) {
    this.members = new ApiMembers(options.files);
    this.pods = new PodRouteKeeper(options);
  }

  /** As the API has named them; none before it has. */
  get apiServers(): readonly ApiMember[] {
    return this.members.list;
  }

  /** The network of the node may be another one. */
  refresh(): void {
    this.pods.refresh();
  }

  /** Goes on until the signal is aborted, and rejects with its reason; or with why the folder cannot be watched. */
  async run(signal: AbortSignal): Promise<never> {
    const { files, descriptor, folder } = this.options;
    const root = await files.openRoot(folder);
    const watch = new FolderWatch(descriptor, root);
    try {
      for (;;) {
        await this.look(root);
        await watch.changedOnce(signal);
      }
    } finally {
      watch.close();
      this.endSession();
      this.access?.stop();
      this.pods.stop();
      await this.options.manifests.stop();
      await this.storing;
      await this.ending;
      root.close();
    }
  }

  private async look(root: FileDescriptor): Promise<void> {
    if (await this.isAnother(root, KUBELET)) await this.follow(root, this.texts.get(KUBELET));
    if (await this.isAnother(root, ADMIN)) {
      this.access?.stop();
      const text = this.texts.get(ADMIN);
      const isWanted = text !== undefined && this.options.config().machine.type === 'controlplane';
      this.access = isWanted ? NodeAccess.begin(text, this.options) : undefined;
      this.options.manifests.use(isWanted ? text : undefined);
    }
  }

  private async follow(root: FileDescriptor, kubeconfig: string | undefined): Promise<void> {
    const { log, proxy } = this.options;
    if (kubeconfig === undefined) {
      this.endSession();
      this.pods.leave();
      this.options.manifests.take('', []);
      await this.storing;
      if (await this.members.forget(root)) this.options.apiServersChanged();
      return;
    }
    if (this.members.list.length === 0 && (await this.members.load(root))) this.options.apiServersChanged();
    const next = ClusterSession.begin(kubeconfig, {
      ...{ proxy, log },
      nodes: (ownName: string, nodes: readonly ClusterNode[]) => {
        this.pods.take(ownName, nodes);
        this.options.podNetwork.take(ownPodCidrs(nodes, ownName));
        this.options.manifests.take(ownName, nodes);
      },
      members: (found) => this.named(root, found),
    });
    // With one that is no kubeconfig, what was known goes on.
    if (!next) return;
    this.endSession();
    this.session = next;
  }

  private endSession(): void {
    if (this.session) this.ending = Promise.all([this.ending, this.session.stop()]);
    this.session = undefined;
  }

  private named(root: FileDescriptor, found: readonly ApiMember[]): void {
    if (!this.members.take(found)) return;
    const names = this.members.list.map(({ host }) => host).join(', ');
    this.options.log(`the Kubernetes API is served by ${names}`);
    this.options.apiServersChanged();
    // One behind the other, so that the newest is the last.
    this.storing = this.storing
      .then(() => this.members.store(root))
      .catch((error: unknown) => this.options.log(`the API's servers were not written down: ${errorMessage(error)}`));
  }

  /** Whether a file has another text than the last time, or is there no more, or is there now. */
  private async isAnother(root: FileDescriptor, name: string): Promise<boolean> {
    const text = await this.read(root, name);
    // It is being written: there will be more.
    if (text === '') return false;
    const isAnother = !this.texts.has(name) || this.texts.get(name) !== text;
    this.texts.set(name, text);
    return isAnother;
  }

  private async read(root: FileDescriptor, name: string): Promise<string | undefined> {
    try {
      return (await this.options.files.readFile(root, name, { maxBytes: MAX_BYTES })).toString('utf8');
    } catch (error) {
      if (errorCode(error) === 'ENOENT') return undefined;
      this.options.log(`${name} cannot be read: ${errorMessage(error)}`);
      return '';
    }
  }
}
