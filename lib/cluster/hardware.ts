import type { Architecture } from '../base/architecture.js';
import { TalosError } from '../base/errors.js';
import { DEFAULT_MACHINES, type DiskModel, MACHINES, type MachineName, type NetworkModel } from './machines.js';

/** What a node's machine is made of, but for its size. */
export interface Hardware {
  readonly machine: MachineName;
  readonly disk: DiskModel;
  readonly network: NetworkModel;
}

/** What somebody asks for; the rest is chosen. */
export interface HardwareRequest {
  readonly arch?: Architecture | undefined;
  readonly machine?: MachineName | undefined;
  readonly disk?: DiskModel | undefined;
  readonly network?: NetworkModel | undefined;
  readonly firmware?: FirmwareKind | undefined;
}

/** `none`: the machine's own loader starts the kernel that QEMU is given. `uefi`: UEFI firmware starts it. */
export const FIRMWARE_KINDS = ['none', 'uefi'] as const;
export type FirmwareKind = (typeof FIRMWARE_KINDS)[number];

/**
 * Completes a request from the table of machines.
 * @throws TalosError ERR_HARDWARE  with a sentence: a machine of another architecture, or one that does not take the disk, the card or the firmware
 */
export function chooseHardware(request: HardwareRequest): Hardware {
  const name = request.machine ?? DEFAULT_MACHINES[request.arch ?? 'amd64'];
  const machine = MACHINES[name];
  if (request.arch !== undefined && request.arch !== machine.architecture) {
    const others = namesOf(MACHINES).filter((other) => MACHINES[other].architecture === request.arch);
    throw refusal(`the machine ${name} is not for ${request.arch}`, 'machine', others);
  }
  const disks = namesOf(machine.disks);
  const networks = namesOf(machine.networks);
  const { disk = disks[0], network = networks[0] } = request;
  if (disk === undefined || !disks.includes(disk)) {
    throw refusal(`the machine ${name} takes no ${disk} disks`, 'disk', disks);
  }
  if (network === undefined || !networks.includes(network)) {
    throw refusal(`the machine ${name} takes no ${network} network cards`, 'network', networks);
  }
  if (request.firmware === 'uefi' && !machine.hasFlash) {
    throw refusal(`the machine ${name} has no UEFI firmware`, 'firmware', ['none']);
  }
  return { machine: name, disk, network };
}

function refusal(what: string, option: string, choices: readonly string[]): TalosError {
  return new TalosError('ERR_HARDWARE', what, { hint: `use --${option} ${choices.join(' or ')}` });
}

function namesOf<K extends string>(table: Readonly<Partial<Record<K, unknown>>>): K[] {
  return Object.keys(table) as K[];
}
