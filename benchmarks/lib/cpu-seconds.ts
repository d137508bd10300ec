import { readdirSync, readFileSync } from 'node:fs';

/** CLK_TCK: what Linux has on every architecture that we run on. */
const TICKS_PER_SECOND = 100;

/** Seconds of CPU time, user and system, that a process has used. */
export function cpuSeconds(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  // After the command, which may hold blanks: utime and stime are the 14th and 15th field of proc_pid_stat(5).
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}

/** Microseconds of CPU time of all threads that a process has now: the scheduler's own count (schedstat), where stat(5) has hundredths of a second. */
export function cpuMicroseconds(pid: number): number {
  const ofThread = (thread: string) =>
    Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'latin1').split(' ')[0]);
  return readdirSync(`/proc/${pid}/task`).reduce((sum, thread) => sum + ofThread(thread), 0) / 1000;
}
