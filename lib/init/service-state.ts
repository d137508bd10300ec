/**
 * The life of one service, as a pure function: what it is, what happens, and what is to be done about it.
 *
 * | state \ input | start           | stop              | restart          | dependencies met | spawned   | spawn failed | exited          | timer                 |
 * |---------------|-----------------|-------------------|------------------|------------------|-----------|--------------|-----------------|-----------------------|
 * | Waiting start | Waiting deps.   | Finished          | Waiting deps.    | -                | -         | -            | -               | -                     |
 * | Waiting deps. | -               | Finished          | -                | Starting, spawn  | -         | -            | -               | -                     |
 * | Waiting again | Waiting deps.   | Finished          | Waiting deps.    | -                | -         | -            | -               | Waiting deps.         |
 * | Starting      | -               | -                 | -                | -                | Running   | as a failure | -               | -                     |
 * | Running       | -               | Stopping, SIGTERM | Stopping, then a | -                | -         | -            | by its policy   | -                     |
 * |               |                 |                   | start            |                  |           |              |                 |                       |
 * | Stopping      | then a start    | no start then     | then a start     | -                | -         | -            | Finished, or    | kill the cgroup, and  |
 * |               |                 |                   |                  |                  |           |              | Waiting deps.   | again if it stays     |
 * | Finished      | Waiting deps.   | -                 | Waiting deps.    | -                | -         | -            | -               | -                     |
 * | Failed        | Waiting deps.   | -                 | Waiting deps.    | -                | -         | -            | -               | -                     |
 *
 * "-": nothing changes. "By its policy": `always`, and `on-failure` after a failure, go to Waiting again with a growing delay
 * (back-off.ts); otherwise exit code 0 is Finished and all else Failed. Starting lasts only as long as the spawn itself, which
 * is synchronous: no request can arrive in it. When the node goes down the policy is `never` for everybody.
 */

import { nextDelay } from '../base/back-off.js';
import type { ExitStatus } from '../native/contract.js';
import type { RestartPolicy } from './definition.js';

/** The names of the kinds are those of the API (`ServiceStateName`). */
export type ServiceState =
  /** Not started yet (`start`), held up by what it depends on, or by the back-off after it ended (`again`). */
  | { kind: 'Waiting'; what: 'start' | 'dependencies' | 'again' }
  | { kind: 'Starting' }
  | { kind: 'Running'; sinceMs: number }
  | { kind: 'Stopping'; startAfterwards: boolean }
  | { kind: 'Finished' }
  | { kind: 'Failed' };

export interface ServiceRecord {
  state: ServiceState;
  /** Wait before the current run; 0 when it did not follow a restart. */
  delayMs: number;
  /** Times that it was started again by policy. */
  restarts: number;
  /** The newest line of its log when it last failed. */
  lastLogLine: string;
}

export type ServiceInput =
  | { kind: 'start' }
  | { kind: 'stop' }
  | { kind: 'restart' }
  | { kind: 'dependencies-met' }
  | { kind: 'spawned'; pid: number }
  | { kind: 'spawn-failed'; why: string }
  /** `isOutOfMemory`: the kernel has killed processes of it for want of memory. */
  | { kind: 'exited'; status: ExitStatus; lastLogLine: string; isOutOfMemory?: boolean }
  | { kind: 'timer' };

export type ServiceEffect =
  /** Answered by the input `dependencies-met`, at once or later. */
  | { kind: 'ask-dependencies' }
  /** Answered by `spawned` or `spawn-failed`. */
  | { kind: 'spawn' }
  | { kind: 'terminate' }
  | { kind: 'kill' }
  /** Replaces a timer that is armed already; its end is the input `timer`. */
  | { kind: 'arm-timer'; delayMs: number }
  | { kind: 'disarm-timer' };

export interface ServiceRules {
  restart: RestartPolicy;
  stopTimeoutMs: number;
  /** Bound of the back-off; 30 s but on nodes of tests. */
  maxDelayMs?: number;
}

export interface Step {
  record: ServiceRecord;
  effects: ServiceEffect[];
  /** What happened, for the event list and the log; absent when nothing did. */
  message?: string;
  /** The message is about a failure. */
  isFailure?: boolean;
}

/** A killed process that is still there is stuck in the kernel; it is tried again at this pace. */
const KILL_AGAIN_MS = 30_000;

export const INITIAL_RECORD: ServiceRecord = {
  state: { kind: 'Waiting', what: 'start' },
  delayMs: 0,
  restarts: 0,
  lastLogLine: '',
};

/** @param nowMs  monotonic milliseconds */
export function step(record: ServiceRecord, input: ServiceInput, rules: ServiceRules, nowMs: number): Step {
  const { state } = record;
  switch (state.kind) {
    case 'Waiting':
      return fromWaiting(record, state.what, input);
    case 'Starting':
      return fromStarting(record, input, rules, nowMs);
    case 'Running':
      return fromRunning(record, state.sinceMs, input, rules, nowMs);
    case 'Stopping':
      return fromStopping(record, state.startAfterwards, input);
    case 'Finished':
    case 'Failed':
      return input.kind === 'start' || input.kind === 'restart' ? begin(record) : unchanged(record);
  }
}

function fromWaiting(record: ServiceRecord, what: 'start' | 'dependencies' | 'again', input: ServiceInput): Step {
  if (input.kind === 'stop') {
    return {
      record: to(record, { kind: 'Finished' }),
      effects: [{ kind: 'disarm-timer' }],
      message: 'Stopped before it ran',
    };
  }
  if (what === 'dependencies') {
    if (input.kind !== 'dependencies-met') return unchanged(record);
    return { record: to(record, { kind: 'Starting' }), effects: [{ kind: 'spawn' }], message: 'Starting' };
  }
  if (what === 'again' && input.kind === 'timer') {
    return {
      record: to({ ...record, restarts: record.restarts + 1 }, { kind: 'Waiting', what: 'dependencies' }),
      effects: [{ kind: 'ask-dependencies' }],
    };
  }
  return input.kind === 'start' || input.kind === 'restart' ? begin(record) : unchanged(record);
}

function fromStarting(record: ServiceRecord, input: ServiceInput, rules: ServiceRules, nowMs: number): Step {
  switch (input.kind) {
    case 'spawned':
      return {
        record: to(record, { kind: 'Running', sinceMs: nowMs }),
        effects: [],
        message: `Started with process id ${input.pid}`,
      };
    case 'spawn-failed':
      return ended(record, { why: `Could not be started: ${input.why}`, isFailure: true, ranForMs: 0 }, rules);
    default:
      return unchanged(record);
  }
}

function fromRunning(
  record: ServiceRecord,
  sinceMs: number,
  input: ServiceInput,
  rules: ServiceRules,
  nowMs: number,
): Step {
  switch (input.kind) {
    case 'stop':
    case 'restart':
      return {
        record: to(record, { kind: 'Stopping', startAfterwards: input.kind === 'restart' }),
        effects: [{ kind: 'terminate' }, { kind: 'arm-timer', delayMs: rules.stopTimeoutMs }],
        message: input.kind === 'stop' ? 'Stopping' : 'Stopping, to be started again',
      };
    case 'exited': {
      const isFailure = !isSuccess(input.status);
      const lastLogLine = isFailure ? input.lastLogLine : record.lastLogLine;
      const end = { why: describeExit(input), isFailure, ranForMs: nowMs - sinceMs };
      return ended({ ...record, lastLogLine }, end, rules);
    }
    default:
      return unchanged(record);
  }
}

function fromStopping(record: ServiceRecord, startAfterwards: boolean, input: ServiceInput): Step {
  switch (input.kind) {
    case 'start':
    case 'restart':
    case 'stop':
      return {
        record: to(record, { kind: 'Stopping', startAfterwards: input.kind !== 'stop' }),
        effects: [],
      };
    case 'timer':
      return {
        record,
        effects: [{ kind: 'kill' }, { kind: 'arm-timer', delayMs: KILL_AGAIN_MS }],
        message: 'Did not stop in time: killing its cgroup',
      };
    case 'exited': {
      const message = `Stopped: ${describeStatus(input.status, input.isOutOfMemory)}`;
      if (!startAfterwards) {
        return { record: to(record, { kind: 'Finished' }), effects: [{ kind: 'disarm-timer' }], message };
      }
      const next = begin(record);
      return { ...next, message };
    }
    default:
      return unchanged(record);
  }
}

/** Somebody asked for it, so the back-off starts anew. */
function begin(record: ServiceRecord): Step {
  return {
    record: to({ ...record, delayMs: 0 }, { kind: 'Waiting', what: 'dependencies' }),
    effects: [{ kind: 'disarm-timer' }, { kind: 'ask-dependencies' }],
  };
}

function ended(
  record: ServiceRecord,
  { why, isFailure, ranForMs }: { why: string; isFailure: boolean; ranForMs: number },
  { restart, maxDelayMs }: ServiceRules,
): Step {
  if (restart === 'always' || (restart === 'on-failure' && isFailure)) {
    const delayMs = nextDelay(record.delayMs, ranForMs, maxDelayMs);
    return {
      record: to({ ...record, delayMs }, { kind: 'Waiting', what: 'again' }),
      effects: [{ kind: 'arm-timer', delayMs }],
      message: `${why}; starting again in ${delayMs / 1000} s`,
      isFailure,
    };
  }
  return {
    record: to(record, { kind: isFailure ? 'Failed' : 'Finished' }),
    effects: [{ kind: 'disarm-timer' }],
    message: why,
    isFailure,
  };
}

function to(record: ServiceRecord, state: ServiceState): ServiceRecord {
  return { ...record, state };
}

function unchanged(record: ServiceRecord): Step {
  return { record, effects: [] };
}

function isSuccess(status: ExitStatus): boolean {
  return status.kind === 'exited' && status.code === 0;
}

function describeExit({ status, lastLogLine, isOutOfMemory }: ServiceInput & { kind: 'exited' }): string {
  const what = `Ended: ${describeStatus(status, isOutOfMemory)}`;
  return isSuccess(status) || lastLogLine === '' ? what : `${what}, last line: ${lastLogLine}`;
}

/** 'exit code 3', 'killed by SIGSEGV, core dumped', 'killed: out of memory'. */
export function describeStatus(status: ExitStatus, isOutOfMemory = false): string {
  if (status.kind === 'exited') return `exit code ${status.code}`;
  // Nobody else's SIGKILL comes together with that count.
  if (isOutOfMemory && status.signal === 'SIGKILL') return 'killed: out of memory';
  return `killed by ${status.signal}${status.coreDumped ? ', core dumped' : ''}`;
}
