import type { Accelerator } from './accelerator.js';
import type { BootPhase } from './boot-phases.js';
import { clustersDir } from './paths.js';
import { isRunning } from './process-identity.js';
import { clusterNames, readState } from './state.js';

/** A cluster as people and programs are shown it. */
export interface ClusterView {
  readonly name: string;
  /** `incomplete`: its creation is under way, or was killed. */
  readonly state: 'ready' | 'incomplete';
  readonly accelerator?: Accelerator | undefined;
  readonly context?: string | undefined;
  readonly nodes: readonly {
    readonly name: string;
    readonly state: 'running' | 'stopped';
    readonly pid: number;
    readonly endpoint: string;
    readonly consoleLog: string;
    readonly cpus: number;
    readonly memoryMib: number;
    readonly apiReadyMs?: number | undefined;
    readonly phases?: readonly BootPhase[] | undefined;
  }[];
}

/** Names of the local clusters. */
export function listClusters(environment?: NodeJS.ProcessEnv): Promise<string[]> {
  return clusterNames(clustersDir(environment));
}

/**
 * Looks at one cluster, without asking its API.
 * @throws TalosError ERR_NO_CLUSTER
 */
export async function showCluster(name: string, environment?: NodeJS.ProcessEnv): Promise<ClusterView> {
  const state = await readState(clustersDir(environment), name);
  if (!state) return { name, state: 'incomplete', nodes: [] };
  return {
    name,
    state: 'ready',
    accelerator: state.accelerator,
    context: state.context,
    nodes: state.nodes.map((node) => ({
      name: node.name,
      state: isRunning(node.process) ? 'running' : 'stopped',
      pid: node.process.pid,
      endpoint: node.endpoint,
      consoleLog: node.consoleLog,
      cpus: node.cpus,
      memoryMib: node.memoryMib,
      apiReadyMs: node.apiReadyMs,
      phases: node.phases,
    })),
  };
}
