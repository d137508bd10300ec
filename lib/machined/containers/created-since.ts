import type { Containers } from './containers.js';
import { KUBERNETES_LABELS } from './names.js';

/**
 * How many containers of the same name were made after the one with that id, in the same pod; undefined: there is no such container.
 * @throws ControlError  UNAVAILABLE  containerd does not answer
 */
export async function createdSince(
  containers: Pick<Containers, 'connection'>,
  { container, id }: { container: string; id: string },
  podUid: string,
): Promise<number | undefined> {
  const { connection } = containers;
  const { listContainers } = await import('../../containerd/index.js');
  const runs = (await listContainers(connection, 'k8s.io'))
    .filter(({ labels }) => labels[KUBERNETES_LABELS.podUid] === podUid)
    .filter(({ labels }) => labels[KUBERNETES_LABELS.container] === container)
    .toSorted((a, b) => b.createdMs - a.createdMs);
  const at = runs.findIndex((run) => run.id.startsWith(id));
  return at < 0 ? undefined : at;
}
