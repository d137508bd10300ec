/** The kernel command line inside of a unified kernel image. */
import { kernelParameterWords } from '../base/kernel-parameters.js';
import type { Architecture } from './architecture.js';

/** The last console is the one that PID 1 and a panic write to; a name that a machine does not have is passed over. */
const CONSOLES: Readonly<Record<Architecture, readonly string[]>> = {
  amd64: ['console=tty0', 'console=ttyS0,115200'],
  arm64: ['console=tty0', 'console=ttyAMA0,115200'],
};

/**
 * What a node is booted with where nobody gives it a command line of its own. Without Secure Boot the stub appends what the machine's
 * SMBIOS has under `io.systemd.stub.kernel-cmdline-extra` (systemd-stub(7)).
 * @param rootHash  of the root image that is booted
 * @param partition  that it is in, by its name; undefined: it is in the initramfs
 */
export function bootParameters(arch: Architecture, rootHash: string, partition?: string): string[] {
  // The kernel tries out the timer's interrupt and panics when it comes late, which an emulated machine on a busy host may do to it.
  const emulated = arch === 'amd64' ? ['no_timer_check'] : [];
  const root = partition === undefined ? [] : [`root=PARTLABEL=${partition}`];
  return [...CONSOLES[arch], ...kernelParameterWords(arch), ...emulated, 'ip=dhcp', ...root, `roothash=${rootHash}`];
}
