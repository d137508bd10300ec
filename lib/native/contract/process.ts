/** Starting, watching and reaping processes. */
import type { FileDescriptor } from './descriptor.js';
import type { ProcessTable, ProcessTableOptions } from './process-table.js';
import type { SeccompFilter } from './seccomp.js';

export type Stdio = 'null' | 'inherit' | FileDescriptor;

export interface ResourceLimit {
  /** Soft and hard limit in the unit of setrlimit(2); -1 means RLIM_INFINITY. */
  soft: number;
  hard: number;
}

export type Namespace = 'mount' | 'pid' | 'net' | 'uts' | 'ipc' | 'user' | 'cgroup';

/** Ids `inside` a user namespace from here on are those `outside` of it from there on. */
export interface IdRange {
  inside: number;
  outside: number;
  count: number;
}

export interface SpawnOptions {
  /** Absolute path of the executable; `argv[0]` may differ from it. */
  file: string;
  argv: string[];
  /** The whole environment of the child; nothing is inherited. */
  env: Record<string, string>;
  cwd?: string;
  uid?: number;
  gid?: number;
  /** Supplementary groups; set (to none by default) whenever `uid` or `gid` is. */
  groups?: number[];
  /** Capability names ('CAP_NET_ADMIN') the child keeps in every set, bounding and ambient included. Absent: unchanged. [] drops all. */
  capabilities?: string[];
  noNewPrivileges?: boolean;
  namespaces?: Namespace[];
  /** Ids of a new user namespace (`namespaces` must name it); the caller needs CAP_SETUID and CAP_SETGID. Without them all are nobody's. */
  idMaps?: { uids: IdRange[]; gids: IdRange[] };
  /**
   * Set as the last step before exec, so it must allow `execve`; a filter that forbids exec is installed by the program itself
   * (`installSeccomp`). Needs `noNewPrivileges`, or CAP_SYS_ADMIN among `capabilities`.
   */
  seccomp?: SeccompFilter;
  /** A directory of cgroup2 the child is born in (CLONE_INTO_CGROUP). */
  cgroup?: FileDescriptor;
  /** 'nofile', 'nproc', 'core', 'memlock', 'as', 'data', 'stack', 'fsize', 'cpu', … */
  rlimits?: Record<string, ResourceLimit>;
  /** -1000 to 1000. */
  oomScoreAdj?: number;
  /** New session (setsid). */
  session?: boolean;
  stdin: Stdio;
  stdout: Stdio;
  stderr: Stdio;
  /** Become descriptors 3, 4, … of the child; the parent's handles stay open and owned by the caller. */
  descriptors?: FileDescriptor[];
}

export type ExitStatus = { kind: 'exited'; code: number } | { kind: 'signaled'; signal: string; coreDumped: boolean };

export interface Child {
  readonly pid: number;
  /** Settles exactly once, with the status that the reaper collected. */
  readonly exited: Promise<ExitStatus>;
  /** pidfd_send_signal(2); false when the child is gone already. */
  kill(signal: string): boolean;
}

export interface ReaperStats {
  /** Children of ours whose status was delivered. */
  childrenReaped: number;
  /** Processes that were left to us and reaped without anybody waiting for them. */
  orphansReaped: number;
}

export interface ProcessModule {
  /** Starts the child (about 1 ms; sleeps only until exec). A failure in the child throws with `stage` beside `code`. */
  spawn(options: SpawnOptions): Child;
  /**
   * Starts the thread that owns waitid(P_ALL) in this process; called once, before the first spawn.
   * `subreaper` also sets PR_SET_CHILD_SUBREAPER (tests on a host; PID 1 needs no such thing).
   */
  startReaper(options: { subreaper: boolean }): void;
  reaperStats(): ReaperStats;
  /**
   * Restricts this process, all of its threads and whatever it starts, for ever: no_new_privs and seccomp(2) with
   * SECCOMP_FILTER_FLAG_TSYNC. Does not block.
   */
  installSeccomp(filter: SeccompFilter): void;
  /** Every process of our /proc, zombies and kernel threads included. On the thread pool; see `deadlineMs`. */
  readTable(options?: ProcessTableOptions): Promise<ProcessTable>;
}
