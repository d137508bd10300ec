import { errorMessage } from '../base/errors.js';
import { dropContext } from './contexts.js';
import { connectQmp } from './node-control.js';
import { clustersDir } from './paths.js';
import { isRunning, type ProcessIdentity, signalProcess, waitForExit } from './process-identity.js';
import { type ClusterState, type NodeState, readState, removeClusterDir } from './state.js';

const QUIT_TIMEOUT_MS = 3000;
const KILL_TIMEOUT_MS = 10_000;

/**
 * Ends a cluster's nodes and removes everything of it: processes, keys, logs, and its context. A client config that cannot be changed keeps that
 * context, and keeps nothing else.
 * @param name     of the cluster
 * @param options  `onProgress`: what is being done, for people; `onLeft`: what is left, and why
 * @throws TalosError ERR_NO_CLUSTER
 */
export async function destroyCluster(
  name: string,
  options: {
    environment?: NodeJS.ProcessEnv;
    onProgress?: (text: string) => void;
    onLeft?: (text: string) => void;
  } = {},
): Promise<void> {
  const clusters = clustersDir(options.environment);
  const state = await readState(clusters, name);
  for (const node of state?.nodes ?? []) {
    options.onProgress?.(`ending node ${node.name}`);
    await endNode(node);
  }
  if (state?.frameSwitch) await endSwitch(state.frameSwitch);
  await removeClusterDir(clusters, name);
  if (state && !state.isIncomplete) await forgetContext(state, options.onLeft);
}

async function forgetContext({ talosconfig, context, nodes }: ClusterState, onLeft = (_text: string) => {}) {
  try {
    for (const { endpoint } of nodes) await dropContext(talosconfig, context, endpoint);
  } catch (error) {
    onLeft(`context ${context} is left in ${talosconfig}: ${errorMessage(error)}`);
  }
}

async function endSwitch(identity: ProcessIdentity): Promise<void> {
  signalProcess(identity, 'SIGTERM');
  if (await waitForExit(identity, QUIT_TIMEOUT_MS)) return;
  signalProcess(identity, 'SIGKILL');
  await waitForExit(identity, KILL_TIMEOUT_MS);
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
