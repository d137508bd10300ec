import type { Architecture } from '../base/architecture.js';
import type { BootPhase } from './boot-phases.js';
import type { FirmwareKind } from './hardware.js';
import type { Accelerator, DiskModel, MachineName, NetworkModel } from './machines.js';
import { clustersDir } from './paths.js';
import { isRunning } from './process-identity.js';
import { clusterNames, type KubernetesState, readState } from './state.js';

/** A cluster as people and programs are shown it. */
export interface ClusterView {
  readonly name: string;
  /** `incomplete`: its creation is under way, or was killed. */
  readonly state: 'ready' | 'incomplete';
  readonly arch?: Architecture | undefined;
  readonly machine?: MachineName | undefined;
  readonly accelerator?: Accelerator | undefined;
  readonly context?: string | undefined;
  readonly kubernetes?: KubernetesState | undefined;
  readonly nodes: readonly {
    readonly name: string;
    readonly kind?: 'controlplane' | 'worker' | undefined;
    readonly address?: string | undefined;
    readonly state: 'running' | 'stopped';
    readonly pid: number;
    readonly endpoint: string;
    readonly consoleLog: string;
    readonly cpus: number;
    readonly memoryMib: number;
    readonly disk?: DiskModel | undefined;
    readonly network?: NetworkModel | undefined;
    readonly firmware?: FirmwareKind | undefined;
    readonly systemDisk?: string | undefined;
    readonly diskBytes?: number | undefined;
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
  if (!state || state.isIncomplete) return { name, state: 'incomplete', nodes: [] };
  return {
    name,
    state: 'ready',
    arch: state.arch,
    machine: state.machine,
    accelerator: state.accelerator,
    context: state.context,
    kubernetes: state.kubernetes,
    nodes: state.nodes.map((node) => ({
      name: node.name,
      kind: node.kind,
      address: node.address,
      state: isRunning(node.process) ? 'running' : 'stopped',
      pid: node.process.pid,
      endpoint: node.endpoint,
      consoleLog: node.consoleLog,
      cpus: node.cpus,
      memoryMib: node.memoryMib,
      disk: node.disk,
      network: node.network,
      firmware: node.firmware,
      systemDisk: node.systemDisk,
      diskBytes: node.diskBytes,
      apiReadyMs: node.apiReadyMs,
      phases: node.phases,
    })),
  };
}
