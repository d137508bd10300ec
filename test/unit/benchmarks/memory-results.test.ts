import t from 'tap';
import { budgetLines, memoryMeasurements } from '../../../benchmarks/lib/memory-results.js';
import type { NodeMemory, NodeProcess } from '../../../benchmarks/lib/node-memory.js';
import { isOurs } from '../../../benchmarks/lib/result-page.js';

const MIB = 1 << 20;

/** A worker: every process has 10 MiB of PSS times the factor. */
function worker(factor = 1, more: readonly NodeProcess[] = []): NodeMemory {
  const programs = ['init', 'machined', 'networkd', 'osd', 'containerd', 'blockd', 'proxyd', 'shim', 'shim'];
  const processes = programs.map((program, index) => ({
    pid: index + 1,
    program,
    group: program === 'shim' ? 'podruntime/shim' : program,
    rssBytes: 30 * factor * MIB,
    pssBytes: 10 * factor * MIB,
  }));
  const all = [...processes, ...more];
  return { processes: all, groupBytes: new Map(all.map(({ group }) => [group, 25 * MIB])) };
}

const other = (program: string): NodeProcess => {
  const [rssBytes, pssBytes] = [5 * MIB, 2 * MIB];
  return { pid: 99, program, group: `system/${program}`, rssBytes, pssBytes };
};

t.test('each program, all of them, and each group', async (t) => {
  const measurements = memoryMeasurements('idle', [worker(1), worker(2)]);
  const found = (label: string) => measurements.find(({ name }) => name === `Talos, idle: ${label}`);
  t.match(found('init, PSS'), { unit: 'MiB of PSS', samples: [10, 20] });
  t.match(found('shim, PSS'), { samples: [20, 40] }, 'two of them');
  t.match(found('all, PSS'), { samples: [90, 180] });
  t.match(found('all, RSS'), { unit: 'MiB of RSS', samples: [270, 540] });
  t.match(found('group podruntime/shim'), { unit: 'MiB of memory.current', samples: [25, 25] });
  t.ok(measurements.every(({ name }) => isOurs(name)));
});

t.test('what writes the log is no part of the node, and what one sample alone has is left out', async (t) => {
  const measurements = memoryMeasurements('busy', [worker(1, [other('chatty')]), worker(1, [other('passing')])]);
  t.notOk(measurements.some(({ name }) => /chatty|passing/.test(name)));
  t.same(measurements.find(({ name }) => name === 'Talos, busy: all, PSS')?.samples, [90, 92]);
});

t.test('what is no worker is no sample', async (t) => {
  const without = (program: string): NodeMemory => {
    const { processes, groupBytes } = worker();
    return { processes: processes.filter((each) => each.program !== program), groupBytes };
  };
  for (const program of ['init', 'containerd', 'proxyd'])
    t.throws(() => memoryMeasurements('idle', [worker(), without(program)]), /not the processes of a worker/, program);
  const { processes, groupBytes } = worker();
  const renumbered = processes.map((each) => ({ ...each, pid: each.pid + 1 }));
  t.throws(() => memoryMeasurements('idle', [{ processes: renumbered, groupBytes }]), /not the processes of a worker/);
});

t.test('budgets: 45 MiB for PID 1, 260 for all', async (t) => {
  const lines = (factor: number) => budgetLines(['idle'], memoryMeasurements('idle', [worker(factor)]));
  t.same(lines(2), [
    'Talos, idle: init, PSS: 20.0 MiB, budget 45: kept',
    'Talos, idle: all, PSS: 180.0 MiB, budget 260: kept',
  ]);
  t.same(lines(4.6), [
    'Talos, idle: init, PSS: 46.0 MiB, budget 45: MISSED',
    'Talos, idle: all, PSS: 414.0 MiB, budget 260: MISSED',
  ]);
});
