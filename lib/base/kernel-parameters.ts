/**
 * The kernel command line of a node: one list for those who write it (the provisioner, the image builder) and for PID 1, which does not go
 * on without what is required. Sources: kernel-parameters.txt of the kernel's admin guide, and the KSPP's recommended settings.
 */

import type { Architecture } from './architecture.js';

/** A parameter that every node is booted with. */
export interface KernelParameterRow {
  /** A word of the command line: `name` or `name=value`. */
  readonly word: string;
  /** All unless said otherwise. */
  readonly architecture?: Architecture | undefined;
  /** PID 1 refuses to go on when it is missing or has another value. */
  readonly isRequired: boolean;
  readonly reason: string;
}

export const KERNEL_PARAMETERS: readonly KernelParameterRow[] = [
  {
    word: 'panic=10',
    isRequired: false,
    reason: 'a node that has panicked comes back, and the reason can be read until then',
  },
  {
    word: 'loglevel=6',
    isRequired: false,
    reason:
      'of the kernel only notices and worse are on the console until stage0 runs: a serial line is slow; its log has all',
  },
  { word: 'printk.devkmsg=on', isRequired: false, reason: 'what stage0 and PID 1 say is never dropped for being much' },
  { word: 'slab_nomerge', isRequired: true, reason: 'an overflow in one kind of object does not reach another kind' },
  { word: 'init_on_alloc=1', isRequired: true, reason: 'memory is handed out without what was in it' },
  {
    word: 'hardened_usercopy=1',
    isRequired: true,
    reason: 'copies to and from programs stay within the object they are about',
  },
  { word: 'kfence.sample_interval=100', isRequired: false, reason: 'a sample of heap objects has guard pages' },
  { word: 'page_alloc.shuffle=1', isRequired: true, reason: 'free pages come in no order that could be foretold' },
  {
    word: 'randomize_kstack_offset=on',
    isRequired: true,
    reason: 'the kernel stack is elsewhere at every system call',
  },
  {
    word: 'proc_mem.force_override=never',
    isRequired: true,
    reason: 'nobody writes to read-only memory through /proc/PID/mem',
  },
  { word: 'iommu.passthrough=0', isRequired: true, reason: 'a device reaches the memory it was given and no other' },
  { word: 'iommu.strict=1', isRequired: true, reason: 'and loses it at once' },
  {
    word: 'efi=disable_early_pci_dma',
    isRequired: false,
    reason: 'no device writes to memory while firmware hands over; nothing where there is no UEFI',
  },
  {
    word: 'mitigations=auto,nosmt',
    architecture: 'amd64',
    isRequired: true,
    reason: 'what the processor needs against speculation attacks, without sibling threads where they leak',
  },
  {
    word: 'mitigations=auto',
    architecture: 'arm64',
    isRequired: true,
    reason: 'what the processor needs against speculation attacks',
  },
  {
    word: 'intel_iommu=on',
    architecture: 'amd64',
    isRequired: false,
    reason: 'devices are held to their memory by Intel',
  },
  { word: 'iommu=force', architecture: 'amd64', isRequired: false, reason: 'also those that could do without' },
  {
    word: 'vsyscall=none',
    architecture: 'amd64',
    isRequired: true,
    reason: 'no page of code at an address that is the same everywhere',
  },
];

/** Those of an architecture, as words. */
export function kernelParameterWords(architecture: Architecture): string[] {
  return KERNEL_PARAMETERS.filter((row) => row.architecture === undefined || row.architecture === architecture).map(
    ({ word }) => word,
  );
}

/** Our own parameters begin with it, so that the kernel leaves them alone (its documentation: names with a dot are a module's). */
export const OWN_PREFIX = 'talos.';

/** Our own parameters. */
export const OWN_PARAMETERS: readonly string[] = ['talos.config', 'talos.watchdog'];
