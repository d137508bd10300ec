/** What groups tell by themselves: freezing, emptiness, memory that ran out, pressure. And their end. */
import { readFileSync } from 'node:fs';
import t from 'tap';
import type { CgroupMemoryEvents } from '../../lib/native/contract.js';
import { loadNative } from '../../lib/native/index.js';
import { CGROUP_ROOT } from '../../lib/os/cgroup-tree.js';
import { seconds } from '../helpers/deadline.js';
import { deferred, makeGroup, runIn, startIn } from './groups.js';

const MIB = 1024 * 1024;
const TAKE_ALL_MEMORY = 'const all = []; for (;;) all.push(Buffer.alloc(1 << 20, 1))';
const { cgroup } = loadNative();

// Each program in a group is a Node of its own, which takes its time to start under emulation.
t.setTimeout(seconds(120));

/** State of a process: 'S', 'R', 'Z' … */
const stateOf = (pid: number) => /^\d+ \(.*\) (\S)/.exec(readFileSync(`/proc/${pid}/stat`, 'latin1'))?.[1];

t.test('a group that takes too much memory is killed, and tells so', async (t) => {
  const group = makeGroup(t, 'hog');
  cgroup.setLimits(group, { memoryMax: 100 * MIB });
  const seen: CgroupMemoryEvents[] = [];
  const killed = deferred<void>();
  const watch = cgroup.watchEvents(group, 'memory.events', {
    onChange: (event) => {
      seen.push(event);
      if (event.oomKill > 0) killed.resolve();
    },
  });
  t.teardown(() => watch.close());
  t.same(await runIn(group, TAKE_ALL_MEMORY), { code: null, signal: 'SIGKILL' });
  await killed.promise;
  t.match(seen[0], { oomKill: 0 }, 'the first call has the state at the start');
  const [{ memoryEvents } = {}] = cgroup.stats([group], ['memoryEvents']);
  t.ok(memoryEvents && memoryEvents.max > 0 && memoryEvents.oom > 0 && memoryEvents.oomKill > 0);
});

t.test('memory.oom.group takes all of them', async (t) => {
  const group = makeGroup(t, 'together');
  cgroup.setLimits(group, { memoryMax: 150 * MIB, memoryOomGroup: true });
  const bystander = await startIn(group, 'setInterval(() => {}, 1000)');
  t.same(await runIn(group, TAKE_ALL_MEMORY), { code: null, signal: 'SIGKILL' });
  t.same(await bystander.ended, { code: null, signal: 'SIGKILL' });
  t.match(cgroup.stats([group], ['memoryEvents'])[0]?.memoryEvents, { oomGroupKill: 1 });
});

t.test('above memory.high a group is held up and counted', async (t) => {
  const group = makeGroup(t, 'high');
  cgroup.setLimits(group, { memoryHigh: 60 * MIB, memoryMax: 200 * MIB });
  const held = deferred<void>();
  const watch = cgroup.watchEvents(group, 'memory.events.local', {
    onChange: ({ high }) => {
      if (high > 0) held.resolve();
    },
  });
  t.teardown(() => watch.close());
  const running = startIn(group, 'const all = []; for (let i = 0; i < 80; i++) all.push(Buffer.alloc(1 << 20, 1))');
  await held.promise;
  cgroup.kill(group);
  await (await running).ended;
});

t.test('freezes and thaws', async (t) => {
  const group = makeGroup(t, 'frozen');
  const { pid, ended } = await startIn(group, 'setInterval(() => {}, 1)');
  await cgroup.freeze(group);
  t.equal(cgroup.stats([group], ['cpu']).length, 1);
  const usage = () => cgroup.stats([group], ['cpu'])[0]?.cpu?.usageUsec ?? Number.NaN;
  const before = usage();
  t.not(stateOf(pid), 'R');
  t.equal(usage(), before, 'nothing runs');
  await cgroup.freeze(group);
  await cgroup.thaw(group);
  await cgroup.thaw(group);
  await cgroup.freeze(group);
  cgroup.kill(group);
  t.same(await ended, { code: null, signal: 'SIGKILL' }, 'a frozen one can be killed');
});

t.test('kills a whole tree, and tells when it is empty', async (t) => {
  const group = makeGroup(t, 'tree');
  const child = cgroup.create(CGROUP_ROOT, 'tree/child');
  await cgroup.emptied(group);
  const programs = [
    await startIn(group, 'setInterval(() => {}, 1000)'),
    await startIn(child, 'setInterval(() => {}, 1000)'),
  ];
  let isEmpty = false;
  const emptied = cgroup.emptied(group).then(() => {
    isEmpty = true;
  });
  await t.rejects(cgroup.emptied(group, { timeoutMs: 20 }), { code: 'ETIMEDOUT', errno: -110, syscall: 'emptied' });
  t.notOk(isEmpty);
  t.throws(() => cgroup.remove(CGROUP_ROOT, 'tree/child'), { code: 'EBUSY' });
  cgroup.kill(group);
  await emptied;
  cgroup.remove(CGROUP_ROOT, 'tree/child');
  child.close();
  for (const { ended } of programs) t.match(await ended, { signal: 'SIGKILL' });
});

t.test('a group that is gone: what watches it learns so at the latest when it looks', async (t) => {
  const group = cgroup.create(CGROUP_ROOT, 'gone');
  cgroup.remove(CGROUP_ROOT, 'gone');
  t.throws(() => cgroup.watchEvents(group, 'cgroup.events', { onChange: () => {} }), { code: 'ENOENT' });
  await t.rejects(cgroup.emptied(group), { code: 'ENOENT', path: 'cgroup.events' });
  group.close();
});

t.test('pressure calls back', async (t) => {
  const group = makeGroup(t, 'pressed');
  // Eight that want to run on less than one processor.
  cgroup.setLimits(group, { cpuMax: { quotaUsec: 20_000, periodUsec: 100_000 } });
  let calls = 0;
  const stalled = deferred<void>();
  const watch = cgroup.watchPressure(
    group,
    { resource: 'cpu', kind: 'some', stallUsec: 50_000, windowUsec: 500_000 },
    () => {
      calls++;
      stalled.resolve();
    },
  );
  t.teardown(() => watch.close());
  t.throws(
    () => cgroup.watchPressure(group, { resource: 'cpu', kind: 'some', stallUsec: 9e5, windowUsec: 5e5 }, () => {}),
    { code: 'ERR_INVALID_ARG_VALUE' },
  );
  const program = await startIn(
    group,
    'setInterval(() => { const end = Date.now() + 50; while (Date.now() < end); }, 1)',
  );
  await stalled.promise;
  const [stats] = cgroup.stats([group], ['cpuPressure', 'memoryPressure', 'ioPressure']);
  t.ok((stats?.cpuPressure?.some.totalUsec ?? 0) > 0, `${calls} calls`);
  t.ok(stats?.memoryPressure && stats.ioPressure);
  cgroup.kill(group);
  await program.ended;
});
