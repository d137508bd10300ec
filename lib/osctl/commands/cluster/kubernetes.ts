import { setTimeout as delay } from 'node:timers/promises';
import { SECOND_MS } from '../../../base/units.js';
import { type KubernetesRequest, releaseSource } from '../../../cluster/boot-files.js';
import type { ApiTarget, KubernetesOptions } from '../../../cluster/create-options.js';
import { standardPrivateKeyPem } from '../../../pki/keys.js';
import { UsageError } from '../../exit.js';

const AGAIN_MS = SECOND_MS;

/** What `cluster create` is told about Kubernetes. */
export interface KubernetesFlags {
  kubernetes?: string;
  kubernetesSource?: string;
  kubernetesDirectory?: string;
  runtime?: string;
}

/**
 * What the flags say: which Kubernetes the root image has, and what is done with it; undefined without.
 * @throws UsageError · TalosError ERR_RUNTIME, ERR_KUBERNETES  there is no such release, or it does not go with the runtime or the source
 */
export async function kubernetesOf(
  flags: KubernetesFlags,
): Promise<{ request: KubernetesRequest; options: KubernetesOptions } | undefined> {
  const { kubernetes: version, kubernetesSource: source, kubernetesDirectory: directory, runtime } = flags;
  if (version === undefined) {
    if (source === undefined && directory === undefined) return undefined;
    throw new UsageError('where Kubernetes comes from was said, and not which: give --kubernetes VERSION');
  }
  const request = { version, source, directory };
  const chosen = await releaseSource(request, runtime);
  // Images that the archives of a release do not have come from its registry.
  return { request, options: { version, pullsImages: chosen === 'official', bootstrap } };
}

/**
 * Has a node that answers begin the cluster, over its machine API. Right after the boot it may still prepare itself, and says so: it is told again until it
 * takes the order, and one that it has taken already is as good.
 * @throws ClientError  what it says instead; at the end of the signal what it said last
 */
export async function bootstrap({ endpoint, ca, crt, key }: ApiTarget, signal: AbortSignal): Promise<void> {
  const { ClientError, MachineClient } = await import('../../../client/index.js');
  const { bootstrapNode } = await import('../../bootstrap.js');
  const client = new MachineClient({
    endpoints: [endpoint],
    credentials: { ca, crt, key: standardPrivateKeyPem(key) },
  });
  let said: unknown;
  try {
    for (;;) {
      try {
        return await bootstrapNode(client, { name: endpoint, node: undefined }, { signal });
      } catch (error) {
        if (!(error instanceof ClientError)) throw said ?? error;
        if (error.code === 'ALREADY_EXISTS') return;
        if (error.kind !== 'unreachable') throw error;
        said = error;
      }
      await delay(AGAIN_MS, undefined, { signal }).catch(() => {
        throw said;
      });
      client.forgetFailures();
    }
  } finally {
    client.close();
  }
}
