import { kernelParameterWords } from '../base/kernel-parameters.js';
import { ACCELERATOR_OPTION } from './accelerator.js';
import type { Hardware } from './hardware.js';
import { type LanPlace, lanArguments } from './lan.js';
import { type Accelerator, MACHINES, type Machine } from './machines.js';
import { SYSTEM_DISK_SERIAL } from './system-disk.js';

/** Everything that decides how QEMU runs one node. Paths are absolute, except those that QEMU makes in its working folder. */
export interface MachineOptions extends Hardware {
  readonly name: string;
  readonly accelerator: Accelerator;
  readonly cpus: number;
  readonly memoryMib: number;
  readonly kernel: string;
  readonly initramfs: string;
  readonly kernelArguments: readonly string[];
  /** Host port on 127.0.0.1 that leads to the node's API. */
  readonly apiPort: number;
  /** Host port on 127.0.0.1 that leads to its Kubernetes API. */
  readonly kubernetesPort?: number | undefined;
  /** Whether it reaches what is beyond this machine. */
  readonly hasWayOut?: boolean | undefined;
  /** Among other nodes, beside QEMU's user network. */
  readonly lan?: LanPlace | undefined;
  readonly consoleLog: string;
  /** QMP socket, relative to QEMU's working folder: a socket's path may not exceed 107 bytes. */
  readonly qmpSocket: string;
  /** Holds the root image in a partition that the kernel arguments name; it is only read. Without it the image is in the initramfs. */
  readonly rootDisk?: string | undefined;
  readonly configDisk?: string | undefined;
  /** For what the node keeps. */
  readonly systemDisk?: string | undefined;
  /** UEFI firmware: its code, which is only read, and the variables of this machine. Without it the machine's own loader starts the kernel. */
  readonly firmware?: { readonly code: string; readonly variables: string } | undefined;
}

/** The port of the machine API on every node. */
export const NODE_API_PORT = 50000;

/** The port of the Kubernetes API on control planes. */
export const KUBERNETES_API_PORT = 6443;

/** What QEMU's user network gives a node; the same in every one, because each has a network of its own. */
export const NODE_NETWORK = {
  address: '10.0.2.15',
  gateway: '10.0.2.2',
  netmask: '255.255.255.0',
  device: 'eth0',
  /** QEMU's own, which asks this machine's; of use only where the network is not closed. */
  nameServer: '10.0.2.3',
} as const;

/** Slots for devices that are plugged in while the node runs. */
const HOTPLUG_PORTS = ['hotplug0', 'hotplug1'];

/**
 * The kernel command line of a node. `ip=` has the kernel's own syntax (nfsroot.txt of its documentation); PID 1 reads it.
 */
export function kernelArguments(
  { architecture, console, kernelParameters }: Machine,
  accelerator: Accelerator,
  hostname: string,
  extra: readonly string[] = [],
): string[] {
  const { address, gateway, netmask, device } = NODE_NETWORK;
  return [
    `console=${console}`,
    ...kernelParameterWords(architecture),
    ...kernelParameters[accelerator],
    `ip=${address}::${gateway}:${netmask}:${hostname}:${device}:off`,
    ...extra,
  ];
}

/** In QEMU's option syntax a comma inside a value is written twice. */
function escaped(value: string): string {
  return value.replaceAll(',', ',,');
}

/**
 * QEMU's command line for one node. The user network is closed (`restrict=on`) unless it is to have a way out: a node reaches nothing outside,
 * and only the ports of its APIs are reached from here.
 */
export function qemuArguments(machine: MachineOptions): string[] {
  const type = MACHINES[machine.machine];
  const cpu = type.cpu[machine.accelerator];
  return [
    ...['-name', escaped(machine.name), '-nodefaults', '-no-user-config', '-display', 'none'],
    ...['-machine', type.machine[machine.accelerator], '-accel', ACCELERATOR_OPTION[machine.accelerator], '-cpu', cpu],
    ...['-smp', String(machine.cpus), '-m', `${machine.memoryMib}M`],
    ...['-kernel', machine.kernel, '-initrd', machine.initramfs, '-append', machine.kernelArguments.join(' ')],
    ...['-chardev', `file,id=console,path=${escaped(machine.consoleLog)},append=on`, '-serial', 'chardev:console'],
    ...['-qmp', `unix:${escaped(machine.qmpSocket)},server=on,wait=off`],
    ...['-device', type.random],
    ...networkArguments(machine, `${type.networks[machine.network]}`),
    ...hotplugArguments(type),
    ...firmwareArguments(machine),
    ...diskArguments(machine),
  ];
}

function networkArguments({ lan, apiPort, kubernetesPort, hasWayOut }: MachineOptions, card: string): string[] {
  const forward = (host: number, guest: number) => `hostfwd=tcp:127.0.0.1:${host}-${NODE_NETWORK.address}:${guest}`;
  const forwards = [
    forward(apiPort, NODE_API_PORT),
    ...(kubernetesPort === undefined ? [] : [forward(kubernetesPort, KUBERNETES_API_PORT)]),
  ];
  return [
    ...['-netdev', `user,id=net0,restrict=${hasWayOut ? 'off' : 'on'},${forwards.join(',')}`],
    ...['-device', `${card},netdev=net0`],
    ...(lan ? lanArguments(lan, card) : []),
  ];
}

function firmwareArguments({ firmware }: MachineOptions): string[] {
  if (firmware === undefined) return [];
  return [
    ...['-drive', `if=pflash,format=raw,unit=0,readonly=on,file=${escaped(firmware.code)}`],
    ...['-drive', `if=pflash,format=raw,unit=1,file=${escaped(firmware.variables)}`],
  ];
}

function diskArguments({ machine, disk, configDisk, systemDisk, rootDisk }: MachineOptions): string[] {
  const how = MACHINES[machine].disks[disk];
  if (how === undefined) return [];
  // The config disk keeps its place whether or not there are others.
  const drives = [
    { id: 'config', file: configDisk, serial: 'talosconfig', options: '' },
    { id: 'system', file: systemDisk, serial: SYSTEM_DISK_SERIAL, options: ',discard=unmap' },
    { id: 'root', file: rootDisk, serial: 'talosroot', options: `,${how.readOnly}` },
  ].filter(({ file }) => file !== undefined);
  if (drives.length === 0) return [];
  return [
    ...(how.controller === undefined ? [] : ['-device', how.controller]),
    ...drives.flatMap(({ id, file = '', serial, options }, port) => [
      ...['-drive', `if=none,id=${id},format=raw,file=${escaped(file)}${options}`],
      '-device',
      `${how.device}${how.bus === undefined ? '' : `,bus=${how.bus}.${port}`},drive=${id},serial=${serial}`,
    ]),
  ];
}

function hotplugArguments({ hotplugPort }: Machine): string[] {
  if (hotplugPort === undefined) return [];
  return HOTPLUG_PORTS.flatMap((id, index) => [
    '-device',
    `${hotplugPort},id=${id},chassis=${index + 1},slot=${index + 1}`,
  ]);
}
