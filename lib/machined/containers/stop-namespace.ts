import {
  type ContainerdConnection,
  listContainers,
  removeTask,
  signalTask,
  waitForTask,
} from '../../containerd/index.js';

const SIGTERM = 15;

/**
 * Ends all containers of a namespace: SIGTERM to each, SIGKILL to what is left after `graceMs`, and their tasks are removed, so that neither shims
 * nor mounts stay behind. The containers stay, as ones that have ended: what becomes of a pod is for the kubelet to say, and a container that
 * outlives its pod's sandbox keeps a kubelet from starting. Rejects when containerd cannot be asked what there is.
 */
export async function stopNamespace(
  connection: ContainerdConnection,
  namespace: string,
  graceMs: number,
): Promise<void> {
  const containers = await listContainers(connection, namespace);
  const running = containers.filter(({ task }) => task !== undefined);
  if (graceMs > 0) {
    const patience = AbortSignal.timeout(graceMs);
    await Promise.all(
      running.map(async ({ id }) => {
        try {
          await signalTask(connection, namespace, id, SIGTERM);
          await waitForTask(connection, namespace, id, patience);
        } catch {
          // Its time is up, or it cannot be told, as one whose shim has ended: the others have their time all the same.
        }
      }),
    );
  }
  await Promise.allSettled(running.map(({ id }) => removeTask(connection, namespace, id)));
}
