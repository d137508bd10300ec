import { columns, count, named } from './text.js';

/** The kernel's unit of time in /proc, whatever it ticks with itself (USER_HZ). */
const TICKS_PER_SECOND = 100;

const CPU_COLUMNS = [
  ...(['user', 'nice', 'system', 'idle', 'iowait', 'irq', 'softIrq', 'steal', 'guest', 'guestNice'] as const),
];
const SOFT_IRQ_COLUMNS = [
  ...(['hi', 'timer', 'netTx', 'netRx', 'block', 'blockIoPoll', 'tasklet', 'sched', 'hrtimer', 'rcu'] as const),
];

/** Seconds since boot. Guest time is part of user time as well. */
export type CpuSeconds = Record<(typeof CPU_COLUMNS)[number], number>;
/** How often each kind ran, on all processors. */
export type SoftIrqs = Record<(typeof SOFT_IRQ_COLUMNS)[number], number>;

export interface SystemStat {
  /** Seconds since the Unix epoch. */
  bootTime: number;
  cpuTotal: CpuSeconds;
  /** By position; only those that are online. */
  cpu: CpuSeconds[];
  irqTotal: number;
  /** By the kernel's number of the interrupt. The total has more: those without a number. */
  irq: number[];
  contextSwitches: number;
  processCreated: number;
  processRunning: number;
  processBlocked: number;
  softIrqTotal: number;
  softIrq: SoftIrqs;
}

/** /proc/stat. Source: proc_stat(5). */
export function parseStat(text: string): SystemStat {
  const lines = text.split('\n').map(columns);
  const values = (name: string): string[] => lines.find(([first]) => first === name)?.slice(1) ?? [];
  const [irqTotal, ...irq] = values('intr').map(count);
  const [softIrqTotal, ...softIrq] = values('softirq');
  return {
    bootTime: count(values('btime')[0]),
    cpuTotal: cpuSeconds(values('cpu')),
    cpu: lines.filter(([name = '']) => /^cpu\d+$/.test(name)).map(([, ...ticks]) => cpuSeconds(ticks)),
    irqTotal: irqTotal ?? 0,
    irq,
    contextSwitches: count(values('ctxt')[0]),
    processCreated: count(values('processes')[0]),
    processRunning: count(values('procs_running')[0]),
    processBlocked: count(values('procs_blocked')[0]),
    softIrqTotal: count(softIrqTotal),
    softIrq: named(SOFT_IRQ_COLUMNS, softIrq),
  };
}

function cpuSeconds(ticks: readonly string[]): CpuSeconds {
  return named(
    CPU_COLUMNS,
    ticks.map((value) => String(count(value) / TICKS_PER_SECOND)),
  );
}

export interface LoadAverage {
  load1: number;
  load5: number;
  load15: number;
}

/** /proc/loadavg: tasks that run or wait for a disk, averaged over 1, 5 and 15 minutes. Source: proc_loadavg(5). */
export function parseLoadAverage(text: string): LoadAverage {
  return named(['load1', 'load5', 'load15'], columns(text));
}
