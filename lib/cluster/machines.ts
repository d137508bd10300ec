/**
 * The machines of QEMU that nodes run in. All that differs between them, and between the architectures they are for, is in this table;
 * whoever starts QEMU reads it and asks no questions of its own. Source: QEMU's documentation ("System Emulator Targets").
 */
import type { Architecture } from '../base/architecture.js';

/** How QEMU runs guest code: the host's virtualisation, or emulation. */
export type Accelerator = 'kvm' | 'tcg';

/** What a node's disks can be. */
export const DISK_MODELS = ['virtio-blk', 'nvme', 'ahci'] as const;
export type DiskModel = (typeof DISK_MODELS)[number];

/** What a node's network card can be. */
export const NETWORK_MODELS = ['virtio-net', 'e1000e', 'vmxnet3'] as const;
export type NetworkModel = (typeof NETWORK_MODELS)[number];

/** How a disk is plugged in. */
export interface DiskDevice {
  /** `-device` of the controller that all of them need, where the machine has none. */
  readonly controller?: string | undefined;
  /** `-device` of the disk, without its drive. */
  readonly device: string;
  /** Of the controller: each disk gets the next of its ports, `<bus>.0` and on. */
  readonly bus?: string | undefined;
  /** What `-drive` says of a disk that is only read. */
  readonly readOnly: 'readonly=on' | 'snapshot=on';
}

/** A machine of QEMU, and how its devices are called. */
export interface Machine {
  /** What it is: Debian's name. */
  readonly architecture: Architecture;
  /** The program that has it, and the Debian package of that. */
  readonly qemu: string;
  readonly qemuPackage: string;
  /** `-machine`: type and properties, which may depend on who runs the guest's code. */
  readonly machine: Readonly<Record<Accelerator, string>>;
  /** `-cpu`, which depends on who runs the guest's code. */
  readonly cpu: Readonly<Record<Accelerator, string>>;
  /** What the kernel calls the first serial line. */
  readonly console: string;
  /** Kernel parameters that only this machine needs. */
  readonly kernelParameters: Readonly<Record<Accelerator, readonly string[]>>;
  /** Those that it takes; the first is what a node gets unless another is asked for. */
  readonly disks: Readonly<Partial<Record<DiskModel, DiskDevice>>>;
  /** `-device` of each card that it takes, without its network; the first is what a node gets unless another is asked for. */
  readonly networks: Readonly<Partial<Record<NetworkModel, string>>>;
  /** `-device` of the random number generator. */
  readonly random: string;
  /** Whether it has the flash chips that UEFI firmware is in. */
  readonly hasFlash: boolean;
  /** Slots for what is plugged in while the node runs, or none. */
  readonly hotplugPort: string | undefined;
}

export type MachineName = 'q35' | 'microvm' | 'virt';

const PCI_DISKS: Machine['disks'] = {
  'virtio-blk': { device: 'virtio-blk-pci', readOnly: 'readonly=on' },
  nvme: { device: 'nvme', readOnly: 'readonly=on' },
  // There is no way to tell that an ATA disk cannot be written: what is written is forgotten.
  ahci: { controller: 'ich9-ahci,id=ahci', device: 'ide-hd', bus: 'ahci', readOnly: 'snapshot=on' },
};

/** Without the boot ROM: nodes do not boot from the network. */
const PCI_NETWORKS = {
  'virtio-net': 'virtio-net-pci,romfile=',
  e1000e: 'e1000e,romfile=',
  vmxnet3: 'vmxnet3,romfile=',
} as const;

/** The kernel tries out the timer's interrupt and panics when it comes late, which a machine on a busy host may do to it. */
const TIMER_IS_LATE = ['no_timer_check'];

/**
 * How long short delays are: for every processor but the first the kernel measures it, which takes an emulated one a tenth of a second. The
 * number is that of a time stamp counter of 4 GHz at 250 ticks a second: with a slower one delays are longer than asked for, never shorter.
 */
const DELAYS_ARE_KNOWN = ['lpj=16000000'];

export const MACHINES: Readonly<Record<MachineName, Machine>> = {
  q35: {
    architecture: 'amd64',
    qemu: 'qemu-system-x86_64',
    qemuPackage: 'qemu-system-x86',
    // Without system management mode, which no node uses: with it an emulated processor has two address spaces, and QEMU now and then
    // takes a cached entry of one for one of the other while the machine starts, and aborts (iotlb_to_section).
    // Without its own disk controller, whose empty ports the kernel waits for.
    machine: { kvm: 'q35,smm=off,sata=off', tcg: 'q35,smm=off,sata=off' },
    cpu: { kvm: 'max', tcg: 'max' },
    console: 'ttyS0',
    kernelParameters: { kvm: TIMER_IS_LATE, tcg: [...TIMER_IS_LATE, ...DELAYS_ARE_KNOWN] },
    disks: PCI_DISKS,
    networks: PCI_NETWORKS,
    random: 'virtio-rng-pci',
    hasFlash: true,
    hotplugPort: 'pcie-root-port',
  },
  microvm: {
    architecture: 'amd64',
    qemu: 'qemu-system-x86_64',
    qemuPackage: 'qemu-system-x86',
    // No PCI: its devices are on virtio-mmio. ACPI names them, but its hardware-reduced kind has no timer that the kernel could measure
    // the processor's clock by; KVM tells that, emulation does not. There QEMU names them on the command line, the interrupt timer is
    // the old one, a restart is a triple fault, and nothing can turn the machine off.
    machine: {
      kvm: 'microvm,acpi=on,rtc=on,auto-kernel-cmdline=off',
      tcg: 'microvm,acpi=off,rtc=on,auto-kernel-cmdline=on',
    },
    cpu: { kvm: 'max', tcg: 'max' },
    console: 'ttyS0',
    kernelParameters: { kvm: [], tcg: [...TIMER_IS_LATE, ...DELAYS_ARE_KNOWN, 'reboot=t'] },
    disks: { 'virtio-blk': { device: 'virtio-blk-device', readOnly: 'readonly=on' } },
    networks: { 'virtio-net': 'virtio-net-device' },
    random: 'virtio-rng-device',
    hasFlash: false,
    hotplugPort: undefined,
  },
  virt: {
    architecture: 'arm64',
    qemu: 'qemu-system-aarch64',
    qemuPackage: 'qemu-system-arm',
    machine: { kvm: 'virt,gic-version=max', tcg: 'virt,gic-version=max' },
    // The architected pointer authentication is a cipher: emulated, it takes most of the time. KVM has no such choice.
    cpu: { kvm: 'max', tcg: 'max,pauth-impdef=on' },
    console: 'ttyAMA0',
    kernelParameters: { kvm: [], tcg: [] },
    disks: PCI_DISKS,
    networks: PCI_NETWORKS,
    random: 'virtio-rng-pci',
    hasFlash: true,
    hotplugPort: 'pcie-root-port',
  },
};

/** The machine of an architecture where nobody asks for another. */
export const DEFAULT_MACHINES: Readonly<Record<Architecture, MachineName>> = { amd64: 'q35', arm64: 'virt' };
