import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';

/** Names one process for good: pids are used again, but not with the same start time in the same boot of the machine. */
export interface ProcessIdentity {
  readonly pid: number;
  /** Clock ticks between boot and start of the process: field 22 of /proc/PID/stat, proc_pid_stat(5). */
  readonly startTicks: string;
  /** /proc/sys/kernel/random/boot_id of the boot that the process ran in. */
  readonly bootId: string;
}

/** The id of this boot of the machine. */
export function currentBootId(): string {
  return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
}

/** What /proc says of a process; undefined when there is none, or only a zombie. */
function statOf(pid: number): { state: string; startTicks: string } | undefined {
  let text: string;
  try {
    text = readFileSync(`/proc/${pid}/stat`, 'utf8');
  } catch {
    return undefined;
  }
  // The second field is the command in brackets, which may hold blanks and brackets itself.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const [state, startTicks] = [fields[0], fields[19]];
  if (state === undefined || startTicks === undefined || state === 'Z' || state === 'X') return undefined;
  return { state, startTicks };
}

/**
 * The identity of a running process.
 * @returns undefined when there is no such process
 */
export function identify(pid: number): ProcessIdentity | undefined {
  const stat = statOf(pid);
  return stat && { pid, startTicks: stat.startTicks, bootId: currentBootId() };
}

/** Whether exactly this process still runs. */
export function isRunning(identity: ProcessIdentity): boolean {
  return identity.bootId === currentBootId() && statOf(identity.pid)?.startTicks === identity.startTicks;
}

/**
 * Sends a signal to exactly this process.
 * @returns whether it was there to receive it
 */
export function signalProcess(identity: ProcessIdentity, signal: NodeJS.Signals): boolean {
  if (!isRunning(identity)) return false;
  try {
    process.kill(identity.pid, signal);
    return true;
  } catch {
    return false;
  }
}

/** How often a process that is not our child is looked at; there is no event for its end without a pidfd. */
const EXIT_POLL_MS = 20;

/**
 * Waits until a process that is not our child has ended.
 * @returns whether it ended within `timeoutMs`
 */
export async function waitForExit(identity: ProcessIdentity, timeoutMs: number): Promise<boolean> {
  const deadline = Date.now() + timeoutMs;
  while (isRunning(identity)) {
    if (Date.now() >= deadline) return false;
    await delay(EXIT_POLL_MS);
  }
  return true;
}
