/** Kubernetes on the nodes of a local cluster: begun on the first of them, and waited for until all are Ready. */
import path from 'node:path';
import { withSignals } from '../base/abort.js';
import { errorCode, errorMessage, TalosError } from '../base/errors.js';
import { formatDuration, MINUTE_MS } from '../base/units.js';
import type { ApiTarget, CreateOptions, KubernetesOptions } from './create-options.js';
import type { PlannedNode, StartedNode } from './start-node.js';
import type { KubernetesState } from './state.js';
import { waitForNodes } from './wait-for-nodes.js';

/** What kubeadm asks for (1700 MiB), and what the node itself takes. */
export const MINIMUM_KUBERNETES_MEMORY_MIB = 2048;
/** From the order to begin until all nodes are Ready, on an emulated machine that has other things to do. */
export const DEFAULT_KUBERNETES_WAIT_TIMEOUT_MS = 20 * MINUTE_MS;

/** @throws TalosError ERR_HARDWARE  nodes with Kubernetes would have too little memory */
export function checkMemory({ kubernetes, memoryMib }: Pick<CreateOptions, 'kubernetes' | 'memoryMib'>): void {
  if (kubernetes === undefined || memoryMib === undefined || memoryMib >= MINIMUM_KUBERNETES_MEMORY_MIB) return;
  const needed = `a control plane with Kubernetes needs ${MINIMUM_KUBERNETES_MEMORY_MIB} MiB of memory`;
  throw new TalosError('ERR_HARDWARE', `${needed}, and ${memoryMib} are too little`, {
    hint: `use --memory ${MINIMUM_KUBERNETES_MEMORY_MIB} at least, or leave it out`,
  });
}

/**
 * What will be kept of a cluster's Kubernetes; undefined without it.
 * @param first   of its nodes
 * @param folder  of the cluster
 */
export function planKubernetes(
  { kubernetes }: Pick<CreateOptions, 'kubernetes'>,
  { kubernetesPort }: Pick<PlannedNode, 'kubernetesPort'>,
  folder: string,
): KubernetesState | undefined {
  if (kubernetes === undefined) return undefined;
  return {
    version: kubernetes.version,
    endpoint: `https://127.0.0.1:${kubernetesPort}`,
    kubeconfig: path.join(folder, 'kubeconfig'),
  };
}

/** A cluster that has been told to begin. */
export class KubernetesStart {
  private readonly abandoned = new AbortController();
  private readonly begun: Promise<void>;

  /**
   * Has the first control plane begin, while the other nodes boot.
   * @param target  its machine API, which answers
   */
  constructor(
    private readonly options: CreateOptions,
    bootstrap: KubernetesOptions['bootstrap'],
    target: ApiTarget,
  ) {
    const { waitTimeoutMs = DEFAULT_KUBERNETES_WAIT_TIMEOUT_MS } = options;
    const late = `${target.endpoint} was not told to begin a cluster within ${formatDuration(waitTimeoutMs)}`;
    const patience = setTimeout(() => this.abandoned.abort(new TalosError('ERR_NODES_TIMEOUT', late)), waitTimeoutMs);
    this.begun = bootstrap(target, this.abandoned.signal).finally(() => clearTimeout(patience));
    // Whoever waits is told; if the cluster does not come to that, nobody is.
    this.begun.catch(() => {});
  }

  /** The cluster is taken away again. */
  abandon(): void {
    this.abandoned.abort(new Error('the cluster is not made after all'));
  }

  /**
   * Waits until every node is Ready.
   * @returns the time since QEMU of the first node was started, ms
   * @throws TalosError ERR_KUBERNETES_START  with what was last in the way; the cluster stays, to be looked at
   */
  async waitUntilReady(nodes: readonly StartedNode[], kubeconfig: string): Promise<number> {
    const { name, onProgress = () => {}, signal, waitTimeoutMs = DEFAULT_KUBERNETES_WAIT_TIMEOUT_MS } = this.options;
    const ends = [...nodes.map(({ qemu }) => qemu.ended), signal];
    try {
      await withSignals(ends, async (stop) => {
        const abandon = () => this.abandoned.abort(stop.reason);
        if (stop.aborted) abandon();
        stop.addEventListener('abort', abandon, { once: true });
        await this.begun;
        await waitForNodes({
          kubeconfig,
          names: nodes.map(({ state }) => state.name),
          timeoutMs: waitTimeoutMs,
          signal: stop,
          onProgress,
        });
      });
    } catch (caught) {
      const ended = ends.find((end) => end?.aborted);
      const error: unknown = ended ? ended.reason : caught;
      if (!(error instanceof TalosError)) throw error;
      throw new TalosError('ERR_KUBERNETES_START', errorMessage(error), {
        cause: error,
        hint: startHint(name, error),
      });
    }
    return Math.round(performance.now() - (nodes[0]?.qemu.startedAtMs ?? 0));
  }
}

function startHint(name: string, error: TalosError): string {
  const look = errorCode(error) === 'ERR_QEMU_ENDED' ? '' : ': look with `osctl health` and `osctl service kubelet`';
  return `the cluster is left as it is${look}; \`osctl cluster destroy --name ${name}\` removes it`;
}
