import { ClientError } from '../../client/index.js';
import {
  type JsonObject,
  KubeClient,
  KubeError,
  type ListOptions,
  parseKubeconfig,
  type Resource,
} from '../../kube/api/index.js';
import { fetchKubeconfig } from '../kubeconfig.js';
import { stringifyKubeconfig } from '../kubeconfig-merge.js';
import type { Session, Target } from '../session.js';
import { NotChecked } from './check.js';

/** Why the Kubernetes API cannot be asked, which is no fault of the cluster's: by what the node answers to a call for the kubeconfig. */
const REASONS: Readonly<Record<string, string>> = {
  PERMISSION_DENIED: 'only an administrator may ask the Kubernetes API',
  UNIMPLEMENTED: 'the node makes no kubeconfig',
};

/** The Kubernetes API as the administrator of a cluster may ask it, by a kubeconfig that a node makes once for all checks. */
export class KubernetesAccess {
  private client: Promise<KubeClient> | undefined;

  constructor(
    private readonly session: Session,
    private readonly target: Target,
    private readonly env: NodeJS.ProcessEnv,
  ) {}

  /** @throws NotChecked · TalosError */
  async get(path: string): Promise<JsonObject> {
    return (await this.connect()).get(path);
  }

  /** @returns undefined when there is no such object */
  async find(path: string): Promise<JsonObject | undefined> {
    try {
      return await this.get(path);
    } catch (error) {
      if (error instanceof KubeError && error.code === 'ERR_KUBE_NOT_FOUND') return undefined;
      throw error;
    }
  }

  /** @throws NotChecked · TalosError */
  async list<T>(resource: Resource, select: ListOptions<T>['select']): Promise<T[]> {
    return (await (await this.connect()).list(resource, { select })).items;
  }

  /** Ends its connections. */
  async close(): Promise<void> {
    const client = await this.client?.catch(() => undefined);
    client?.close();
  }

  /** What has failed is tried again by the next check. */
  private connect(): Promise<KubeClient> {
    if (this.client) return this.client;
    const client = this.make();
    this.client = client;
    client.catch(() => {
      this.client = undefined;
    });
    return client;
  }

  private async make(): Promise<KubeClient> {
    try {
      const kubeconfig = await fetchKubeconfig(this.session, this.target, this.env);
      const access = parseKubeconfig(stringifyKubeconfig(kubeconfig));
      return new KubeClient({ access, deadlineMs: this.session.client.timeoutMs });
    } catch (error) {
      const reason = error instanceof ClientError ? REASONS[error.code] : undefined;
      throw reason === undefined ? error : new NotChecked(reason);
    }
  }
}
