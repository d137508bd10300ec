/** The process table. */

/** Letters of proc_pid_stat(5), and '?' for a process of which only the number may be seen. */
export type ProcessState = 'R' | 'S' | 'D' | 'Z' | 'T' | 't' | 'X' | 'I' | '?';

export interface ProcessInfo {
  pid: number;
  /** 0: its parent is outside of our pid namespace, or there is none. */
  parentPid: number;
  state: ProcessState;
  threads: number;
  /** In user and kernel mode, of all threads. */
  cpuTimeMs: number;
  /** Since boot, by the clock that counts suspended time. */
  startedMs: number;
  virtualBytes: number;
  residentBytes: number;
  isKernelThread: boolean;
  /** Its own name for itself, 15 bytes (kernel threads: more); may hold anything. */
  command: string;
  /** '' when it is unknown (a kernel thread, a zombie). Deleted files end in ' (deleted)'. */
  executable: string;
  /** Empty for kernel threads and zombies. */
  arguments: string[];
  /** There is more than `commandLineBytes` of them; the last is cut. */
  isCommandLineCut: boolean;
  /** Within cgroup2; '' unless asked for. */
  cgroupPath: string;
  /** False: executable and arguments could not be read, or not before the deadline. */
  hasDetails: boolean;
}

export interface ProcessTable {
  /** By their numbers, ascending. */
  processes: ProcessInfo[];
  /** False: the deadline passed while details were read, or the bounds (262,144 processes, 32 MiB of text) were met. */
  isComplete: boolean;
}

export interface ProcessTableOptions {
  /** Reads the cgroup of each process, too; false if absent. */
  cgroups?: boolean;
  /** At most so much of each command line, up to 64 KiB; 4096 if absent. 0: neither command lines nor executables. */
  commandLineBytes?: number;
  /**
   * How long details may take, 2000 if absent. Reading a command line takes a lock of that process, which a hung one may hold; from then on
   * the others come without their details.
   */
  deadlineMs?: number;
}
