/** Filters of system calls, seccomp(2). */

/**
 * What becomes of a call. `log` allows it and tells the audit log of a kernel that has one; `kill-process` ends the whole process with
 * SIGSYS; `errno` makes it fail without being tried.
 */
export type SeccompAction = 'allow' | 'log' | 'kill-process' | { errno: string };

/** About the 64 bits of a register, unsigned. An int may come with anything in its upper half: use `masked` with 0xffffffff. */
export type SeccompComparison =
  | { argument: number; operator: '==' | '!=' | '<' | '<=' | '>' | '>='; value: number | bigint }
  /** (argument & mask) === value. */
  | { argument: number; operator: 'masked'; mask: number | bigint; value: number | bigint };

export interface SeccompRule {
  /** Names, as in syscalls(2). One that only the other architecture has is passed over, so one list serves both. */
  syscalls: readonly string[];
  /** All of them must hold; at most 16. */
  where?: readonly SeccompComparison[];
  /** 'allow' if absent. */
  action?: SeccompAction;
}

export interface SeccompFilter {
  /** For calls that no rule matches. Calls of another ABI (32-bit, x32) kill the process whatever is said here. */
  defaultAction: SeccompAction;
  /** Rules about the same call are tried in their order; the first that matches decides. */
  rules: readonly SeccompRule[];
}
