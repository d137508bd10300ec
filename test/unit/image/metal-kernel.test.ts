// What the machines of docs/kernel.md need beside the driver that their row of a fragment names. The build starts from nothing, so what a
// kernel usually has without being asked is missing until somebody says so, and only the machine would show it.
import t from 'tap';
import { parseConfig } from '../../../lib/image/kernel-config.js';
import { seconds } from '../../helpers/deadline.js';
import { type ShippedKernel, shippedKernels } from '../../helpers/shipped-kernels.js';

// The first run unpacks what configures a kernel.
t.setTimeout(seconds(170));

const metal = (await shippedKernels()).filter(({ profile }) => profile === 'metal');

/** Options that are there, and off. */
function off({ config }: ShippedKernel, name: RegExp): string[] {
  return [...parseConfig(config)]
    .filter(([option, value]) => value === 'n' && name.test(option))
    .map(([option]) => option);
}

/** Of a machine, what is not on. */
function missing({ config }: ShippedKernel, options: string): string[] {
  const arrived = parseConfig(config);
  return options.split(/\s+/).filter((option) => arrived.get(`CONFIG_${option}`) !== 'y');
}

t.test('no fault of a processor is left alone', async (t) => {
  for (const kernel of metal) {
    // Erratum UNKNOWN1 is that of a board which the profile does not have.
    t.same(off(kernel, /ERRAT(UM|A)(?!_UNKNOWN)|_PREITS$/), [], `${kernel.arch}: an erratum of this source`);
    t.same(off(kernel, /^CONFIG_MITIGATION_(?!CALL_DEPTH_TRACKING)/), [], `${kernel.arch}: a mitigation`);
  }
});

t.test('chips have all of their clocks', async (t) => {
  for (const kernel of metal)
    t.same(off(kernel, /^CONFIG_(COMMON_CLK_ROCKCHIP|CLK_(RK\d+|BCM2835))$/), [], kernel.arch);
});

t.test('machines, and what each needs', async (t) => {
  const everywhere: Record<string, string> = {
    'a host with virtio devices of before 2014': 'VIRTIO_PCI_LEGACY VIRTIO_BLK SCSI_VIRTIO VIRTIO_NET',
    'a stick or card with the partition table of a PC': 'USB_STORAGE MMC_BLOCK MSDOS_PARTITION EFI_PARTITION',
    'a keyboard on a USB 1 controller': 'USB_OHCI_HCD USB_OHCI_HCD_PCI USB_HID HID_GENERIC',
    'Hyper-V, Azure': 'HYPERV_STORAGE HYPERV_NET HYPERV_UTILS PCI_HYPERV HYPERV_KEYBOARD MICROSOFT_MANA',
  };
  const own: Record<string, Record<string, string>> = {
    amd64: {
      'firmware that starts processors in x2APIC mode': 'X86_X2APIC IRQ_REMAP INTEL_IOMMU AMD_IOMMU',
      'NVMe disks behind VMD': 'VMD BLK_DEV_NVME',
      'Xen, a machine of the kind HVM': 'XEN_PVHVM_GUEST XEN_BLKDEV_FRONTEND XEN_NETDEV_FRONTEND',
      "the watchdog of Intel's newer chips": 'ITCO_WDT I2C_I801',
      'a remote console with a USB 1 keyboard': 'USB_UHCI_HCD',
      'the screen of a machine without UEFI': 'VGA_CONSOLE VT_CONSOLE',
      'a console over Intel AMT': 'SERIAL_8250_PCI',
    },
    arm64: {
      'devices that do not reach all memory': 'ZONE_DMA ZONE_DMA32 SWIOTLB',
      'servers with many processors': 'ARM64_USE_LSE_ATOMICS ARM64_RAS_EXTN SERIAL_8250_PNP',
      'Raspberry Pi 4: clocks, SD card, network, USB behind a chip that firmware starts':
        'CLK_BCM2835 MMC_SDHCI_IPROC BCMGENET PCIE_BRCMSTB RESET_RASPBERRYPI USB_XHCI_HCD HW_RANDOM_IPROC_RNG200 BCM2711_THERMAL',
      'Rockchip: clocks, voltages, cards':
        'COMMON_CLK_ROCKCHIP ROCKCHIP_PM_DOMAINS GPIO_ROCKCHIP REGULATOR_RK808 MMC_DW_ROCKCHIP',
      'Rockchip: eMMC, PCI Express, USB':
        'PHY_ROCKCHIP_EMMC PHY_ROCKCHIP_NANENG_COMBO_PHY PHY_ROCKCHIP_INNO_USB2 USB_DWC3_OF_SIMPLE',
    },
  };
  for (const kernel of metal) {
    for (const [machine, options] of Object.entries({ ...everywhere, ...own[kernel.arch] })) {
      t.same(missing(kernel, options), [], `${kernel.arch}: ${machine}`);
    }
  }
});
