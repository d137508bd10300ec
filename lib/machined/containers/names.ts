/** How containers are called: those of pods by what Kubernetes calls them, others by their own id. */
import type { Container } from '../../containerd/index.js';

export interface ContainerNames {
  id: string;
  /** The pod's id; of a pod's sandbox, and outside of pods, the id itself. */
  podId: string;
  name: string;
}

/** Labels that the kubelet has containerd put on what it makes. */
export const KUBERNETES_LABELS = {
  namespace: 'io.kubernetes.pod.namespace',
  pod: 'io.kubernetes.pod.name',
  podUid: 'io.kubernetes.pod.uid',
  container: 'io.kubernetes.container.name',
} as const;
/** A container that was started again has the name of the one before: the beginning of its own id tells them apart. */
const ID_CHARACTERS = 12;

/** 'kube-system/etcd' for the sandbox of a pod, 'kube-system/etcd:etcd:0123456789ab' for a container in it. */
export function namesOf({ id, labels }: Pick<Container, 'id' | 'labels'>): ContainerNames {
  const namespace = labels[KUBERNETES_LABELS.namespace];
  const pod = labels[KUBERNETES_LABELS.pod];
  const name = labels[KUBERNETES_LABELS.container];
  if (!namespace || !pod) return { id, podId: id, name: id };
  const podId = `${namespace}/${pod}`;
  if (!name) return { id: podId, podId, name: pod };
  return { id: `${podId}:${name}:${id.slice(0, ID_CHARACTERS)}`, podId, name };
}
