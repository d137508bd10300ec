/** What benchmarks/memory.ts publishes of its nodes. Pure. */
import { MIB } from '../../lib/base/units.js';
import type { NodeMemory, NodeProcess } from './node-memory.js';
import type { Measurement } from './report.js';
import { summarise } from './statistics.js';

/** At most, in MiB of PSS. */
export const BUDGETS = { init: 45, all: 260 } as const;

/** Without these it is no worker. */
const EXPECTED = ['init', 'machined', 'networkd', 'osd', 'containerd', 'blockd', 'proxyd'];

/** Writes the log that is streamed; no part of a node. */
export const LOG_WRITER = 'chatty';

/**
 * Of the node alone.
 * @throws Error when a process that a worker has is missing, or PID 1 is not init
 */
function processesOfNode({ processes }: NodeMemory): NodeProcess[] {
  const own = processes.filter(({ program }) => program !== LOG_WRITER);
  const missing = EXPECTED.filter((name) => !own.some(({ program }) => program === name));
  if (missing.length > 0 || own.find(({ pid }) => pid === 1)?.program !== 'init')
    throw new Error(`not the processes of a worker: ${own.map(({ pid, program }) => `${pid} ${program}`).join(', ')}`);
  return own;
}

const mebibytes = (bytes: readonly number[]) => bytes.reduce((sum, each) => sum + each, 0) / MIB;

/** A row a program (several processes of one are added up), one of all of them, and one a control group. */
function rowsOf(memory: NodeMemory): Map<string, { unit: string; value: number }> {
  const processes = processesOfNode(memory);
  const rows = new Map<string, { unit: string; value: number }>();
  const add = (label: string, of: readonly NodeProcess[]) => {
    rows.set(`${label}, PSS`, { unit: 'MiB of PSS', value: mebibytes(of.map(({ pssBytes }) => pssBytes)) });
    rows.set(`${label}, RSS`, { unit: 'MiB of RSS', value: mebibytes(of.map(({ rssBytes }) => rssBytes)) });
  };
  add('all', processes);
  for (const program of [...new Set(processes.map((each) => each.program))].sort())
    add(
      program,
      processes.filter((each) => each.program === program),
    );
  for (const group of [...new Set(processes.map((each) => each.group))].sort()) {
    const bytes = memory.groupBytes.get(group);
    if (bytes !== undefined) rows.set(`group ${group}`, { unit: 'MiB of memory.current', value: bytes / MIB });
  }
  return rows;
}

/**
 * One measurement of each that every sample has.
 * @param state  what the nodes were doing: 'idle', 'logs streamed'
 * @throws Error when a sample is not that of a worker
 */
export function memoryMeasurements(state: string, samples: readonly NodeMemory[]): Measurement[] {
  const rows = samples.map(rowsOf);
  return [...(rows[0] ?? [])].flatMap(([label, { unit }]) => {
    const values = rows.flatMap((each) => each.get(label)?.value ?? []);
    return values.length === samples.length ? [{ name: `Talos, ${state}: ${label}`, unit, samples: values }] : [];
  });
}

/** A line a budget: the median, and whether it is kept. */
export function budgetLines(states: readonly string[], measurements: readonly Measurement[]): string[] {
  return states.flatMap((state) =>
    Object.entries(BUDGETS).map(([label, atMost]) => {
      const name = `Talos, ${state}: ${label}, PSS`;
      const { median } = summarise(measurements.find((each) => each.name === name)?.samples ?? []);
      return `${name}: ${median.toFixed(1)} MiB, budget ${atMost}: ${median <= atMost ? 'kept' : 'MISSED'}`;
    }),
  );
}
