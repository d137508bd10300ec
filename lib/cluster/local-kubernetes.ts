import { TalosError } from '../base/errors.js';
import { clustersDir } from './paths.js';
import { isRunning } from './process-identity.js';
import { type ClusterState, clusterNames, readState } from './state.js';

/**
 * Where the Kubernetes API of a local cluster is reached from here: by a forwarded port, whatever address its nodes use.
 * @param endpoints  host:port of machine APIs: those of nodes that are to be talked to
 * @returns URL; undefined when no running node of a local cluster with Kubernetes has one of them
 */
export async function localKubernetesEndpoint(
  endpoints: readonly string[],
  environment?: NodeJS.ProcessEnv,
): Promise<string | undefined> {
  const clusters = clustersDir(environment);
  for (const name of await clusterNames(clusters)) {
    const state = await readable(clusters, name);
    const isMeant = state?.nodes.some((node) => endpoints.includes(node.endpoint) && isRunning(node.process));
    if (isMeant && state?.kubernetes) return state.kubernetes.endpoint;
  }
  return undefined;
}

/** A cluster that is broken, or gone meanwhile, is none that could be meant. */
async function readable(clusters: string, name: string): Promise<ClusterState | undefined> {
  try {
    return await readState(clusters, name);
  } catch (error) {
    if (error instanceof TalosError) return undefined;
    throw error;
  }
}
