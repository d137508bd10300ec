import { readFile } from 'node:fs/promises';
import { isTimeout, withDeadline } from '../base/abort.js';
import { TalosError } from '../base/errors.js';
import { formatDuration, SECOND_MS } from '../base/units.js';
import { KubeClient, NODES, parseKubeconfig, watchList } from '../kube/api/index.js';
import { type NodeReadiness, readinessOf, unreadyNodes } from '../kube/node-readiness.js';

/** One answer, of a machine that has much to do. */
const ANSWER_TIMEOUT_MS = 30 * SECOND_MS;
/** Between attempts: somebody waits, and the server is expected any moment. */
const MAX_PAUSE_MS = 2 * SECOND_MS;

/**
 * Follows the nodes of a cluster by its Kubernetes API until all of them are Ready.
 * @param options.kubeconfig  file with the administrator's access
 * @param options.names       of the nodes that there have to be
 * @param options.timeoutMs   patience
 * @param options.signal      ends the waiting with its reason
 * @param options.onProgress  what is being waited for, whenever that changes
 * @throws TalosError ERR_NODES_TIMEOUT with what was last in the way
 */
export async function waitForNodes(options: {
  kubeconfig: string;
  names: readonly string[];
  timeoutMs: number;
  signal: AbortSignal;
  onProgress: (text: string) => void;
}): Promise<void> {
  const { names, signal, onProgress } = options;
  const access = parseKubeconfig(await readFile(options.kubeconfig, 'utf8'));
  const client = new KubeClient({ access, deadlineMs: ANSWER_TIMEOUT_MS });
  const done = new AbortController();
  let missing = 'its API has not answered';
  onProgress('waiting for the Kubernetes API');
  const changed = (nodes: readonly NodeReadiness[]) => {
    const unready = unreadyNodes(nodes, names);
    if (unready.length === 0) return done.abort();
    missing = unready.join('; ');
    const ready = nodes.filter(({ isReady }) => isReady).length;
    onProgress(`waiting for nodes, ${ready} of ${names.length} are Ready: ${missing}`);
  };
  const problem = (text: string) => {
    if (text !== '') missing = text;
  };
  try {
    const node = { resource: NODES, select: readinessOf };
    await withDeadline(options.timeoutMs, [done.signal, signal], (ends) =>
      watchList({ client, ...node, changed, problem, maxDelayMs: MAX_PAUSE_MS }, ends),
    );
  } catch (error) {
    if (done.signal.aborted) return;
    signal.throwIfAborted();
    if (!isTimeout(error)) throw error;
    throw new TalosError(
      'ERR_NODES_TIMEOUT',
      `Kubernetes was not ready within ${formatDuration(options.timeoutMs)}: ${missing}`,
      { cause: error },
    );
  } finally {
    client.close();
  }
}
