/** Statistics of groups in the kernel of ours, which has all controllers: one call, and again and again. */
import t from 'tap';
import type { CgroupStatSet } from '../../lib/native/contract.js';
import { loadNative } from '../../lib/native/index.js';
import { CGROUP_ROOT } from '../../lib/os/cgroup-tree.js';
import { seconds } from '../helpers/deadline.js';
import { fileOf, makeGroup, startIn } from './groups.js';

const MIB = 1024 * 1024;
const ALL: CgroupStatSet[] = [
  ...(['cpu', 'memoryBytes', 'pids', 'memoryStat', 'memoryEvents', 'swapBytes', 'io'] as const),
  ...(['cpuPressure', 'memoryPressure', 'ioPressure'] as const),
];
const { cgroup } = loadNative();

/** A flat-keyed file; of a file of pressures `some.avg10` and so on. */
function numbersByName(text: string): Record<string, number> {
  const pairs = text.split('\n').flatMap((line): [string, number][] => {
    const [name = '', ...values] = line.split(' ');
    if (!values[0]?.includes('=')) return [[name, Number(values[0])]];
    return values.map((pair) => [`${name}.${pair.split('=')[0]}`, Number(pair.split('=')[1])]);
  });
  return Object.fromEntries(pairs);
}

function toPressure(numbers: Record<string, number>) {
  const of = (kind: string) => ({
    ...{ avg10: numbers[`${kind}.avg10`], avg60: numbers[`${kind}.avg60`], avg300: numbers[`${kind}.avg300`] },
    totalUsec: numbers[`${kind}.total`],
  });
  return { some: of('some'), full: of('full') };
}

// Each program in a group is a Node of its own, which takes its time to start under emulation.
t.setTimeout(seconds(120));

t.test('statistics of several groups come in one call', async (t) => {
  const [busy, empty] = [makeGroup(t, 'busy'), makeGroup(t, 'empty')];
  // Memory stays charged to the group it was taken in: what counts is what the process takes after its move.
  const program = await startIn(busy, 'globalThis.held = Buffer.alloc(20 << 20, 1); setInterval(() => held, 1000)');
  const [first, none] = cgroup.stats([busy, empty]);
  t.ok(first?.cpu && first.cpu.usageUsec > 0 && first.cpu.usageUsec >= first.cpu.userUsec);
  t.ok((first?.memoryBytes ?? 0) >= 20 * MIB && (first?.pids ?? 0) >= 1, JSON.stringify(first));
  t.match(none, { cpu: { usageUsec: 0 }, memoryBytes: 0, pids: 0 });
  const [full] = cgroup.stats([busy], ALL);
  t.ok((full?.memoryStat?.anonBytes ?? 0) >= 20 * MIB, JSON.stringify(full?.memoryStat));
  t.ok((full?.memoryStat?.pageFaults ?? 0) > 0);
  t.match(full?.memoryEvents, { oomKill: 0 });
  t.match(full?.io, { readBytes: 0 });
  t.ok(full?.cpuPressure && full.memoryPressure && full.ioPressure);
  t.notOk(full && 'swapBytes' in full, 'this kernel has no swap');
  cgroup.kill(busy);
  await program.ended;
});

t.test('each value is the one of its name in the control file', async (t) => {
  const group = makeGroup(t, 'named');
  const program = await startIn(group, 'globalThis.held = Buffer.alloc(8 << 20, 1); setInterval(() => held, 1000)');
  await cgroup.freeze(group);
  const files = ['cpu.stat', 'memory.stat', 'memory.events', 'cpu.pressure', 'memory.pressure'];
  const read = () => files.map((file) => fileOf('named', file));
  // The kernel sums up per-processor counts now and then, also of a group that stands still: what is compared was read between equals.
  let [before, [stats], after] = [read(), cgroup.stats([group], ALL), read()];
  while (before.join() !== after.join()) [before, [stats], after] = [after, cgroup.stats([group], ALL), read()];
  const [cpu, memory, events, ...pressures] = after.map(numbersByName);
  t.same(stats?.cpu, {
    ...{ usageUsec: cpu?.usage_usec, userUsec: cpu?.user_usec, systemUsec: cpu?.system_usec },
    ...{ periods: cpu?.nr_periods, throttledPeriods: cpu?.nr_throttled, throttledUsec: cpu?.throttled_usec },
  });
  t.same(stats?.memoryStat, {
    ...{ anonBytes: memory?.anon, fileBytes: memory?.file, kernelBytes: memory?.kernel, shmemBytes: memory?.shmem },
    ...{ inactiveAnonBytes: memory?.inactive_anon, activeAnonBytes: memory?.active_anon },
    ...{ inactiveFileBytes: memory?.inactive_file, activeFileBytes: memory?.active_file },
    ...{ slabReclaimableBytes: memory?.slab_reclaimable, slabUnreclaimableBytes: memory?.slab_unreclaimable },
    ...{ pageFaults: memory?.pgfault, majorPageFaults: memory?.pgmajfault },
  });
  t.same(stats?.memoryEvents, {
    ...{ low: events?.low, high: events?.high, max: events?.max },
    ...{ oom: events?.oom, oomKill: events?.oom_kill, oomGroupKill: events?.oom_group_kill },
  });
  t.same([stats?.cpuPressure, stats?.memoryPressure], pressures.map(toPressure));
  await cgroup.thaw(group);
  cgroup.kill(group);
  await program.ended;
});

t.test('a sampler says the same', async (t) => {
  const [busy, empty] = [makeGroup(t, 'busy'), makeGroup(t, 'empty')];
  const program = await startIn(busy, 'globalThis.held = Buffer.alloc(20 << 20, 1); setInterval(() => held, 1000)');
  const sampler = cgroup.openSampler({ sets: ALL });
  t.teardown(() => sampler.close());
  t.same([sampler.add(busy), sampler.add(empty)], [0, 1]);
  t.equal(sampler.descriptors, 2 * (ALL.length - 1), 'one a file that is there');
  const [first, second] = sampler.stats();
  const [direct] = cgroup.stats([busy], ['memoryBytes', 'pids']);
  t.equal(first?.pids, direct?.pids);
  t.ok((first?.memoryBytes ?? 0) >= 20 * MIB);
  t.match(second, { memoryBytes: 0, pids: 0 });
  const usage = first?.cpu?.usageUsec ?? 0;
  t.ok((sampler.stats()[0]?.cpu?.usageUsec ?? 0) >= usage, 'read anew');
  cgroup.kill(busy);
  await program.ended;
  await cgroup.emptied(busy);
  t.equal(sampler.stats()[0]?.pids, 0);
});

t.test('a group that is gone is left out, its row is given to another', async (t) => {
  const gone = cgroup.create(CGROUP_ROOT, 'gone');
  const other = makeGroup(t, 'other');
  const sampler = cgroup.openSampler();
  t.teardown(() => sampler.close());
  const row = sampler.add(gone);
  sampler.add(other);
  cgroup.remove(CGROUP_ROOT, 'gone');
  const [nothing, something] = sampler.stats();
  t.same(nothing, {});
  t.match(something, { pids: 0 });
  t.ok(Number.isNaN(sampler.sample()[row * sampler.rowSize]));
  sampler.remove(row);
  t.equal(sampler.add(other), row);
  t.match(sampler.stats()[row], { pids: 0 });
  gone.close();
});

t.test('500 groups in one call, each with its own numbers', async (t) => {
  const parent = makeGroup(t, 'many');
  t.same(cgroup.enableControllers(parent, ['cpu', 'memory', 'pids']), []);
  const names = Array.from({ length: 500 }, (_, number) => `many/${number}`);
  const groups = names.map((name) => cgroup.create(CGROUP_ROOT, name));
  const sampler = cgroup.openSampler();
  for (const group of groups) sampler.add(group);
  const program = await startIn(groups[321] as (typeof groups)[0], 'setInterval(() => {}, 1000)');
  const pids = Number(fileOf('many/321', 'pids.current'));
  for (const all of [cgroup.stats(groups), sampler.stats()]) {
    t.equal(all.length, 500);
    t.same(
      all.flatMap((stats, number) => (stats.pids === 0 ? [] : [[number, stats.pids]])),
      [[321, pids]],
    );
  }
  cgroup.kill(parent);
  await program.ended;
  await cgroup.emptied(parent);
  sampler.close();
  for (const group of groups) group.close();
  for (const name of names) cgroup.remove(CGROUP_ROOT, name);
});
