/** What a profile leaves: a flame graph in out/profile, and a summary for whoever ran it. */
import { mkdir, writeFile } from 'node:fs/promises';
import { loadavg } from 'node:os';
import { join } from 'node:path';
import { checkout } from '../lib/report.js';
import { flameGraph } from './flame-graph.js';
import { fold, functionsOf, groupsOf } from './frame-tree.js';
import { shareTable } from './share-table.js';
import type { Stack } from './stack.js';

const MOST_FUNCTIONS = 10;
const MOST_GROUPS = 12;

/** Where all of it goes; nothing there is committed. */
export async function profileFolder(): Promise<string> {
  const folder = join(checkout, 'out/profile');
  await mkdir(folder, { recursive: true });
  return folder;
}

/** Of the last minute: above what the measured programs use, somebody else was at work. */
export const loadText = () => `load of the machine: ${(loadavg()[0] ?? 0).toFixed(1)}`;

/** What was profiled. */
export interface Findings {
  /** Of the process. */
  readonly name: string;
  readonly title: string;
  /** Of the picture. */
  readonly file: string;
  /** How long it waited meanwhile, where that is known. */
  readonly idleMs?: number | undefined;
  /** CPU time of all its threads, likewise. */
  readonly cpuMs?: number | undefined;
}

/** Stores the flame graph and prints the tables. */
export async function tellFindings(
  stacks: readonly Stack[],
  { name, title, file, idleMs, cpuMs }: Findings,
): Promise<void> {
  const root = fold(stacks, name);
  const groups = groupsOf(stacks);
  await writeFile(file, flameGraph({ title, root, groups }));
  const waited = idleMs === undefined ? '' : `, ${idleMs.toFixed(0)} ms idle beside them`;
  const used = cpuMs === undefined ? '' : `, CPU time of all threads ${cpuMs.toFixed(0)} ms`;
  const bounds = { allUs: root.totalUs };
  process.stdout.write(
    [
      `${title}: ${(root.totalUs / 1000).toFixed(0)} ms at work${waited}${used}; ${loadText()}\n\n`,
      `${shareTable('group', groups, { ...bounds, most: MOST_GROUPS })}\n`,
      `${shareTable('function', functionsOf(stacks), { ...bounds, most: MOST_FUNCTIONS })}\n`,
      `flame graph: ${file}\n\n`,
    ].join(''),
  );
}
