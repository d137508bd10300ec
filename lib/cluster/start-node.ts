import { copyFile } from 'node:fs/promises';
import path from 'node:path';
import { ROOT_LABEL } from '../image/partitions.js';
import { findApiPort } from './api-port.js';
import { makeConfigDisk } from './config-disk.js';
import type { CreateOptions } from './create-options.js';
import type { Hardware } from './hardware.js';
import type { NodeRole } from './identity.js';
import { type LanPlace, lanInterface } from './lan.js';
import { type Accelerator, MACHINES } from './machines.js';
import { KUBERNETES_API_PORT, kernelArguments, type MachineOptions, NODE_NETWORK } from './qemu-arguments.js';
import { type StartedQemu, startQemu } from './qemu-process.js';
import type { NodeState } from './state.js';
import { makeSystemDisk } from './system-disk.js';

export const DEFAULT_CPUS = 2;
export const DEFAULT_MEMORY_MIB = 2048;
/** Of a control plane with Kubernetes: etcd, the API server and two controllers more. */
export const DEFAULT_KUBERNETES_MEMORY_MIB = 4096;

/** A node of a cluster that is being made. */
export interface PlannedNode extends NodeRole {
  readonly apiPort: number;
  /** Of the first control plane of a cluster with Kubernetes. */
  readonly kubernetesPort?: number | undefined;
  /** Absent: it is alone. */
  readonly lan?: LanPlace | undefined;
}

/** Names, ports and addresses of the nodes: control planes first, one at least. */
export async function planNodes(options: CreateOptions): Promise<[PlannedNode, ...PlannedNode[]]> {
  const { name, controlPlanes = 1, workers = 0, kubernetes } = options;
  const kinds = [
    ...Array.from({ length: controlPlanes }, (_, at) => ({ kind: 'controlplane' as const, number: at + 1 })),
    ...Array.from({ length: workers }, (_, at) => ({ kind: 'worker' as const, number: at + 1 })),
  ];
  const nodes: PlannedNode[] = [];
  for (const [place, { kind, number }] of kinds.entries()) {
    const apiPort = await findApiPort();
    const lan = kinds.length === 1 ? undefined : { place };
    const { address } = lan ? lanInterface(lan) : NODE_NETWORK;
    const kubernetesPort = kubernetes && place === 0 ? await findApiPort(KUBERNETES_API_PORT) : undefined;
    const endpoint = `127.0.0.1:${apiPort}`;
    nodes.push({ name: `${name}-${kind}-${number}`, kind, apiPort, kubernetesPort, endpoint, address, lan });
  }
  const [first, ...others] = nodes;
  if (first?.kind !== 'controlplane') throw new TypeError('a cluster needs a control plane');
  return [first, ...others];
}

/** A node whose QEMU runs. */
export interface StartedNode {
  readonly state: NodeState;
  readonly qemu: StartedQemu;
}

/**
 * Makes a node's disks and starts its QEMU.
 * @param folder         of the cluster
 * @param machineConfig  for its config disk
 * @throws TalosError ERR_CONFIG_DISK, ERR_QEMU
 */
export async function startNode(
  options: CreateOptions,
  node: PlannedNode,
  where: { folder: string; hardware: Hardware; accelerator: Accelerator; machineConfig: string },
): Promise<StartedNode> {
  const { folder, hardware, accelerator } = where;
  const { name, lan } = node;
  const configDisk = path.join(folder, `${name}.config.img`);
  await makeConfigDisk(configDisk, where.machineConfig);
  const systemDisk = options.diskBytes ? path.join(folder, `${name}.disk.img`) : undefined;
  if (systemDisk !== undefined) await makeSystemDisk(systemDisk, options.diskBytes as number);
  const rootArguments = [`root=PARTLABEL=${ROOT_LABEL}`, `roothash=${options.rootHash}`];
  const machine: MachineOptions = {
    name,
    ...hardware,
    accelerator,
    cpus: options.cpus ?? DEFAULT_CPUS,
    memoryMib: options.memoryMib ?? defaultMemoryMib(node.kind, options.kubernetes !== undefined),
    kernel: options.kernel,
    initramfs: options.initramfs,
    rootDisk: options.rootDisk,
    kernelArguments: kernelArguments(MACHINES[hardware.machine], accelerator, name, [
      ...rootArguments,
      ...(options.extraKernelArguments ?? []),
    ]),
    apiPort: node.apiPort,
    kubernetesPort: node.kubernetesPort,
    hasWayOut: options.kubernetes?.pullsImages,
    lan,
    consoleLog: path.join(folder, `${name}.console.log`),
    qmpSocket: `${name}.qmp`,
    configDisk: options.withConfigDisk === false ? undefined : configDisk,
    systemDisk,
    firmware: await ownFirmware(options, path.join(folder, `${name}.uefi.fd`)),
  };
  const qemu = await startQemu(folder, machine);
  const state: NodeState = {
    name,
    kind: node.kind,
    process: qemu.process,
    endpoint: node.endpoint,
    address: node.address,
    cpus: machine.cpus,
    memoryMib: machine.memoryMib,
    disk: hardware.disk,
    network: hardware.network,
    firmware: options.firmware ?? 'none',
    consoleLog: machine.consoleLog,
    qmpSocket: machine.qmpSocket,
    configDisk,
    systemDisk,
    diskBytes: systemDisk === undefined ? undefined : options.diskBytes,
  };
  return { state, qemu };
}

function defaultMemoryMib(kind: NodeRole['kind'], hasKubernetes: boolean): number {
  return hasKubernetes && kind === 'controlplane' ? DEFAULT_KUBERNETES_MEMORY_MIB : DEFAULT_MEMORY_MIB;
}

/** UEFI keeps its variables in the second flash chip, which every machine has for itself. */
async function ownFirmware({ firmware, uefi }: CreateOptions, variables: string): Promise<MachineOptions['firmware']> {
  if (firmware !== 'uefi') return undefined;
  if (uefi === undefined) throw new TypeError('UEFI was asked for, and no firmware was given');
  await copyFile(uefi.variables, variables);
  return { code: uefi.code, variables };
}
