/**
 * The system calls of a service's container, for runc. Wider than what osd and its like confine themselves to when they have started, for it
 * holds from before the first instruction of the program: execve, files, threads. What is not named fails with EPERM.
 */

const ALLOWED: readonly { why: string; syscalls: readonly string[] }[] = [
  {
    why: 'the start of the program',
    syscalls: ['execve', 'execveat', 'arch_prctl', 'set_tid_address', 'prctl', 'brk'],
  },
  {
    why: 'files',
    syscalls: [
      ...['openat', 'openat2', 'open', 'close', 'close_range', 'read', 'readv', 'pread64', 'preadv', 'preadv2'],
      ...[
        'write',
        'writev',
        'pwrite64',
        'pwritev',
        'pwritev2',
        'lseek',
        'fcntl',
        'ioctl',
        'flock',
        'fsync',
        'fdatasync',
      ],
      ...[
        'ftruncate',
        'truncate',
        'fallocate',
        'dup',
        'dup2',
        'dup3',
        'copy_file_range',
        'sendfile',
        'splice',
        'fadvise64',
      ],
      ...['stat', 'lstat', 'fstat', 'newfstatat', 'statx', 'statfs', 'fstatfs', 'access', 'faccessat', 'faccessat2'],
      ...['getdents', 'getdents64', 'getcwd', 'chdir', 'fchdir', 'readlink', 'readlinkat', 'umask'],
      ...['mkdir', 'mkdirat', 'rmdir', 'unlink', 'unlinkat', 'rename', 'renameat', 'renameat2', 'link', 'linkat'],
      ...['symlink', 'symlinkat', 'chmod', 'fchmod', 'fchmodat', 'fchmodat2', 'utimensat', 'utimes'],
      ...['inotify_init', 'inotify_init1', 'inotify_add_watch', 'inotify_rm_watch', 'memfd_create'],
    ],
  },
  {
    why: 'sockets and pipes',
    syscalls: [
      ...['socket', 'socketpair', 'bind', 'listen', 'accept', 'accept4', 'connect', 'shutdown', 'getsockname'],
      ...[
        'getpeername',
        'getsockopt',
        'setsockopt',
        'sendto',
        'sendmsg',
        'sendmmsg',
        'recvfrom',
        'recvmsg',
        'recvmmsg',
      ],
      ...['pipe', 'pipe2'],
    ],
  },
  {
    why: 'waiting and waking',
    syscalls: [
      ...['epoll_create', 'epoll_create1', 'epoll_ctl', 'epoll_wait', 'epoll_pwait', 'epoll_pwait2', 'poll', 'ppoll'],
      ...['select', 'pselect6', 'eventfd', 'eventfd2', 'futex', 'futex_waitv', 'nanosleep', 'clock_nanosleep'],
      ...['restart_syscall', 'timerfd_create', 'timerfd_settime', 'timerfd_gettime', 'signalfd4', 'pause'],
      ...[
        'timer_create',
        'timer_settime',
        'timer_gettime',
        'timer_delete',
        'timer_getoverrun',
        'setitimer',
        'getitimer',
      ],
    ],
  },
  {
    why: 'memory',
    syscalls: [
      ...['mmap', 'munmap', 'mremap', 'mprotect', 'madvise', 'mincore', 'msync', 'membarrier', 'mlock', 'munlock'],
      ...['pkey_alloc', 'pkey_free', 'pkey_mprotect'],
    ],
  },
  {
    why: 'threads, children and their ends; namespaces are out of reach without a capability',
    syscalls: [
      ...['clone', 'clone3', 'fork', 'vfork', 'wait4', 'waitid', 'exit', 'exit_group', 'kill', 'tkill', 'tgkill'],
      ...['set_robust_list', 'get_robust_list', 'rseq', 'sched_yield', 'sched_getaffinity', 'sched_setaffinity'],
      ...['sched_getscheduler', 'sched_getparam', 'sched_get_priority_min', 'sched_get_priority_max', 'getpriority'],
      ...['setpriority', 'rt_sigaction', 'rt_sigprocmask', 'rt_sigreturn', 'rt_sigpending', 'rt_sigsuspend'],
      ...['rt_sigtimedwait', 'rt_sigqueueinfo', 'rt_tgsigqueueinfo', 'sigaltstack', 'pidfd_open', 'pidfd_send_signal'],
    ],
  },
  {
    why: 'who, when, how much',
    syscalls: [
      ...['getpid', 'gettid', 'getppid', 'getpgrp', 'getpgid', 'getsid', 'setsid', 'setpgid', 'getuid', 'geteuid'],
      ...['getgid', 'getegid', 'getgroups', 'getresuid', 'getresgid', 'capget', 'uname', 'sysinfo', 'getcpu', 'times'],
      ...['clock_gettime', 'clock_getres', 'gettimeofday', 'time', 'getrandom', 'getrusage', 'getrlimit', 'setrlimit'],
      ...['prlimit64'],
    ],
  },
  {
    why: 'runc gives up rights with them before it starts the program; nothing can be gained by them without a capability',
    syscalls: [
      ...['capset', 'setuid', 'setgid', 'setgroups', 'setresuid', 'setresgid', 'setreuid', 'setregid', 'seccomp'],
    ],
  },
];

/** For this machine's architecture, which is what runc takes without one. */
export function seccompProfile(): object {
  const EPERM = 1;
  return {
    defaultAction: 'SCMP_ACT_ERRNO',
    defaultErrnoRet: EPERM,
    syscalls: [{ names: ALLOWED.flatMap(({ syscalls }) => syscalls), action: 'SCMP_ACT_ALLOW' }],
  };
}
