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
