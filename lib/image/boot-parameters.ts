/** The kernel command line inside of a unified kernel image. */
import type { Architecture } from './architecture.js';

/** The last console is the one that PID 1 and a panic write to; a name that a machine does not have is passed over. */
const CONSOLES: Readonly<Record<Architecture, readonly string[]>> = {
  amd64: ['console=tty0', 'console=ttyS0,115200'],
  arm64: ['console=tty0', 'console=ttyAMA0,115200'],
};

/**
 * What a node is booted with where nobody gives it a command line of its own. Without Secure Boot the stub appends what the machine's
 * SMBIOS has under `io.systemd.stub.kernel-cmdline-extra` (systemd-stub(7)).
 */
export function bootParameters(arch: Architecture): string[] {
  // The kernel tries out the timer's interrupt and panics when it comes late, which an emulated machine on a busy host may do to it.
  const emulated = arch === 'amd64' ? ['no_timer_check'] : [];
  return [...CONSOLES[arch], 'panic=10', 'printk.devkmsg=on', ...emulated, 'ip=dhcp'];
}
