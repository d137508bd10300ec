/**
 * The system calls that a process which faces the network, or reads what strangers have written, may make, and what becomes of the others. Found by tracing it (tools/osd-syscalls.mjs shows what it calls
 * and the list lacks, and what the list has and nobody calls), then cut down by what code that has taken osd over could do with each.
 *
 *   started, modules loaded  →  START, before anything from outside is read  →  listening  →  LISTENING on top of it
 *
 * What is not on the list fails with EPERM: programs ask for many things, and do without. Calls that only an attacker makes end the
 * process at once; init starts it again and says so. Lists serve both architectures: names that one of them has not are passed over.
 */
import type { SeccompComparison, SeccompFilter, SeccompRule } from '../native/contract.js';

interface Group {
  why: string;
  syscalls: readonly string[];
}

/** Allowed whatever their arguments are. */
export const ALLOWED: readonly Group[] = [
  {
    why: 'bytes in and out of descriptors that are open',
    syscalls: ['read', 'readv', 'pread64', 'write', 'writev', 'close', 'lseek'],
  },
  {
    why: 'connections, control messages with descriptors among them; `socket` is below',
    syscalls: [
      ...['bind', 'listen', 'accept4', 'connect', 'shutdown', 'getsockname', 'getpeername', 'getsockopt', 'setsockopt'],
      ...['sendto', 'sendmsg', 'sendmmsg', 'recvfrom', 'recvmsg', 'recvmmsg'],
    ],
  },
  {
    why: 'waiting and waking: the event loop, the thread of the addon, doorbells of logs',
    syscalls: [
      ...['epoll_create1', 'epoll_ctl', 'epoll_wait', 'epoll_pwait', 'epoll_pwait2', 'poll', 'ppoll'],
      ...['eventfd2', 'pipe2', 'futex', 'nanosleep', 'clock_nanosleep', 'restart_syscall'],
    ],
  },
  {
    why: 'memory: heap, compiler and garbage collector of V8; `mmap` is below',
    syscalls: [
      ...['munmap', 'mremap', 'mprotect', 'madvise', 'brk', 'membarrier'],
      ...['pkey_alloc', 'pkey_free', 'pkey_mprotect'],
    ],
  },
  {
    why: 'bodies for machined that are too large for a message travel in sealed memory',
    syscalls: ['memfd_create', 'ftruncate'],
  },
  { why: 'looking at files, not into them; `openat` is below', syscalls: ['statx', 'newfstatat', 'fstat'] },
  { why: 'names and places of devices in /sys', syscalls: ['readlink', 'readlinkat', 'getdents64'] },
  {
    why: 'the same for C libraries of other ages',
    syscalls: ['stat', 'lstat', 'access', 'faccessat', 'faccessat2', 'getcwd'],
  },
  {
    why: 'signals to itself that have a handler',
    syscalls: ['rt_sigaction', 'rt_sigprocmask', 'rt_sigreturn', 'sigaltstack'],
  },
  {
    why: 'threads: their births are below',
    syscalls: ['set_robust_list', 'rseq', 'sched_yield', 'exit', 'exit_group'],
  },
  {
    why: 'who, when, how much: what the process may know of itself and of the clock',
    syscalls: [
      ...['getpid', 'gettid', 'getppid', 'getuid', 'geteuid', 'getgid', 'getegid', 'uname', 'sysinfo', 'getcpu'],
      ...['clock_gettime', 'clock_getres', 'gettimeofday', 'time', 'getrandom', 'getrusage'],
      ...[
        'sched_getaffinity',
        'sched_getscheduler',
        'sched_getparam',
        'sched_get_priority_min',
        'sched_get_priority_max',
      ],
    ],
  },
];

/** End the process: nothing in it makes them, by mistake or to find out whether it may. */
export const FATAL: readonly Group[] = [
  { why: 'another program', syscalls: ['execve', 'execveat', 'fork', 'vfork'] },
  {
    why: 'other processes',
    syscalls: ['ptrace', 'process_vm_readv', 'process_vm_writev', 'process_madvise', 'kcmp', 'pidfd_getfd'],
  },
  {
    why: 'another root, other mounts, other namespaces',
    syscalls: [
      ...['mount', 'umount2', 'pivot_root', 'chroot', 'open_tree', 'move_mount', 'mount_setattr'],
      ...[
        'fsopen',
        'fsconfig',
        'fsmount',
        'fspick',
        'setns',
        'unshare',
        'open_by_handle_at',
        'quotactl',
        'quotactl_fd',
      ],
    ],
  },
  {
    why: 'parts of the kernel that much goes wrong in',
    syscalls: [
      'bpf',
      'perf_event_open',
      'userfaultfd',
      'io_uring_enter',
      'io_uring_register',
      'fanotify_init',
      'keyctl',
      'add_key',
      'request_key',
    ],
  },
  {
    why: 'the machine',
    syscalls: [
      ...[
        'reboot',
        'kexec_load',
        'kexec_file_load',
        'init_module',
        'finit_module',
        'delete_module',
        'swapon',
        'swapoff',
        'acct',
      ],
      ...[
        'iopl',
        'ioperm',
        'settimeofday',
        'clock_settime',
        'clock_adjtime',
        'adjtimex',
        'sethostname',
        'setdomainname',
      ],
    ],
  },
  {
    why: 'other rights',
    syscalls: [
      ...[
        'setuid',
        'setgid',
        'setreuid',
        'setregid',
        'setresuid',
        'setresgid',
        'setfsuid',
        'setfsgid',
        'setgroups',
        'capset',
      ],
      ...['mknod', 'mknodat', 'modify_ldt'],
    ],
  },
];

const INT = 0xffff_ffff;
/** An int or unsigned int: the kernel does not look at the upper half of the register. */
export const isInt = (argument: number, value: number): SeccompComparison => ({
  argument,
  operator: 'masked',
  mask: INT,
  value,
});
const hasNone = (argument: number, bits: number): SeccompComparison => ({
  argument,
  operator: 'masked',
  mask: bits,
  value: 0,
});
const hasAll = (argument: number, bits: number): SeccompComparison => ({
  argument,
  operator: 'masked',
  mask: bits,
  value: bits,
});
const oneOf = (syscall: string, argument: number, values: Readonly<Record<string, number>>): SeccompRule[] =>
  Object.values(values).map((value) => ({ syscalls: [syscall], where: [isInt(argument, value)] }));

const AF_INET = 2;
const AF_INET6 = 10;
const SOCK_STREAM = 1;
const SOCK_DGRAM = 2;
/** The type without SOCK_CLOEXEC and SOCK_NONBLOCK. */
const SOCK_TYPE_MASK = 0xf;
/** CLONE_VM, CLONE_SIGHAND, CLONE_THREAD. */
const THREAD_FLAGS = 0x0001_0900;
/** CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET, and CLONE_PTRACE. */
const FOREIGN_CLONE_FLAGS = 0x7e02_2000;
const PROT_EXEC = 4;
const MAP_ANONYMOUS = 0x20;
/** O_ACCMODE, O_CREAT, O_TRUNC, O_APPEND and what is O_TMPFILE's alone: the same on both architectures. */
const WRITING_FLAGS = 0o3 | 0o100 | 0o1000 | 0o2000 | 0o20000000;
const FCNTL_COMMANDS = {
  ...{ F_DUPFD: 0, F_GETFD: 1, F_SETFD: 2, F_GETFL: 3, F_SETFL: 4 },
  ...{ F_DUPFD_CLOEXEC: 1030, F_ADD_SEALS: 1033, F_GET_SEALS: 1034 },
};
const IOCTL_REQUESTS = {
  TCGETS: 0x5401,
  TIOCGWINSZ: 0x5413,
  FIONREAD: 0x541b,
  FIONBIO: 0x5421,
  FIONCLEX: 0x5450,
  FIOCLEX: 0x5451,
};
/** PR_SET_VMA names memory; PR_SET_NO_NEW_PRIVS comes before each filter. */
const PRCTL_OPTIONS = { PR_SET_NAME: 15, PR_GET_NAME: 16, PR_SET_NO_NEW_PRIVS: 38, PR_SET_VMA: 0x5356_4d41 };
const SECCOMP_SET_MODE_FILTER = 1;

/** Kinds of sockets that a process makes. */
export type SocketsNeeded = 'none' | 'tcp' | 'tcp and udp';

const SOCKET_TYPES: Readonly<Record<SocketsNeeded, readonly number[]>> = {
  none: [],
  tcp: [SOCK_STREAM],
  'tcp and udp': [SOCK_STREAM, SOCK_DGRAM],
};

function inetSocket(family: number, type: number): SeccompRule {
  const isType: SeccompComparison = { argument: 1, operator: 'masked', mask: SOCK_TYPE_MASK, value: type };
  // The protocol of the type, not one of its others (ICMP, MPTCP, SCTP).
  return { syscalls: ['socket'], where: [isInt(0, family), isType, isInt(2, 0)] };
}

/** Allowed, or failing in a way of their own, by their arguments. */
function byArgument(pid: number, sockets: SocketsNeeded): SeccompRule[] {
  const types = SOCKET_TYPES[sockets];
  return [
    // TCP, and UDP for who asks for names or the time. Not unix, netlink, packet, vsock, nor anything else of the sixty families.
    ...[AF_INET, AF_INET6].flatMap((family) => types.map((type) => inetSocket(family, type))),
    // Files to read. Other ways to open one, openat2 among them, whose flags a filter cannot see, fail.
    { syscalls: ['openat'], where: [hasNone(2, WRITING_FLAGS)] },
    { syscalls: ['open'], where: [hasNone(1, WRITING_FLAGS)] },
    // Code is what the compiler of V8 wrote, never a file: no library is loaded after the start.
    { syscalls: ['mmap'], where: [hasNone(2, PROT_EXEC)] },
    { syscalls: ['mmap'], where: [hasAll(3, MAP_ANONYMOUS)] },
    // Threads of this process. Flags of clone3 are in memory, so the C library must take clone, as on kernels that have no clone3.
    { syscalls: ['clone'], where: [hasAll(0, THREAD_FLAGS), hasNone(0, FOREIGN_CLONE_FLAGS)] },
    { syscalls: ['clone'], action: 'kill-process' },
    { syscalls: ['clone3'], action: { errno: 'ENOSYS' } },
    // abort() and crashes: a signal to a thread of its own, and to nobody else.
    { syscalls: ['tgkill'], where: [isInt(0, pid)] },
    // Limits may be read, its own.
    { syscalls: ['prlimit64'], where: [isInt(0, 0), { argument: 2, operator: '==', value: 0 }] },
    ...oneOf('fcntl', 1, FCNTL_COMMANDS),
    ...oneOf('ioctl', 1, IOCTL_REQUESTS),
    ...oneOf('prctl', 0, PRCTL_OPTIONS),
    // A filter can only take away more.
    { syscalls: ['seccomp'], where: [isInt(0, SECCOMP_SET_MODE_FILTER)] },
  ];
}

/**
 * From the start on.
 * @param pid  of the process itself
 * @param own  what it calls besides, and the others do not
 */
export function startFilter(
  pid: number,
  sockets: SocketsNeeded = 'tcp and udp',
  own: readonly SeccompRule[] = [],
): SeccompFilter {
  return {
    defaultAction: { errno: 'EPERM' },
    rules: [
      ...ALLOWED.map(({ syscalls }) => ({ syscalls })),
      ...FATAL.map(({ syscalls }) => ({ syscalls, action: 'kill-process' as const })),
      ...byArgument(pid, sockets),
      ...own,
    ],
  };
}

/**
 * On top of it once the process listens: no more listening, and no more filters.
 * @param connects  whether it makes connections itself; else there are none to anybody over TCP. UDP stays: names, and the time
 */
export function listeningFilter(connects = false): SeccompFilter {
  const tcp: SeccompComparison = { argument: 1, operator: 'masked', mask: SOCK_TYPE_MASK, value: SOCK_STREAM };
  const action = { errno: 'EPERM' };
  return {
    defaultAction: 'allow',
    rules: [
      ...(connects ? [] : [{ syscalls: ['socket'], where: [tcp], action }]),
      { syscalls: ['listen', 'seccomp'], action },
    ],
  };
}
