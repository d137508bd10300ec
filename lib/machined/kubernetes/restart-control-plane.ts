import { type ContainerdConnection, listContainers, signalTask } from '../../containerd/index.js';
import { KUBERNETES_LABELS } from '../containers/names.js';

/** Of pods. */
const NAMESPACE = 'k8s.io';
const SIGTERM = 15;
const SYSTEM = 'kube-system';
/** Those that read some certificate only when they start. etcd looks at its files with each connection. */
const COMPONENTS: ReadonlySet<string> = new Set(['kube-apiserver', 'kube-controller-manager', 'kube-scheduler']);

/**
 * Ends the containers of this node's control plane that run; the kubelet starts them again. Where none runs yet, nothing.
 * @throws ContainerdError · the reason of the signal
 */
export async function restartControlPlane(
  containerd: { ready(signal: AbortSignal): Promise<void>; readonly connection: ContainerdConnection },
  signal: AbortSignal,
): Promise<void> {
  await containerd.ready(signal);
  const { connection } = containerd;
  for (const { id, labels, task } of await listContainers(connection, NAMESPACE)) {
    const isComponent =
      labels[KUBERNETES_LABELS.namespace] === SYSTEM && COMPONENTS.has(labels[KUBERNETES_LABELS.container] ?? '');
    if (isComponent && task?.status === 'RUNNING') await signalTask(connection, NAMESPACE, id, SIGTERM);
  }
}
