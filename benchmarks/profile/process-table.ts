/** Processes of a node by the CPU time that they have used, as text. Pure. */

/** As `osctl processes -o json` has one. */
export interface NodeProcess {
  readonly pid: number;
  /** Seconds. */
  readonly cpuTime: number;
  /** Empty for threads of the kernel. */
  readonly executable: string;
  readonly args: string;
  readonly command: string;
}

const MOST_CHARACTERS = 90;

/** The largest first; threads of the kernel together, and what has used nothing (in hundredths of a second) left out. */
export function processTable(processes: readonly NodeProcess[]): string {
  const own = processes.filter(({ args }) => args !== '');
  const kernel = processes.filter(({ args }) => args === '');
  const rows = own.map(({ pid, cpuTime, args }) => ({
    cpuTime,
    pid: String(pid),
    what: args.slice(0, MOST_CHARACTERS),
  }));
  const kernelTime = kernel.reduce((sum, { cpuTime }) => sum + cpuTime, 0);
  rows.push({ cpuTime: kernelTime, pid: '-', what: `${kernel.length} threads of the kernel` });
  const lines = rows
    .filter(({ cpuTime }) => cpuTime > 0)
    .sort((left, right) => right.cpuTime - left.cpuTime)
    .map(({ cpuTime, pid, what }) => `${cpuTime.toFixed(2).padStart(8)}${pid.padStart(8)}  ${what}\n`);
  return `${'CPU s'.padStart(8)}${'PID'.padStart(8)}  process\n${lines.join('')}`;
}
