import { dropContext } from './contexts.js';
import { connectQmp } from './node-control.js';
import { clustersDir } from './paths.js';
import { isRunning, signalProcess, waitForExit } from './process-identity.js';
import { type NodeState, readState, removeClusterDir } from './state.js';

const QUIT_TIMEOUT_MS = 3000;
const KILL_TIMEOUT_MS = 10_000;

/**
 * Ends a cluster's nodes and removes everything of it: processes, keys, logs, and its context.
 * @param name     of the cluster
 * @param options  `onProgress`: what is being done, for people
 * @throws TalosError ERR_NO_CLUSTER
 */
export async function destroyCluster(
  name: string,
  options: { environment?: NodeJS.ProcessEnv; onProgress?: (text: string) => void } = {},
): Promise<void> {
  const clusters = clustersDir(options.environment);
  const state = await readState(clusters, name);
  for (const node of state?.nodes ?? []) {
    options.onProgress?.(`ending node ${node.name}`);
    await endNode(node);
    if (state) await dropContext(state.talosconfig, state.context, node.endpoint);
  }
  await removeClusterDir(clusters, name);
}

/** Asks QEMU to quit; when it does not listen, kills it, having made sure that the pid is still its own. */
async function endNode(node: NodeState): Promise<void> {
  if (!isRunning(node.process)) return;
  try {
    const qmp = await connectQmp(node);
    await qmp.execute('quit').finally(() => qmp.close());
  } catch {
    // It hangs, or ended while it was asked; the next step finds out.
  }
  if (await waitForExit(node.process, QUIT_TIMEOUT_MS)) return;
  signalProcess(node.process, 'SIGKILL');
  await waitForExit(node.process, KILL_TIMEOUT_MS);
}
