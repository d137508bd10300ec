/** An emulated machine that a test starts by itself, without a cluster around it. */
import { ACCELERATOR_OPTION } from '../../lib/cluster/accelerator.js';
import { DEFAULT_MACHINES, MACHINES } from '../../lib/cluster/machines.js';
import { testArchitecture } from './architecture.js';

/** Its row in the table of machines: names of programs and devices. */
export const bareMachine = MACHINES[DEFAULT_MACHINES[testArchitecture]];

/** `-device` of a virtio disk, and of a network card, on it. */
export const bareDisk = bareMachine.disks['virtio-blk']?.device;
export const bareNetwork = bareMachine.networks['virtio-net'];

/** QEMU's options for a machine with two processors, no devices that are not named, and no screen. */
export const bareMachineWords: readonly string[] = [
  ...['-machine', bareMachine.machine.tcg, '-accel', ACCELERATOR_OPTION.tcg, '-cpu', bareMachine.cpu.tcg, '-smp', '2'],
  ...['-nodefaults', '-no-user-config', '-display', 'none', '-no-reboot'],
];
