/**
 * Whether pods may be put on this node. What we say of it is ours by server-side apply: taking it back leaves alone what somebody else has said.
 * https://kubernetes.io/docs/reference/using-api/server-side-apply/
 */
import { isTrueAt, type JsonObject, KubeError, NODES, textAt } from '../../kube/api/index.js';
import { type NodeClientPlace, withNodeClient } from './node-client.js';

const node = (name: string, more: JsonObject = {}) => ({ apiVersion: 'v1', kind: 'Node', metadata: { name }, ...more });
const pathOf = (nodeName: string) => `${NODES.path}/${encodeURIComponent(nodeName)}`;
const isCordoned = (object: JsonObject) => isTrueAt(object, 'spec', 'unschedulable');

/**
 * Nothing is scheduled to this node any more.
 * @throws KubeError · the error of the system call: there are no credentials
 */
export async function cordon(nodeName: string, signal: AbortSignal, place?: NodeClientPlace): Promise<void> {
  await withNodeClient(async (client) => {
    await client.apply(pathOf(nodeName), node(nodeName, { spec: { unschedulable: true } }), { signal });
  }, place);
}

/**
 * Takes back what `cordon` has said, if it has.
 * @returns 'open': it is as if nothing had been said · 'kept': somebody else has said so as well · 'none': it was not, or there is no such node
 * @throws as `cordon`
 */
export async function uncordon(
  nodeName: string,
  signal: AbortSignal,
  place?: NodeClientPlace,
): Promise<'open' | 'kept' | 'none'> {
  return await withNodeClient(async (client) => {
    const path = pathOf(nodeName);
    const before = await client.get(path, { signal }).catch((error: unknown) => {
      if (error instanceof KubeError && error.code === 'ERR_KUBE_NOT_FOUND') return undefined;
      throw error;
    });
    if (before === undefined || !isCordoned(before)) return 'none';
    // Of this very node: one that was deleted meanwhile would be made by it.
    const uid = textAt(before, 'metadata', 'uid');
    const after = await client.apply(path, node(nodeName, { metadata: { name: nodeName, uid } }), { signal });
    return isCordoned(after) ? 'kept' : 'open';
  }, place);
}
