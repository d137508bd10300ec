/**
 * Gives the first node of a cluster its network of pods. Elsewhere the controller manager does, which is started when the API server answers and is of use half a
 * minute later at the soonest; until then no network of pods could be written, and the node not be Ready. There is no controller manager yet, so nobody gives the
 * same part to anybody else; when it is started it takes over what Nodes have.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { withDeadline } from '../../base/abort.js';
import { errorMessage } from '../../base/errors.js';
import { SECOND_MS } from '../../base/units.js';
import { type KubeClient, listAt, NODES, textAt } from '../../kube/api/index.js';

/** For the kubelet to make its Node: it tries again after seven seconds at most. */
const PATIENCE_MS = 30 * SECOND_MS;
const LOOK_AGAIN_MS = SECOND_MS / 2;

/**
 * @param client  of the administrator
 * @param options.podCidrs  one, or one of each IP version
 * @returns whether the Node has them, or others, now · rejects with the reason of the signal
 */
export async function givePodCidrs(
  client: Pick<KubeClient, 'get' | 'apply'>,
  options: { nodeName: string; podCidrs: readonly string[]; log(text: string): void; patienceMs?: number },
  signal: AbortSignal,
): Promise<boolean> {
  const { nodeName, podCidrs, log, patienceMs = PATIENCE_MS } = options;
  const path = `${NODES.path}/${nodeName}`;
  let lastProblem = 'it is not there';
  try {
    return await withDeadline(patienceMs, [signal], async (ends) => {
      for (;;) {
        try {
          const node = await client.get(path, { signal: ends });
          if (listAt(node, 'spec', 'podCIDRs').length > 0 || textAt(node, 'spec', 'podCIDR') !== undefined) return true;
          const spec = { podCIDR: podCidrs[0] ?? '', podCIDRs: [...podCidrs] };
          const object = { apiVersion: 'v1', kind: 'Node', metadata: { name: nodeName }, spec };
          await client.apply(path, object, { signal: ends });
          return true;
        } catch (error) {
          ends.throwIfAborted();
          lastProblem = errorMessage(error);
        }
        await sleep(LOOK_AGAIN_MS, undefined, { signal: ends });
      }
    });
  } catch {
    signal.throwIfAborted();
    log(`the network of this node's pods is left to the controller manager: ${lastProblem}`);
    return false;
  }
}
