/** Groups with the controllers of our own kernel: limits that hold, statistics, and the tree as PID 1 lays it out. */
import { readFileSync, writeFileSync } from 'node:fs';
import t from 'tap';
import { loadNative } from '../../lib/native/index.js';
import { CGROUP_ROOT, CgroupTree, cpuWeightOf, FIXED_GROUPS } from '../../lib/os/cgroup-tree.js';
import { seconds } from '../helpers/deadline.js';
import { deferred, fileOf, makeGroup, runIn } from './groups.js';

const MIB = 1024 * 1024;
const { cgroup } = loadNative();

// Each program in a group is a Node of its own, which takes its time to start under emulation.
t.setTimeout(seconds(120));

t.test('limits are written as they are given', async (t) => {
  const group = makeGroup(t, 'limits');
  cgroup.setLimits(group, {
    memoryMin: 1 * MIB,
    memoryLow: 2 * MIB,
    memoryHigh: 64 * MIB,
    memoryMax: 128 * MIB,
    memoryOomGroup: true,
    cpuWeight: 79,
    cpuMax: { quotaUsec: 20_000, periodUsec: 50_000 },
    pidsMax: 10,
    ioWeight: 250,
    cpusetCpus: '0',
    cpusetMems: '0',
  });
  t.equal(fileOf('limits', 'memory.min'), `${MIB}`);
  t.equal(fileOf('limits', 'memory.low'), `${2 * MIB}`);
  t.equal(fileOf('limits', 'memory.high'), `${64 * MIB}`);
  t.equal(fileOf('limits', 'memory.max'), `${128 * MIB}`);
  t.equal(fileOf('limits', 'memory.oom.group'), '1');
  t.equal(fileOf('limits', 'cpu.weight'), '79');
  t.equal(fileOf('limits', 'cpu.max'), '20000 50000');
  t.equal(fileOf('limits', 'pids.max'), '10');
  t.equal(fileOf('limits', 'io.weight'), 'default 250');
  t.equal(fileOf('limits', 'cpuset.cpus'), '0');
  cgroup.setLimits(group, {
    memoryMax: -1,
    memoryOomGroup: false,
    cpuMax: { quotaUsec: -1 },
    pidsMax: -1,
    cpusetCpus: '',
  });
  t.equal(fileOf('limits', 'memory.max'), 'max');
  t.equal(fileOf('limits', 'memory.oom.group'), '0');
  t.equal(fileOf('limits', 'cpu.max'), 'max 50000', 'the period stays');
  t.equal(fileOf('limits', 'pids.max'), 'max');
  t.equal(fileOf('limits', 'cpuset.cpus'), '');
  t.equal(fileOf('limits', 'memory.high'), `${64 * MIB}`, 'what is not named stays');
  t.throws(() => cgroup.setLimits(group, { memorySwapMax: 0 }), { code: 'ENOENT', path: 'memory.swap.max' });
  t.throws(() => cgroup.setLimits(group, { ioMax: [{ major: 4000, minor: 0, readBytesPerSecond: 1 }] }), {
    code: 'ENODEV',
    syscall: 'write',
    path: 'io.max',
  });
});

t.test('controllers are enabled for children, and missing ones are returned', async (t) => {
  const group = makeGroup(t, 'parent');
  t.same(cgroup.enableControllers(group, ['memory', 'nosuch', 'pids']), ['nosuch']);
  t.same(cgroup.enableControllers(group, ['memory']), [], 'what is enabled already is no error');
  t.same(fileOf('parent', 'cgroup.subtree_control').split(' ').sort(), ['memory', 'pids']);
});

t.test('a fork that is too many fails, and is counted', async (t) => {
  const group = makeGroup(t, 'forks');
  // Moving in is not limited, only growing is.
  cgroup.setLimits(group, { pidsMax: 1 });
  const counted = deferred<number>();
  const watch = cgroup.watchEvents(group, 'pids.events', {
    onChange: ({ max }) => {
      if (max > 0) counted.resolve(max);
    },
  });
  t.teardown(() => watch.close());
  const end = await runIn(
    group,
    `const { error } = require('node:child_process').spawnSync(process.execPath, ['--version']);
     process.exit(error && error.code === 'EAGAIN' ? 7 : 1)`,
  );
  t.same(end, { code: 7, signal: null });
  t.ok((await counted.promise) > 0);
});

t.test('a group with a CPU limit is throttled', async (t) => {
  const group = makeGroup(t, 'slow');
  cgroup.setLimits(group, { cpuMax: { quotaUsec: 10_000, periodUsec: 50_000 } });
  const startedMs = performance.now();
  t.match(await runIn(group, 'const end = Date.now() + 1000; while (Date.now() < end); process.exit(0)'), { code: 0 });
  const tookUsec = (performance.now() - startedMs) * 1000;
  const cpu = cgroup.stats([group], ['cpu'])[0]?.cpu;
  t.ok(cpu && cpu.throttledPeriods > 0 && cpu.throttledUsec > 0, JSON.stringify(cpu));
  t.ok(cpu && cpu.usageUsec < tookUsec / 2, `${cpu?.usageUsec} µs of ${tookUsec} µs: a fifth is its part`);
});

t.test('the tree of PID 1', async (t) => {
  const tree = CgroupTree.create(cgroup);
  t.same(tree.problems, [], 'our kernel has all that it needs');
  t.match(readFileSync('/proc/self/cgroup', 'utf8'), /^0::\/init$/m);
  for (const { path, limits } of FIXED_GROUPS) {
    t.equal(fileOf(path, 'memory.min'), `${limits.memoryMin}`);
    t.equal(fileOf(path, 'memory.low'), `${limits.memoryLow}`);
    t.equal(fileOf(path, 'cpu.weight'), `${limits.cpuWeight ?? 100}`, 'the kernel gives 100 where nobody says');
  }
  t.equal(fileOf('init', 'cpu.weight'), `${cpuWeightOf(2000)}`);
  tree.serviceGroup('osd', { memoryMax: 128 * MIB, pidsMax: 64 });
  t.equal(fileOf('system/osd', 'memory.max'), `${128 * MIB}`);
  t.ok((tree.stats().get('init')?.pids ?? 0) > 1, 'with all its threads');
  CgroupTree.create(cgroup).close();
  t.match(readFileSync('/proc/self/cgroup', 'utf8'), /^0::\/init$/m, 'may be repeated');
  tree.removeServiceGroup('osd');
  tree.close();
  writeFileSync(`${CGROUP_ROOT}/cgroup.procs`, '0');
  for (const { path } of FIXED_GROUPS.toReversed()) cgroup.remove(CGROUP_ROOT, path);
});
