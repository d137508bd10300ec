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
  { word: 'printk.devkmsg=on', isRequired: false, reason: 'what stage0 and PID 1 say is never dropped for being much' },
  { word: 'slab_nomerge', isRequired: true, reason: 'an overflow in one kind of object does not reach another kind' },
  { word: 'init_on_alloc=1', isRequired: true, reason: 'memory is handed out without what was in it' },
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
export const OWN_PARAMETERS: readonly string[] = ['talos.watchdog'];
