/** Pods of one node, as far as moving them away needs them: https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/pod-v1/ */
import type { KubeClient, Resource } from './client.js';
import { isTrueAt, type JsonObject, listAt, textAt } from './json.js';

/**
 * Who makes a pod anew when it is gone.
 *
 *   node         the kubelet: it is a static pod's mirror
 *   daemon-set   its controller, on the same node, cordoned or not
 *   controller   its controller, on any node
 *   nobody
 */
export type PodOwner = 'node' | 'daemon-set' | 'controller' | 'nobody';

export interface NodePod {
  uid: string;
  namespace: string;
  name: string;
  owner: PodOwner;
  /** It has been deleted, and ends. */
  isEnding: boolean;
  /** Nothing of it runs any more, or will again. */
  isOver: boolean;
}

/** API version of an eviction. */
export type EvictionApi = 'policy/v1' | 'policy/v1beta1';

/** The kubelet's mark on what it shows of its static pods. */
const MIRROR = 'kubernetes.io/config.mirror';
const OVER: ReadonlySet<string> = new Set(['Succeeded', 'Failed']);

export function podsOfNode(nodeName: string): Resource {
  return { path: '/api/v1/pods', fieldSelector: `spec.nodeName=${nodeName}` };
}

/** undefined: it is no pod. */
export function nodePodOf(object: JsonObject): NodePod | undefined {
  const text = (field: string) => textAt(object, 'metadata', field) ?? '';
  const [uid, namespace, name] = [text('uid'), text('namespace'), text('name')];
  if (uid === '' || namespace === '' || name === '') return undefined;
  const isEnding = text('deletionTimestamp') !== '';
  const isOver = OVER.has(textAt(object, 'status', 'phase') ?? '');
  return { uid, namespace, name, owner: ownerOf(object), isEnding, isOver };
}

function ownerOf(object: JsonObject): PodOwner {
  if (textAt(object, 'metadata', 'annotations', MIRROR) !== undefined) return 'node';
  const controller = listAt(object, 'metadata', 'ownerReferences').find((one) => isTrueAt(one, 'controller'));
  if (controller === undefined) return 'nobody';
  return textAt(controller, 'kind') === 'DaemonSet' ? 'daemon-set' : 'controller';
}

/**
 * Has a pod ended in order, if its disruption budget allows that: https://kubernetes.io/docs/concepts/scheduling-eviction/api-eviction/. Answered when that has
 * begun; the pod is gone when it is gone. May be repeated. Another pod of that name is left alone.
 * @throws KubeError  ERR_KUBE_BUSY  not now: its budget forbids it · ERR_KUBE_NOT_FOUND  it is gone · others
 */
export async function evictPod(
  client: Pick<KubeClient, 'create'>,
  { uid, namespace, name }: Pick<NodePod, 'uid' | 'namespace' | 'name'>,
  apiVersion: EvictionApi,
  signal: AbortSignal,
): Promise<void> {
  const [inNamespace, pod] = [encodeURIComponent(namespace), encodeURIComponent(name)];
  const metadata = { name, namespace };
  const eviction = { apiVersion, kind: 'Eviction', metadata, deleteOptions: { preconditions: { uid } } };
  await client.create(`/api/v1/namespaces/${inNamespace}/pods/${pod}/eviction`, eviction, { signal });
}
