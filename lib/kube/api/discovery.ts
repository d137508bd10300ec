/** Where the objects of a kind are: https://kubernetes.io/docs/reference/using-api/api-concepts/ */
import { quoted } from '../../base/printable.js';
import type { KubeClient } from './client.js';
import { KubeError } from './errors.js';
import { isTrueAt, listAt, textAt } from './json.js';

/** What of an object says where it is. */
export interface ObjectPlace {
  /** 'v1', 'apps/v1' */
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  /** undefined: that which is called `default`, where its kind has one. */
  readonly namespace?: string | undefined;
}

interface Kind {
  /** As paths have it: 'configmaps'. */
  plural: string;
  isNamespaced: boolean;
}

const DEFAULT_NAMESPACE = 'default';

/** Asks the API for the kinds of each group once. One that is not there (yet) is asked for again. */
export class Discovery {
  private readonly known = new Map<string, Map<string, Kind>>();

  constructor(private readonly client: Pick<KubeClient, 'get'>) {}

  /**
   * @returns the path of an object, and its namespace; undefined for a kind that has none
   * @throws KubeError  ERR_KUBE_NOT_FOUND: the API has no such kind · others
   */
  async find(place: ObjectPlace, signal?: AbortSignal): Promise<{ path: string; namespace: string | undefined }> {
    const { apiVersion, kind, name } = place;
    const base = apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
    const found = this.known.get(base)?.get(kind) ?? (await this.ask(base, signal)).get(kind);
    if (found === undefined) throw unknown(kind, apiVersion);
    const namespace = found.isNamespaced ? (place.namespace ?? DEFAULT_NAMESPACE) : undefined;
    const parts = [...(namespace === undefined ? [] : ['namespaces', namespace]), found.plural, name];
    return { path: [base, ...parts.map(encodeURIComponent)].join('/'), namespace };
  }

  private async ask(base: string, signal: AbortSignal | undefined): Promise<Map<string, Kind>> {
    const list = await this.client.get(base, signal ? { signal } : {}).catch((error: unknown) => {
      // The group comes with the first of its kinds.
      if (error instanceof KubeError && error.code === 'ERR_KUBE_NOT_FOUND') return {};
      throw error;
    });
    const kinds = new Map<string, Kind>();
    for (const each of listAt(list, 'resources')) {
      const [plural = '', kind = ''] = [textAt(each, 'name'), textAt(each, 'kind')];
      // 'deployments/status' is a part of one.
      if (plural === '' || plural.includes('/') || kinds.has(kind)) continue;
      kinds.set(kind, { plural, isNamespaced: isTrueAt(each, 'namespaced') });
    }
    this.known.set(base, kinds);
    return kinds;
  }
}

function unknown(kind: string, apiVersion: string): KubeError {
  return new KubeError(
    'ERR_KUBE_NOT_FOUND',
    `the cluster has no kind ${quoted(kind, 100)} in ${quoted(apiVersion, 300)}: see whether something that brings it is missing, or this release of Kubernetes has it in another version`,
  );
}
