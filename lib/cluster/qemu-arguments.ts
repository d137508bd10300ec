import { kernelParameterWords } from '../base/kernel-parameters.js';
import { ACCELERATOR_OPTION, type Accelerator } from './accelerator.js';

/** Everything that decides how QEMU runs one node. Paths are absolute, except those that QEMU makes in its working folder. */
export interface MachineOptions {
  readonly name: string;
  readonly accelerator: Accelerator;
  readonly cpus: number;
  readonly memoryMib: number;
  readonly kernel: string;
  readonly initramfs: string;
  readonly kernelArguments: readonly string[];
  /** Host port on 127.0.0.1 that leads to the node's API. */
  readonly apiPort: number;
  readonly consoleLog: string;
  /** QMP socket, relative to QEMU's working folder: a socket's path may not exceed 107 bytes. */
  readonly qmpSocket: string;
  readonly configDisk?: string | undefined;
}

/** The port of the machine API on every node. */
export const NODE_API_PORT = 50000;

/** What QEMU's user network gives a node; the same in every one, because each has a network of its own. */
export const NODE_NETWORK = {
  address: '10.0.2.15',
  gateway: '10.0.2.2',
  netmask: '255.255.255.0',
  device: 'eth0',
} as const;

/**
 * Without system management mode, which no node uses: with it an emulated processor has two address spaces, and QEMU now and then takes a
 * cached entry of one for one of the other while the machine starts, and aborts (iotlb_to_section).
 */
const MACHINE = 'q35,smm=off';

/** Slots for devices that are plugged in while the node runs. */
const HOTPLUG_PORTS = ['hotplug0', 'hotplug1'];

/**
 * The kernel command line of a node. `ip=` has the kernel's own syntax (nfsroot.txt of its documentation); PID 1 reads it.
 */
export function kernelArguments(hostname: string, extra: readonly string[] = []): string[] {
  const { address, gateway, netmask, device } = NODE_NETWORK;
  return [
    'console=ttyS0',
    ...kernelParameterWords('amd64'),
    // The kernel tries out the timer's interrupt and panics when it comes late, which an emulated machine on a busy host may do to it.
    'no_timer_check',
    `ip=${address}::${gateway}:${netmask}:${hostname}:${device}:off`,
    ...extra,
  ];
}

/** In QEMU's option syntax a comma inside a value is written twice. */
function escaped(value: string): string {
  return value.replaceAll(',', ',,');
}

/**
 * QEMU's command line for one node. The user network is closed (`restrict=on`): a node reaches nothing outside, and
 * only its API port is reached from here.
 */
export function qemuArguments(machine: MachineOptions): string[] {
  const disk = machine.configDisk;
  return [
    ...['-name', escaped(machine.name), '-nodefaults', '-no-user-config', '-display', 'none'],
    ...['-machine', MACHINE, '-accel', ACCELERATOR_OPTION[machine.accelerator], '-cpu', 'max'],
    ...['-smp', String(machine.cpus), '-m', `${machine.memoryMib}M`],
    ...['-kernel', machine.kernel, '-initrd', machine.initramfs, '-append', machine.kernelArguments.join(' ')],
    ...['-chardev', `file,id=console,path=${escaped(machine.consoleLog)},append=on`, '-serial', 'chardev:console'],
    ...['-qmp', `unix:${escaped(machine.qmpSocket)},server=on,wait=off`],
    ...['-device', 'virtio-rng-pci'],
    ...[
      '-netdev',
      `user,id=net0,restrict=on,hostfwd=tcp:127.0.0.1:${machine.apiPort}-${NODE_NETWORK.address}:${NODE_API_PORT}`,
    ],
    ...['-device', 'virtio-net-pci,netdev=net0,romfile='],
    ...HOTPLUG_PORTS.flatMap((id, index) => [
      '-device',
      `pcie-root-port,id=${id},chassis=${index + 1},slot=${index + 1}`,
    ]),
    ...(disk === undefined
      ? []
      : [
          ...['-drive', `if=none,id=config,format=raw,file=${escaped(disk)}`],
          ...['-device', 'virtio-blk-pci,drive=config,serial=talosconfig'],
        ]),
  ];
}
