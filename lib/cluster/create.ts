import { errorMessage, TalosError } from '../base/errors.js';
import { replacePrivateFile } from '../base/private-file.js';
import { GIB, MINUTE_MS } from '../base/units.js';
import { chooseAccelerator } from './accelerator.js';
import { bootPhases } from './boot-phases.js';
import { ConsoleFollower } from './console-log.js';
import { addContext, dropContext } from './contexts.js';
import type { ApiTarget, CreateOptions } from './create-options.js';
import { chooseHardware } from './hardware.js';
import { makeIdentity } from './identity.js';
import { checkMemory, KubernetesStart, planKubernetes } from './kubernetes.js';
import { MACHINES } from './machines.js';
import { clustersDir, talosconfigPath } from './paths.js';
import { type ProcessIdentity, signalProcess, waitForExit } from './process-identity.js';
import type { StartedQemu } from './qemu-process.js';
import { planNodes, type StartedNode, startNode } from './start-node.js';
import { startSwitch } from './start-switch.js';
import { type ClusterState, makeClusterDir, type NodeState, removeClusterDir, writeState } from './state.js';
import { type ApiProbe, waitForApi } from './wait-for-api.js';

export type { ApiTarget, CreateOptions } from './create-options.js';
export { DEFAULT_CPUS, DEFAULT_KUBERNETES_MEMORY_MIB, DEFAULT_MEMORY_MIB } from './start-node.js';
/** What `osctl cluster create` gives a node. */
export const DEFAULT_DISK_BYTES = 10 * GIB;
export const DEFAULT_WAIT_TIMEOUT_MS = 5 * MINUTE_MS;

/**
 * Makes a cluster and boots its nodes: keys, machine configs, config disks, QEMU, and the context by which clients reach them.
 * When anything fails nothing is left behind, neither a process nor a file, except that the error quotes the console. Nodes that answer, and on which
 * Kubernetes is not ready in time, stay: they can be asked what is the matter.
 * @returns its state, also written to its folder
 * @throws TalosError ERR_CLUSTER_EXISTS, ERR_HARDWARE, ERR_QEMU, ERR_QEMU_ENDED, ERR_API_TIMEOUT, ERR_KUBERNETES_START and those of the steps
 */
export async function createCluster(options: CreateOptions): Promise<ClusterState> {
  checkMemory(options);
  const environment = options.environment ?? process.env;
  const clusters = clustersDir(environment);
  const folder = await makeClusterDir(clusters, options.name);
  const undo: (() => Promise<void>)[] = [() => removeClusterDir(clusters, options.name)];
  let booted: Booted;
  try {
    booted = await boot(options, folder, talosconfigPath(environment, options.talosconfig), undo);
  } catch (error) {
    await takeBack(undo, options.onProgress);
    // What is under way fails in its own ways when it is interrupted.
    options.signal?.throwIfAborted();
    throw error;
  }
  const { state, started, kubernetes } = booted;
  if (state.kubernetes === undefined || kubernetes === undefined) return state;
  const readyMs = await kubernetes.waitUntilReady(started, state.kubernetes.kubeconfig);
  const readyState = { ...state, kubernetes: { ...state.kubernetes, readyMs } };
  await writeState(folder, readyState);
  return readyState;
}

/** The last first. One that cannot be done leaves what it is about, and no more than that. */
async function takeBack(undo: readonly (() => Promise<void>)[], tell: CreateOptions['onProgress']): Promise<void> {
  for (const step of undo.toReversed()) {
    await step().catch((error: unknown) => tell?.(`something is left of the cluster: ${errorMessage(error)}`));
  }
}

/** Nodes that run, and answer if they were waited for. */
interface Booted {
  readonly state: ClusterState;
  readonly started: readonly StartedNode[];
  /** Absent without Kubernetes, and when nothing is waited for. */
  readonly kubernetes: KubernetesStart | undefined;
}

async function boot(
  options: CreateOptions,
  folder: string,
  talosconfig: string,
  undo: (() => Promise<void>)[],
): Promise<Booted> {
  const progress = options.onProgress ?? (() => {});
  const createdAt = new Date().toISOString();
  const hardware = chooseHardware(options);
  const machineType = MACHINES[hardware.machine];
  const nodes = await planNodes(options);

  const kubernetesState = planKubernetes(options, nodes[0], folder);
  const access = kubernetesState && { ...options.kubernetes, endpoint: kubernetesState.endpoint };
  if (options.accelerator === undefined) progress('looking whether KVM works');
  const accelerator =
    options.accelerator ?? (await chooseAccelerator(machineType, options.kernel, { signal: options.signal }));
  progress('making keys and the machine config');
  const isEmulated = accelerator === 'tcg';
  const identity = await makeIdentity({ clusterName: options.name, nodes, kubernetes: access, isEmulated });
  if (kubernetesState) await replacePrivateFile(kubernetesState.kubeconfig, identity.kubeconfig ?? '');
  const frameSwitch = nodes.length === 1 ? undefined : await startSwitch(folder);
  if (frameSwitch) undo.push(() => endProcess(frameSwitch));
  const started: StartedNode[] = [];
  const stateOf = (context: string): ClusterState => ({
    version: 1,
    name: options.name,
    arch: machineType.architecture,
    machine: hardware.machine,
    accelerator,
    context,
    talosconfig,
    createdAt,
    nodes: started.map((one) => one.state),
    frameSwitch,
    kubernetes: kubernetesState,
  });
  for (const [at, node] of nodes.entries()) {
    options.signal?.throwIfAborted();
    progress(`starting QEMU (${accelerator})${nodes.length === 1 ? '' : ` of ${node.name}`}`);
    const machineConfig = identity.machineConfigs[at] as string;
    const one = await startNode(options, node, { folder, hardware, accelerator, machineConfig });
    undo.push(() => endProcess(one.qemu.process));
    started.push(one);
    // If this process is killed now, `cluster destroy` has to know what it is to end.
    await writeState(folder, { ...stateOf(''), isIncomplete: true });
  }

  const context = await addContext(talosconfig, identity.clientConfig);
  undo.push(() => dropContext(talosconfig, context, nodes[0].endpoint));
  const state = stateOf(context);
  await writeState(folder, state);
  const readyNodes: NodeState[] = [];
  let kubernetes: KubernetesStart | undefined;
  // They boot side by side; workers wait for a control plane anyway.
  for (const { state: node, qemu } of started) {
    const target = { ...identity.client, endpoint: node.endpoint };
    readyNodes.push({ ...node, ...(await waitUntilReady(options, qemu, node.consoleLog, target)) });
    if (kubernetes || !options.kubernetes || !isWaitedFor(options)) continue;
    const begun = new KubernetesStart(options, options.kubernetes.bootstrap, target);
    undo.push(async () => begun.abandon());
    kubernetes = begun;
  }
  const readyState: ClusterState = { ...state, nodes: readyNodes };
  await writeState(folder, readyState);
  return { state: readyState, started, kubernetes };
}

function isWaitedFor({ probe, withConfigDisk }: CreateOptions): boolean {
  return probe !== undefined && withConfigDisk !== false;
}

/** Waits for the API when a probe was given, and says how long it took. */
async function waitUntilReady(
  options: CreateOptions,
  qemu: StartedQemu,
  consoleLog: string,
  target: ApiTarget,
): Promise<Pick<NodeState, 'apiReadyMs' | 'phases'>> {
  const { probe } = options;
  if (!probe || !isWaitedFor(options)) return {};
  const follower = await ConsoleFollower.open(consoleLog);
  let told = '';
  const stopTelling = follower.onLine(() => {
    const latest = bootPhases(follower.lines, qemu.startedAtMs).findLast(({ isDetail }) => !isDetail);
    if (latest && latest.name !== told)
      options.onProgress?.(`booting: ${latest.name} after ${(latest.atMs / 1000).toFixed(1)} s`);
    told = latest?.name ?? '';
  });
  try {
    const attempt: ApiProbe = (signal) => probe(target, signal);
    const timeoutMs = options.waitTimeoutMs ?? DEFAULT_WAIT_TIMEOUT_MS;
    await waitForApi({ probe: attempt, console: follower, ended: qemu.ended, timeoutMs, signal: options.signal });
    const apiReadyMs = Math.round(performance.now() - qemu.startedAtMs);
    return { apiReadyMs, phases: bootPhases(follower.lines, qemu.startedAtMs) };
  } catch (error) {
    throw withConsole(error, follower);
  } finally {
    stopTelling();
    await follower.close();
  }
}

const QUOTED_LINES = 15;

/** A node that did not come up is removed with its console log, so the error carries the log's end. */
function withConsole(error: unknown, follower: ConsoleFollower): unknown {
  if (!(error instanceof TalosError) || error.code !== 'ERR_API_TIMEOUT') return error;
  const tail = follower.lines
    .map((line) => line.text)
    .filter((text) => text.trim() !== '')
    .slice(-QUOTED_LINES);
  const quoted =
    tail.length === 0
      ? 'its console is empty'
      : ['end of its console:', ...tail.map((line) => `  | ${line}`)].join('\n');
  return new TalosError(error.code, `${error.message}\n${quoted}`, {
    cause: error.cause,
    hint: "run it again with a longer --wait-timeout, or without waiting, and look at it with 'osctl cluster show'",
  });
}

const KILL_TIMEOUT_MS = 5000;

async function endProcess(identity: ProcessIdentity): Promise<void> {
  signalProcess(identity, 'SIGKILL');
  await waitForExit(identity, KILL_TIMEOUT_MS);
}
