import path from 'node:path';
import { TalosError } from '../base/errors.js';
import { MINUTE_MS } from '../base/units.js';
import { type Accelerator, chooseAccelerator } from './accelerator.js';
import { findApiPort } from './api-port.js';
import { bootPhases } from './boot-phases.js';
import { makeConfigDisk } from './config-disk.js';
import { ConsoleFollower } from './console-log.js';
import { addContext, dropContext } from './contexts.js';
import { makeIdentity } from './identity.js';
import { clustersDir, talosconfigPath } from './paths.js';
import { signalProcess, waitForExit } from './process-identity.js';
import { kernelArguments } from './qemu-arguments.js';
import { type StartedQemu, startQemu } from './qemu-process.js';
import { type ClusterState, makeClusterDir, type NodeState, removeClusterDir, writeState } from './state.js';
import { type ApiProbe, waitForApi } from './wait-for-api.js';

/** Who to ask, and with which client certificate (PEM), while the API is waited for. */
export interface ApiTarget {
  readonly endpoint: string;
  readonly ca: string;
  readonly crt: string;
  readonly key: string;
}

/** What {@link createCluster} is told. */
export interface CreateOptions {
  readonly name: string;
  /** What the node boots: absolute paths. */
  readonly kernel: string;
  readonly initramfs: string;
  /** Root hash of the root image in the initramfs: without it stage0 does not trust the image. */
  readonly rootHash: string;
  readonly cpus?: number | undefined;
  readonly memoryMib?: number | undefined;
  readonly extraKernelArguments?: readonly string[] | undefined;
  /** Asks the API for its version once; without it nothing is waited for. */
  readonly probe?: ((target: ApiTarget, signal: AbortSignal) => Promise<void>) | undefined;
  readonly waitTimeoutMs?: number | undefined;
  /** False: the disk is made but not plugged in, and the node waits for one; nothing is waited for here then. */
  readonly withConfigDisk?: boolean | undefined;
  readonly accelerator?: Accelerator | undefined;
  readonly environment?: NodeJS.ProcessEnv | undefined;
  /** What is being done, for people. */
  readonly onProgress?: ((text: string) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

export const DEFAULT_CPUS = 2;
export const DEFAULT_MEMORY_MIB = 2048;
export const DEFAULT_WAIT_TIMEOUT_MS = 5 * MINUTE_MS;

/**
 * Makes a cluster of one node and boots it: keys, machine config, config disk, QEMU, and the context by which clients reach it.
 * When anything fails nothing is left behind, neither a process nor a file, except that the error quotes the console.
 * @returns its state, also written to its folder
 * @throws TalosError ERR_CLUSTER_EXISTS, ERR_QEMU, ERR_QEMU_ENDED, ERR_API_TIMEOUT and those of the steps
 */
export async function createCluster(options: CreateOptions): Promise<ClusterState> {
  const environment = options.environment ?? process.env;
  const clusters = clustersDir(environment);
  const folder = await makeClusterDir(clusters, options.name);
  const undo: (() => Promise<void>)[] = [() => removeClusterDir(clusters, options.name)];
  try {
    return await boot(options, folder, talosconfigPath(environment), undo);
  } catch (error) {
    for (const step of undo.reverse()) await step();
    throw error;
  }
}

async function boot(
  options: CreateOptions,
  folder: string,
  talosconfig: string,
  undo: (() => Promise<void>)[],
): Promise<ClusterState> {
  const progress = options.onProgress ?? (() => {});
  const nodeName = `${options.name}-controlplane-1`;
  const apiPort = await findApiPort();
  const endpoint = `127.0.0.1:${apiPort}`;

  progress('making keys and the machine config');
  const identity = await makeIdentity({ clusterName: options.name, nodeName, endpoint });
  const configDisk = path.join(folder, `${nodeName}.config.img`);
  await makeConfigDisk(configDisk, identity.machineConfig);

  if (options.accelerator === undefined) progress('looking whether KVM works');
  const accelerator = options.accelerator ?? (await chooseAccelerator(options.kernel));
  const machine = {
    name: nodeName,
    accelerator,
    cpus: options.cpus ?? DEFAULT_CPUS,
    memoryMib: options.memoryMib ?? DEFAULT_MEMORY_MIB,
    kernel: options.kernel,
    initramfs: options.initramfs,
    kernelArguments: kernelArguments(nodeName, [
      `roothash=${options.rootHash}`,
      ...(options.extraKernelArguments ?? []),
    ]),
    apiPort,
    consoleLog: path.join(folder, `${nodeName}.console.log`),
    qmpSocket: `${nodeName}.qmp`,
    configDisk: options.withConfigDisk === false ? undefined : configDisk,
  };
  progress(`starting QEMU (${accelerator})`);
  const qemu = await startQemu(folder, machine);
  undo.push(() => endProcess(qemu));

  const context = await addContext(talosconfig, identity.clientConfig);
  undo.push(() => dropContext(talosconfig, context, endpoint));
  const node: NodeState = {
    name: nodeName,
    process: qemu.process,
    endpoint,
    cpus: machine.cpus,
    memoryMib: machine.memoryMib,
    consoleLog: machine.consoleLog,
    qmpSocket: machine.qmpSocket,
    configDisk,
  };
  const state: ClusterState = {
    version: 1,
    name: options.name,
    arch: 'amd64',
    accelerator,
    context,
    talosconfig,
    createdAt: new Date().toISOString(),
    nodes: [node],
  };
  await writeState(folder, state);
  const readyNode = {
    ...node,
    ...(await waitUntilReady(options, qemu, machine.consoleLog, { ...identity.client, endpoint })),
  };
  const readyState: ClusterState = { ...state, nodes: [readyNode] };
  await writeState(folder, readyState);
  return readyState;
}

/** Waits for the API when a probe was given, and says how long it took. */
async function waitUntilReady(
  options: CreateOptions,
  qemu: StartedQemu,
  consoleLog: string,
  target: ApiTarget,
): Promise<Pick<NodeState, 'apiReadyMs' | 'phases'>> {
  const { probe } = options;
  if (!probe || options.withConfigDisk === false) return {};
  const follower = await ConsoleFollower.open(consoleLog);
  let told = '';
  const stopTelling = follower.onLine(() => {
    const latest = bootPhases(follower.lines, qemu.startedAtMs).at(-1);
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

async function endProcess(qemu: StartedQemu): Promise<void> {
  signalProcess(qemu.process, 'SIGKILL');
  await waitForExit(qemu.process, KILL_TIMEOUT_MS);
}
