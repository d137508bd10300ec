/** Groups with the controllers of our own kernel: limits that hold, statistics, and the tree as PID 1 lays it out. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import t from 'tap';
import type { FileDescriptor } from '../../lib/native/contract.js';
import { loadNative } from '../../lib/native/index.js';
import { CGROUP_ROOT, CgroupTree, cpuWeightOf, FIXED_GROUPS } from '../../lib/os/cgroup-tree.js';

const MIB = 1024 * 1024;
const { cgroup } = loadNative();
const fileOf = (path: string, file: string) => readFileSync(`${CGROUP_ROOT}/${path}/${file}`, 'utf8').trim();

/** Runs Node in a group and tells how it ended. */
async function runIn(path: string, program: string): Promise<{ code: number | null; signal: string | null }> {
  // It waits until it is in its group.
  const child = spawn(process.execPath, ['-e', `process.stdin.once('data', () => { ${program} })`], {
    stdio: ['pipe', 'inherit', 'inherit'],
  });
  writeFileSync(`${CGROUP_ROOT}/${path}/cgroup.procs`, `${child.pid}`);
  child.stdin.end('go');
  const [code, signal] = await once(child, 'exit');
  return { code, signal };
}

function makeGroup(path: string): FileDescriptor {
  const group = cgroup.create(CGROUP_ROOT, path);
  t.teardown(() => {
    group.close();
    cgroup.remove(CGROUP_ROOT, path);
  });
  return group;
}

t.test('limits are written as they are given', async (t) => {
  const group = makeGroup('limits');
  cgroup.setLimits(group, {
    memoryMin: 1 * MIB,
    memoryLow: 2 * MIB,
    memoryHigh: 64 * MIB,
    memoryMax: 128 * MIB,
    cpuWeight: 79,
    pidsMax: 10,
  });
  t.equal(fileOf('limits', 'memory.min'), `${MIB}`);
  t.equal(fileOf('limits', 'memory.low'), `${2 * MIB}`);
  t.equal(fileOf('limits', 'memory.high'), `${64 * MIB}`);
  t.equal(fileOf('limits', 'memory.max'), `${128 * MIB}`);
  t.equal(fileOf('limits', 'cpu.weight'), '79');
  t.equal(fileOf('limits', 'pids.max'), '10');
  cgroup.setLimits(group, { memoryMax: -1, pidsMax: -1 });
  t.equal(fileOf('limits', 'memory.max'), 'max');
  t.equal(fileOf('limits', 'pids.max'), 'max');
  t.equal(fileOf('limits', 'memory.high'), `${64 * MIB}`, 'what is not named stays');
});

t.test('controllers are enabled for children, and missing ones are returned', async (t) => {
  const group = makeGroup('parent');
  t.same(cgroup.enableControllers(group, ['memory', 'nosuch', 'pids']), ['nosuch']);
  t.same(cgroup.enableControllers(group, ['memory']), [], 'what is enabled already is no error');
  t.same(fileOf('parent', 'cgroup.subtree_control').split(' ').sort(), ['memory', 'pids']);
});

t.test('a group that takes too much memory is killed', async (t) => {
  const group = makeGroup('hog');
  cgroup.setLimits(group, { memoryMax: 100 * MIB });
  const end = await runIn('hog', 'const all = []; for (;;) all.push(Buffer.alloc(1 << 20, 1));');
  t.same(end, { code: null, signal: 'SIGKILL' });
  t.match(fileOf('hog', 'memory.events'), /^oom_kill [1-9]/m);
});

t.test('statistics of several groups come in one call', async (t) => {
  const [busy, empty] = [makeGroup('busy'), makeGroup('empty')];
  // Memory stays charged to the group it was taken in: what counts is what the process takes after its move.
  const running = runIn('busy', 'const held = Buffer.alloc(20 << 20, 1); setInterval(() => held, 1000)');
  while (Number(fileOf('busy', 'memory.current')) < 20 * MIB) await setTimeout(10);
  const [first, none] = cgroup.stats([busy, empty]);
  t.ok(first && first.memoryCurrentBytes >= 20 * MIB && first.pidsCurrent >= 1 && first.cpuUsageUsec > 0);
  t.same(none, { cpuUsageUsec: 0, memoryCurrentBytes: 0, pidsCurrent: 0 });
  cgroup.kill(busy);
  t.match(await running, { signal: 'SIGKILL' });
});

t.test('the tree of PID 1', async (t) => {
  const tree = CgroupTree.create(cgroup);
  t.same(tree.problems, [], 'our kernel has all that it needs');
  t.match(readFileSync('/proc/self/cgroup', 'utf8'), /^0::\/init$/m);
  for (const { path, limits } of FIXED_GROUPS) {
    t.equal(fileOf(path, 'memory.min'), `${limits.memoryMin}`);
    t.equal(fileOf(path, 'memory.low'), `${limits.memoryLow}`);
    t.equal(fileOf(path, 'cpu.weight'), `${limits.cpuWeight}`);
  }
  t.equal(fileOf('init', 'cpu.weight'), `${cpuWeightOf(2000)}`);
  tree.serviceGroup('osd', { memoryMax: 128 * MIB, pidsMax: 64 });
  t.equal(fileOf('system/osd', 'memory.max'), `${128 * MIB}`);
  t.ok((tree.stats().get('init')?.pidsCurrent ?? 0) > 1, 'with all its threads');
  CgroupTree.create(cgroup).close();
  t.match(readFileSync('/proc/self/cgroup', 'utf8'), /^0::\/init$/m, 'may be repeated');
  tree.removeServiceGroup('osd');
  tree.close();
  writeFileSync(`${CGROUP_ROOT}/cgroup.procs`, '0');
  for (const { path } of FIXED_GROUPS) cgroup.remove(CGROUP_ROOT, path);
});
