import { errorMessage } from '../../base/errors.js';
import { SECOND_MS } from '../../base/units.js';
import {
  API_SERVERS,
  type ApiMember,
  apiMembersOf,
  type ClusterNode,
  clusterNodeOf,
  KubeClient,
  NODES,
  parseKubeconfig,
  watchList,
} from '../../kube/api/index.js';
import { parseCertificate } from '../../pki/index.js';

export interface ClusterSessionOptions {
  proxy: { host: string; port: number };
  /** @param ownName  of this node, as its credentials say */
  nodes(ownName: string, nodes: readonly ClusterNode[]): void;
  members(found: readonly ApiMember[]): void;
  log(text: string): void;
}

/** Names of nodes in their certificates: https://kubernetes.io/docs/reference/access-authn-authz/node/ */
const NODE_USER = /^system:node:(.+)$/;

/**
 * Whom it asks first is on this node. A node that has just come into the cluster waits for it: it is not ready before its pods have a network. It may
 * be the first one, whose API server is about to start.
 */
const DELAYS = { maxDelayMs: 10 * SECOND_MS, maxFirstDelayMs: 2 * SECOND_MS };

/** What is followed with one kubeconfig of the kubelet's. */
export class ClusterSession {
  private readonly controller = new AbortController();
  /** Number of the newest state: earlier ones are nobody's business. */
  private newest = 0;
  private ownName: string | undefined;
  private readonly following: Promise<void>[] = [];

  private constructor(
    private readonly client: KubeClient,
    private readonly options: ClusterSessionOptions,
  ) {}

  /** @returns undefined: it is no kubeconfig (yet), as the log says */
  static begin(kubeconfig: string, options: ClusterSessionOptions): ClusterSession | undefined {
    try {
      const client = new KubeClient({ access: parseKubeconfig(kubeconfig), connectTo: options.proxy });
      const session = new ClusterSession(client, options);
      session.begin();
      return session;
    } catch (error) {
      options.log(`kubelet.conf cannot be used: ${errorMessage(error)}`);
      return undefined;
    }
  }

  /** Resolves when no file of the kubelet's is open any more; never rejects. */
  async stop(): Promise<void> {
    this.controller.abort(new Error('the credentials are others'));
    await Promise.all(this.following);
    await this.client.close();
  }

  private begin(): void {
    this.follow('nodes', {
      resource: NODES,
      select: clusterNodeOf,
      changed: (nodes: readonly ClusterNode[]) => void this.changed(nodes),
    });
    this.follow('API servers', {
      resource: API_SERVERS,
      select: apiMembersOf,
      changed: (lists: readonly ApiMember[][]) => this.options.members(lists.flat()),
    });
  }

  private follow<T>(what: string, options: Omit<Parameters<typeof watchList<T>>[0], 'client' | 'problem'>): void {
    const { log } = this.options;
    const problem = (text: string) => log(text === '' ? `${what} of the cluster are followed again` : text);
    const { signal } = this.controller;
    const over = watchList({ ...options, client: this.client, problem, ...DELAYS }, signal);
    this.following.push(
      over.catch((error: unknown) => {
        if (!signal.aborted) throw error;
      }),
    );
  }

  private async changed(nodes: readonly ClusterNode[]): Promise<void> {
    const number = ++this.newest;
    try {
      this.ownName ??= await this.nameOf();
      if (this.controller.signal.aborted || number !== this.newest) return;
      if (this.ownName !== undefined) this.options.nodes(this.ownName, nodes);
      else this.options.log('kubelet.conf has the certificate of somebody who is no node: no routes to pods are made');
    } catch (error) {
      this.options.log(`it is not known which node this is: ${errorMessage(error)}`);
    }
  }

  /** Certificates are replaced, their name stays. */
  private async nameOf(): Promise<string | undefined> {
    const certificate = (await this.client.certificate()) ?? '';
    return NODE_USER.exec(parseCertificate(certificate).commonName ?? '')?.[1];
  }
}
