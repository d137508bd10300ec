import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { errorCode, errorMessage } from '../base/errors.js';

export interface Sysctl {
  /** With dots, as sysctl(8) writes it. */
  key: string;
  value: string;
  reason: string;
}

/** What PID 1 sets, in this order. */
export const SYSCTLS: readonly Sysctl[] = [
  // First of all: a change of ip_forward puts other settings of net.ipv4.conf back to their defaults.
  { key: 'net.ipv4.ip_forward', value: '1', reason: 'pods reach the world through the node' },
  { key: 'net.ipv4.conf.all.accept_redirects', value: '0', reason: 'a neighbour must not change our routes' },
  { key: 'net.ipv4.conf.default.accept_redirects', value: '0', reason: 'the same for interfaces to come' },
  { key: 'net.ipv4.conf.all.send_redirects', value: '0', reason: "pods are no routers' business" },
  { key: 'net.ipv4.conf.default.send_redirects', value: '0', reason: 'the same for interfaces to come' },
  { key: 'net.ipv4.conf.all.accept_source_route', value: '0', reason: 'the sender must not choose the path' },
  { key: 'net.ipv4.conf.default.accept_source_route', value: '0', reason: 'the same for interfaces to come' },
  { key: 'net.ipv6.conf.all.accept_redirects', value: '0', reason: 'a neighbour must not change our routes' },
  { key: 'net.ipv6.conf.default.accept_redirects', value: '0', reason: 'the same for interfaces to come' },
  { key: 'net.ipv6.conf.all.accept_source_route', value: '0', reason: 'the sender must not choose the path' },
  { key: 'net.ipv6.conf.default.accept_source_route', value: '0', reason: 'the same for interfaces to come' },
  { key: 'net.ipv4.tcp_syncookies', value: '1', reason: 'a SYN flood must not close the API port' },
  { key: 'net.ipv4.icmp_echo_ignore_broadcasts', value: '1', reason: 'no amplifier for others' },
  { key: 'net.ipv4.icmp_ignore_bogus_error_responses', value: '1', reason: "no log lines at a stranger's will" },
  {
    key: 'net.ipv4.ip_local_reserved_ports',
    value: '50000,50001',
    reason: 'no outgoing connection may take the ports of osd and trustd',
  },
  { key: 'net.ipv4.tcp_keepalive_time', value: '600', reason: 'dead API clients are noticed in minutes, not hours' },
  { key: 'net.ipv4.tcp_keepalive_intvl', value: '60', reason: 'see tcp_keepalive_time' },
  { key: 'net.core.bpf_jit_harden', value: '2', reason: "no constants of a program's choice in JIT code" },
  { key: 'kernel.panic', value: '10', reason: 'after a panic the node reboots, and the reason can be read until then' },
  {
    key: 'kernel.panic_on_oops',
    value: '1',
    reason: 'a kernel that has failed once is not to be trusted; kubelet expects it too',
  },
  { key: 'kernel.oops_limit', value: '100', reason: 'who provokes oopses to guess addresses gets few tries' },
  { key: 'kernel.warn_limit', value: '100', reason: 'the same with warnings' },
  { key: 'kernel.pid_max', value: '262144', reason: 'a node has hundreds of pods' },
  { key: 'kernel.kptr_restrict', value: '2', reason: 'no kernel addresses, not even to root' },
  { key: 'kernel.dmesg_restrict', value: '1', reason: 'the kernel log is read by descriptors from PID 1 only' },
  { key: 'kernel.perf_event_paranoid', value: '3', reason: 'no performance counters for pods' },
  { key: 'kernel.randomize_va_space', value: '2', reason: 'full address space randomisation' },
  { key: 'kernel.yama.ptrace_scope', value: '2', reason: 'tracing needs CAP_SYS_PTRACE' },
  { key: 'kernel.unprivileged_bpf_disabled', value: '1', reason: 'BPF needs CAP_BPF, until the next boot' },
  { key: 'kernel.sysrq', value: '0', reason: 'no commands from a keyboard or a serial line' },
  {
    key: 'kernel.keys.root_maxkeys',
    value: '1000000',
    reason: 'containers of root share one quota; kubelet expects it',
  },
  { key: 'kernel.keys.root_maxbytes', value: '25000000', reason: 'see root_maxkeys' },
  { key: 'vm.overcommit_memory', value: '1', reason: 'limits are those of cgroups; kubelet expects it' },
  { key: 'vm.panic_on_oom', value: '0', reason: 'the offender is killed, not the node; kubelet expects it' },
  { key: 'vm.mmap_min_addr', value: '65536', reason: 'a null pointer in the kernel must not reach user memory' },
  { key: 'user.max_user_namespaces', value: '0', reason: 'user namespaces open much of the kernel to everybody' },
  { key: 'dev.tty.ldisc_autoload', value: '0', reason: 'old line disciplines are a known way in' },
  { key: 'dev.tty.legacy_tiocsti', value: '0', reason: "no typing into other people's terminals" },
  { key: 'fs.protected_symlinks', value: '1', reason: 'no tricks with links in /tmp' },
  { key: 'fs.protected_hardlinks', value: '1', reason: 'no tricks with links in /tmp' },
  { key: 'fs.protected_fifos', value: '2', reason: 'no pipes planted in shared folders' },
  { key: 'fs.protected_regular', value: '2', reason: 'no files planted in shared folders' },
  { key: 'fs.suid_dumpable', value: '0', reason: 'no core files of privileged programs' },
  {
    key: 'fs.inotify.max_user_instances',
    value: '8192',
    reason: 'kubelet, containerd and pods of root share one quota',
  },
  { key: 'fs.aio-max-nr', value: '1048576', reason: 'databases in pods' },
];

export interface SysctlReport {
  applied: number;
  /** Keys that this kernel does not have. */
  missing: string[];
  /** Keys that it has and did not take. */
  failed: { key: string; message: string }[];
}

/**
 * Writes all of `table` below `root`. A key that is missing or refused is reported and the next one tried: what is configured
 * out of the kernel must not keep a node from booting. Does not block.
 */
export function applySysctls(table: readonly Sysctl[] = SYSCTLS, root = '/proc/sys'): SysctlReport {
  const report: SysctlReport = { applied: 0, missing: [], failed: [] };
  for (const { key, value } of table) {
    try {
      // Without O_CREAT: in /proc a missing key cannot be made, and elsewhere (tests) it must not be.
      writeFileSync(join(root, ...key.split('.')), `${value}\n`, { flag: 'r+' });
      report.applied++;
    } catch (error) {
      if (errorCode(error) === 'ENOENT') report.missing.push(key);
      else report.failed.push({ key, message: errorMessage(error) });
    }
  }
  return report;
}
