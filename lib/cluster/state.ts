import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Architecture } from '../base/architecture.js';
import { errorCode, TalosError } from '../base/errors.js';
import type { BootPhase } from './boot-phases.js';
import type { FirmwareKind } from './hardware.js';
import type { Accelerator, DiskModel, MachineName, NetworkModel } from './machines.js';
import type { ProcessIdentity } from './process-identity.js';

/** One node of a local cluster: a QEMU process. */
export interface NodeState {
  readonly name: string;
  /** Absent in states that were written when there was one kind only. */
  readonly kind?: 'controlplane' | 'worker' | undefined;
  readonly process: ProcessIdentity;
  /** host:port of the node's API. */
  readonly endpoint: string;
  /** Of the node in its own network; absent in states that were written when there was one only. */
  readonly address?: string | undefined;
  readonly cpus: number;
  readonly memoryMib: number;
  /** Absent in states that were written when there was one kind only. */
  readonly disk?: DiskModel | undefined;
  readonly network?: NetworkModel | undefined;
  readonly firmware?: FirmwareKind | undefined;
  readonly consoleLog: string;
  /** Name of the QMP socket in QEMU's working folder. */
  readonly qmpSocket: string;
  /** The disk that holds the node's config, plugged in or not. */
  readonly configDisk: string;
  /** The disk for what the node keeps, and its size; absent when it has none. */
  readonly systemDisk?: string | undefined;
  readonly diskBytes?: number | undefined;
  /** QEMU started → the API answered, and what lay between. Absent when nobody waited for it. */
  readonly apiReadyMs?: number | undefined;
  readonly phases?: readonly BootPhase[] | undefined;
}

/** Kubernetes of a local cluster. */
export interface KubernetesState {
  readonly version: string;
  /** URL at which its API is reached from this machine. */
  readonly endpoint: string;
  /** The administrator's kubeconfig, in the folder of the cluster. */
  readonly kubeconfig: string;
  /** QEMU of the first node started → all nodes Ready. Absent when it did not come to that. */
  readonly readyMs?: number | undefined;
}

/** What is kept of a local cluster in its folder, as `state.json`. */
export interface ClusterState {
  readonly version: 1;
  readonly name: string;
  readonly arch: Architecture;
  /** Absent in states that were written when there was one only. */
  readonly machine?: MachineName | undefined;
  readonly accelerator: Accelerator;
  /** Name of the cluster's context in {@link talosconfig}, which differs from its name when that was taken. */
  readonly context: string;
  /** The client configuration that the context was merged into. */
  readonly talosconfig: string;
  readonly createdAt: string;
  /** Not all of its nodes have been started yet, and there is no context: for whoever has to end what runs. */
  readonly isIncomplete?: boolean | undefined;
  readonly nodes: readonly NodeState[];
  /** The switch between several nodes. */
  readonly frameSwitch?: ProcessIdentity | undefined;
  /** Absent without Kubernetes. */
  readonly kubernetes?: KubernetesState | undefined;
}

const STATE_FILE = 'state.json';
const NAME_PATTERN = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;

/**
 * The folder of a cluster. Cluster names become host names of nodes, so they are held to the rules of those.
 * @throws TalosError ERR_CLUSTER_NAME
 */
export function clusterDir(clusters: string, name: string): string {
  if (!NAME_PATTERN.test(name)) {
    throw new TalosError('ERR_CLUSTER_NAME', `'${name}' cannot be the name of a cluster`, {
      hint: 'use at most 63 lower-case letters, digits and dashes',
    });
  }
  return path.join(clusters, name);
}

/**
 * Makes the folder of a new cluster; the file system decides who is first when two are made at once.
 * @throws TalosError ERR_CLUSTER_EXISTS
 */
export async function makeClusterDir(clusters: string, name: string): Promise<string> {
  const folder = clusterDir(clusters, name);
  await mkdir(clusters, { recursive: true, mode: 0o700 });
  try {
    await mkdir(folder, { mode: 0o700 });
  } catch (error) {
    if (errorCode(error) !== 'EEXIST') throw error;
    throw isThere(name);
  }
  return folder;
}

/**
 * Looks whether a name is free, before anything is built for a cluster; {@link makeClusterDir} decides.
 * @throws TalosError ERR_CLUSTER_NAME, ERR_CLUSTER_EXISTS
 */
export async function checkClusterName(clusters: string, name: string): Promise<void> {
  clusterDir(clusters, name);
  if ((await clusterNames(clusters)).includes(name)) throw isThere(name);
}

function isThere(name: string): TalosError {
  return new TalosError('ERR_CLUSTER_EXISTS', `there is a cluster named '${name}' already`, {
    hint: `show it with 'osctl cluster show --name ${name}', remove it with 'osctl cluster destroy --name ${name}'`,
  });
}

/** Writes the state; it is there whole or not at all. */
export async function writeState(folder: string, state: ClusterState): Promise<void> {
  const file = path.join(folder, STATE_FILE);
  await writeFile(`${file}.new`, `${JSON.stringify(state, null, 2)}\n`, { mode: 0o600 });
  await rename(`${file}.new`, file);
}

/**
 * Reads the state of one cluster.
 * @returns undefined when it was never written: the cluster's creation is under way or was killed
 * @throws TalosError ERR_NO_CLUSTER (naming the clusters that there are), ERR_CLUSTER_STATE when the file is broken
 */
export async function readState(clusters: string, name: string): Promise<ClusterState | undefined> {
  const folder = clusterDir(clusters, name);
  const names = await clusterNames(clusters);
  if (!names.includes(name)) {
    throw new TalosError('ERR_NO_CLUSTER', `there is no cluster named '${name}'`, {
      hint: names.length === 0 ? "make one with 'osctl cluster create'" : `there are: ${names.join(', ')}`,
    });
  }
  let text: string;
  try {
    text = await readFile(path.join(folder, STATE_FILE), 'utf8');
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined;
    throw error;
  }
  try {
    return JSON.parse(text) as ClusterState;
  } catch (error) {
    throw new TalosError('ERR_CLUSTER_STATE', `the state of cluster '${name}' cannot be read`, {
      cause: error,
      hint: `end its QEMU process, if any, and remove ${folder}`,
    });
  }
}

/** Names of all local clusters, sorted. */
export async function clusterNames(clusters: string): Promise<string[]> {
  try {
    const entries = await readdir(clusters, { withFileTypes: true });
    return entries.flatMap((entry) => (entry.isDirectory() ? [entry.name] : [])).sort();
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return [];
    throw error;
  }
}

/** Removes the folder of a cluster with everything in it. */
export async function removeClusterDir(clusters: string, name: string): Promise<void> {
  await rm(clusterDir(clusters, name), { recursive: true, force: true });
}
