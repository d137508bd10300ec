import t from 'tap';
import { readNodeMemory } from '../../../benchmarks/lib/node-memory.js';
import type { MachineClient } from '../../../lib/client/index.js';

const row = (pid: number, ppid: number, args: string, state = 'S') => ({ pid, ppid, args, command: 'talos', state });

const ROWS = [
  row(1, 0, '/sbin/init'),
  row(2, 0, ''),
  row(7, 2, ''),
  row(40, 1, '/sbin/osd'),
  row(41, 1, 'containerd --config x'),
  row(50, 40, '', 'Z'),
];

const rollup = (rss: number, pss: number) => `[rollup]\nRss:   ${rss} kB\nPss:   ${pss} kB\n`;

const FILES: Record<string, string> = {
  '/proc/1/smaps_rollup': rollup(60_000, 30_000),
  '/proc/1/cgroup': '0::/init\n',
  '/proc/40/smaps_rollup': rollup(50_000, 20_000),
  '/proc/40/cgroup': '0::/system/osd\n',
  '/proc/41/smaps_rollup': rollup(40_000, 35_000),
  '/proc/41/cgroup': '0::/podruntime/runtime\n',
  '/sys/fs/cgroup/init/memory.current': '1000\n',
  '/sys/fs/cgroup/system/osd/memory.current': '2000\n',
  '/sys/fs/cgroup/podruntime/runtime/memory.current': '3000\n',
};

/** A node with those files. @param tables  of processes, one a call; the last one for all that follow */
function nodeOf(files: Record<string, string>, ...tables: (typeof ROWS)[]) {
  let asked = 0;
  const unary = async () => ({ messages: [{ processes: tables[Math.min(asked++, tables.length - 1)] }] });
  async function* stream(_method: unknown, { path }: { path: string }) {
    const text = files[path];
    if (text === undefined) throw new Error(`no ${path}`);
    // As Read has it: in pieces.
    for (const piece of [text.slice(0, 9), text.slice(9)]) yield [{ bytes: Buffer.from(piece) }];
  }
  return { unary, stream } as unknown as Pick<MachineClient, 'unary' | 'stream'>;
}

t.test('every process but threads of the kernel and those that have ended, and their groups', async (t) => {
  const { processes, groupBytes } = await readNodeMemory(nodeOf(FILES, ROWS), 'worker');
  t.same(
    processes.map(({ pid, program, pssBytes, group }) => [pid, program, pssBytes / 1024, group]),
    [
      [1, 'init', 30_000, 'init'],
      [40, 'osd', 20_000, 'system/osd'],
      [41, 'containerd', 35_000, 'podruntime/runtime'],
    ],
  );
  t.same(
    [...groupBytes],
    [
      ['init', 1000],
      ['system/osd', 2000],
      ['podruntime/runtime', 3000],
    ],
  );
});

t.test('a process that ends meanwhile takes nothing; one that is there and cannot be read is a failure', async (t) => {
  const passing = row(60, 1, '/sbin/passing');
  const { processes } = await readNodeMemory(nodeOf(FILES, [...ROWS, passing], ROWS), 'worker');
  t.same(
    processes.map(({ pid }) => pid),
    [1, 40, 41],
  );
  await t.rejects(readNodeMemory(nodeOf(FILES, [...ROWS, passing]), 'worker'), /no \/proc\/60\/smaps_rollup/);
  const { '/sys/fs/cgroup/init/memory.current': _, ...files } = FILES;
  await t.rejects(readNodeMemory(nodeOf(files, ROWS), 'worker'), /no \/sys\/fs\/cgroup\/init\/memory.current/);
});
