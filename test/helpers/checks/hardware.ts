/** Booting the default kernel and image on other machines than the usual one. */
import type { Test } from 'tap';
import type { Architecture } from '../../../lib/base/architecture.js';
import { FIRMWARE_KINDS, type FirmwareKind, type Hardware } from '../../../lib/cluster/hardware.js';
import { type DiskModel, MACHINES, type MachineName, type NetworkModel } from '../../../lib/cluster/machines.js';
import { TestNode } from '../node.js';

/** One machine to boot. */
export interface Combination extends Hardware {
  readonly firmware: FirmwareKind;
  readonly memoryMiB: number;
  readonly cpus: number;
}

export function nameOf({ machine, disk, network, firmware, memoryMiB, cpus }: Combination): string {
  return `${machine} ${disk} ${network} ${firmware === 'uefi' ? 'uefi' : 'direct'} ${memoryMiB} MiB ${cpus} CPUs`;
}

/** Six that together have everything of the table; `npm run soak` boots every combination. */
export const SIX_COMBINATIONS: readonly Combination[] = [
  { machine: 'q35', disk: 'nvme', network: 'e1000e', firmware: 'none', memoryMiB: 512, cpus: 4 },
  { machine: 'q35', disk: 'ahci', network: 'vmxnet3', firmware: 'uefi', memoryMiB: 4096, cpus: 3 },
  { machine: 'microvm', disk: 'virtio-blk', network: 'virtio-net', firmware: 'none', memoryMiB: 512, cpus: 1 },
  { machine: 'virt', disk: 'nvme', network: 'vmxnet3', firmware: 'uefi', memoryMiB: 4096, cpus: 2 },
  { machine: 'virt', disk: 'ahci', network: 'virtio-net', firmware: 'none', memoryMiB: 512, cpus: 4 },
  { machine: 'virt', disk: 'virtio-blk', network: 'e1000e', firmware: 'uefi', memoryMiB: 1024, cpus: 1 },
];

/** Every machine with everything that it takes, at the ends of the sizes. */
export function allCombinations(): Combination[] {
  const machines = Object.keys(MACHINES) as MachineName[];
  return machines.flatMap((machine) => {
    const { disks, networks, hasFlash } = MACHINES[machine];
    const firmwares = FIRMWARE_KINDS.filter((kind) => hasFlash || kind === 'none');
    return (Object.keys(disks) as DiskModel[]).flatMap((disk) =>
      (Object.keys(networks) as NetworkModel[]).flatMap((network) =>
        firmwares.flatMap((firmware) =>
          [512, 4096].flatMap((memoryMiB) =>
            [1, 4].map((cpus) => ({ machine, disk, network, firmware, memoryMiB, cpus })),
          ),
        ),
      ),
    );
  });
}

/** What the kernel calls the first partition of a disk of a kind. Drivers look at disks side by side, so any may be the first of its kind. */
const ROOT_NAMES: Readonly<Record<DiskModel, RegExp>> = {
  'virtio-blk': /^vd[a-c]1$/m,
  nvme: /^nvme[0-2]n1p1$/m,
  ahci: /^sd[a-c]1$/m,
};
const NETWORK_DRIVERS: Readonly<Record<NetworkModel, string>> = {
  'virtio-net': 'virtio_net',
  e1000e: 'e1000e',
  vmxnet3: 'vmxnet3',
};

/** Boots those of the six whose machine is for this architecture. */
export function bootsOnSome(t: Test, arch: Architecture): void {
  for (const combination of SIX_COMBINATIONS) {
    if (MACHINES[combination.machine].architecture === arch) {
      t.test(nameOf(combination), (t) => bootsOn(t, combination));
    }
  }
}

/** Boots it: its API answers over that card, its root image and its config came from such disks, and it has the size that it was given. */
export async function bootsOn(t: Test, combination: Combination): Promise<void> {
  const { machine, disk, network, firmware, memoryMiB, cpus } = combination;
  await using node = await TestNode.create({
    name: 'machines',
    arch: MACHINES[machine].architecture,
    memoryMiB,
    flags: ['--machine', machine, '--disk', disk, '--network', network, '--firmware', firmware, '--cpus', String(cpus)],
  });
  const { home } = node;
  const read = async (file: string) => (await home.succeed(['read', file])).stdout;
  const list = async (...words: string[]) => (await home.succeed(['ls', ...words])).stdout;
  // Links are not followed: where the card is says the listing.
  const card = /eth0 -> \.\.\/\.\.(\/devices\/\S+)\/net\/eth0/.exec(await list('-l', '/sys/class/net'))?.[1];
  t.match(await read(`/sys${card}/uevent`), new RegExp(`^DRIVER=${NETWORK_DRIVERS[network]}$`, 'm'));
  // What dm-verity reads the root image from.
  t.match(await list('/sys/devices/virtual/block/dm-1/slaves'), ROOT_NAMES[disk]);
  t.equal((await list('/sys/firmware')).includes('efi'), firmware === 'uefi', `firmware: ${firmware}`);
  t.equal(await read('/sys/devices/system/cpu/online'), cpus === 1 ? '0\n' : `0-${cpus - 1}\n`);
  const totalMiB = Number(/^MemTotal: +(\d+) kB$/m.exec(await read('/proc/meminfo'))?.[1]) / 1024;
  t.ok(totalMiB > 0.8 * memoryMiB && totalMiB <= memoryMiB, `${totalMiB.toFixed(0)} of ${memoryMiB} MiB`);
}
