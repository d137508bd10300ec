/** On whatever controllers the host leaves to cgroup2; those of limits are tested in test/in-guest/cgroup.test.ts. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { SET_SIZES } from '../../lib/native/cgroup-stats.js';
import { addonPath, loadNative, loadRaw } from '../../lib/native/index.js';
import { emptyFolder, inNamespaces } from './in-namespaces.js';
import { openDescriptors } from './open-descriptors.js';

const { cgroup, clock, mount } = loadNative();

if (inNamespaces(import.meta.url, ['--mount', '--propagation', 'private'])) {
  const root = join(emptyFolder(t, mount), 'cgroup');
  mkdirSync(root);
  mount.mountSync({ source: 'cgroup2', target: root, fstype: 'cgroup2', flags: [] });
  const branch = `talos-test-${process.pid}`;
  cgroup.create(root, branch).close();
  t.teardown(() => cgroup.remove(root, branch));

  t.test('makes, opens and removes groups', async (t) => {
    const group = cgroup.create(root, `${branch}/a`);
    const again = cgroup.create(root, `${branch}/a`);
    t.ok(group.isOpen && again.isOpen, 'one that is there is opened');
    t.throws(() => cgroup.create(root, `${branch}/missing/child`), { code: 'ENOENT', syscall: 'openat2' });
    t.throws(() => cgroup.remove(root, `${branch}/missing`), {
      code: 'ENOENT',
      syscall: 'rmdir',
      path: `${branch}/missing`,
    });
    const child = cgroup.create(root, `${branch}/a/child`);
    t.throws(() => cgroup.remove(root, `${branch}/a`), { code: 'EBUSY' });
    cgroup.remove(root, `${branch}/a/child`);
    cgroup.remove(root, `${branch}/a`);
    for (const handle of [group, again, child]) handle.close();
  });

  t.test('kills every process of the subtree', async (t) => {
    const group = cgroup.create(root, `${branch}/a`);
    cgroup.create(root, `${branch}/a/child`).close();
    const children = ['a', 'a/child'].map((path) => {
      const child = spawn('sleep', ['1000'], { stdio: 'ignore' });
      const target = cgroup.create(root, `${branch}/${path}`);
      cgroup.addProcess(target, child.pid as number);
      target.close();
      return child;
    });
    const ends = children.map((child) => once(child, 'exit'));
    cgroup.kill(group);
    for (const end of ends) t.same(await end, [null, 'SIGKILL']);
    cgroup.remove(root, `${branch}/a/child`);
    cgroup.remove(root, `${branch}/a`);
    group.close();
  });

  t.test('returns the controllers that there are not', async (t) => {
    const group = cgroup.create(root, `${branch}/a`);
    const offered = new Set(
      readFileSync(join(root, branch, 'a', 'cgroup.controllers'), 'utf8')
        .trim()
        .split(' '),
    );
    const asked = ['memory', 'pids', 'nosuch'];
    t.same(
      cgroup.enableControllers(group, asked),
      asked.filter((name) => !offered.has(name)),
    );
    t.same(cgroup.enableControllers(group, []), []);
    cgroup.remove(root, `${branch}/a`);
    t.throws(() => cgroup.enableControllers(group, ['memory']), { code: 'ENOENT', path: 'cgroup.controllers' });
    group.close();
  });

  t.test('a limit without its controller is an error that names the file', async (t) => {
    const group = cgroup.create(root, `${branch}/a`);
    cgroup.setLimits(group, {});
    const controllers = readFileSync(join(root, branch, 'cgroup.subtree_control'), 'utf8');
    t.notMatch(controllers, /memory/, 'nobody enabled it');
    t.throws(() => cgroup.setLimits(group, { memoryMax: -1 }), { code: 'ENOENT', path: 'memory.max' });
    cgroup.remove(root, `${branch}/a`);
    group.close();
  });

  t.test('both sides have the same sets of statistics', async (t) => {
    const files = {
      ...{ cpu: 'cpu.stat', memoryBytes: 'memory.current', pids: 'pids.current', memoryStat: 'memory.stat' },
      ...{ memoryEvents: 'memory.events', swapBytes: 'memory.swap.current', io: 'io.stat' },
      ...{ cpuPressure: 'cpu.pressure', memoryPressure: 'memory.pressure', ioPressure: 'io.pressure' },
    };
    const { statSets } = loadRaw(addonPath()).cgroup;
    t.same(
      SET_SIZES.map(([name, size]) => [files[name], size]),
      statSets(),
    );
  });

  t.test('statistics of a group that is gone are left out', async (t) => {
    const group = cgroup.create(root, `${branch}/a`);
    cgroup.remove(root, `${branch}/a`);
    t.same(cgroup.stats([group]), [{}]);
    t.same(cgroup.stats([]), []);
    group.close();
  });

  t.test('a sampler keeps files open, within its bound', async (t) => {
    const before = openDescriptors();
    const group = cgroup.create(root, `${branch}/a`);
    const sampler = cgroup.openSampler({ sets: ['cpu', 'memoryBytes'], maxDescriptors: 3 });
    t.equal(sampler.maxDescriptors, 3);
    t.ok(cgroup.openSampler().maxDescriptors > 100, 'by default half of what the process may open');
    t.same(sampler.stats(), []);
    const row = sampler.add(group);
    // cpu.stat is there without any controller, memory.current is not.
    t.equal(sampler.descriptors, 1);
    t.equal(openDescriptors(), before + 2);
    const [stats] = sampler.stats();
    t.same(Object.keys(stats ?? {}), ['cpu']);
    t.same(stats?.cpu, cgroup.stats([group], ['cpu'])[0]?.cpu);
    t.equal(sampler.sample(), sampler.sample(), 'one array for all readings');
    t.same([sampler.add(group), sampler.add(group)], [1, 2]);
    t.throws(() => sampler.add(group), { code: 'EMFILE', syscall: 'open', path: 'cpu.stat' });
    sampler.remove(row);
    t.same(sampler.stats()[row], {});
    t.throws(() => sampler.remove(row), { name: 'TypeError' });
    t.throws(() => sampler.remove(99), { name: 'TypeError' });
    sampler.close();
    sampler.close();
    t.throws(() => sampler.sample(), { code: 'EBADF' });
    t.throws(() => sampler.add(group), { code: 'EBADF' });
    t.equal(openDescriptors(), before + 1);
    group.close();
    cgroup.remove(root, `${branch}/a`);
  });

  t.test('freezes, thaws, and tells when it is empty', async (t) => {
    const group = cgroup.create(root, `${branch}/a`);
    await cgroup.emptied(group);
    // From here on the reactor has its own descriptor.
    const before = openDescriptors();
    const child = spawn('sleep', ['1000'], { stdio: 'ignore' });
    const end = once(child, 'exit');
    cgroup.addProcess(group, child.pid as number);
    await cgroup.freeze(group);
    t.match(readFileSync(join(root, branch, 'a', 'cgroup.events'), 'utf8'), /frozen 1/);
    await cgroup.thaw(group);
    t.match(readFileSync(join(root, branch, 'a', 'cgroup.events'), 'utf8'), /frozen 0/);
    await t.rejects(cgroup.emptied(group, { timeoutMs: 10 }), { code: 'ETIMEDOUT' });
    const emptied = cgroup.emptied(group);
    cgroup.kill(group);
    await emptied;
    await end;
    cgroup.remove(root, `${branch}/a`);
    t.throws(() => cgroup.addProcess(group, process.pid), { code: 'ENOENT', path: 'cgroup.procs' });
    await t.rejects(cgroup.freeze(group), { code: 'ENOENT', path: 'cgroup.freeze' });
    await t.rejects(cgroup.emptied(group), { code: 'ENOENT', path: 'cgroup.events' });
    t.equal(openDescriptors(), before);
    group.close();
  });

  t.test('a watch tells the state and its changes until it is closed', async (t) => {
    const group = cgroup.create(root, `${branch}/a`);
    const before = openDescriptors();
    const seen: boolean[] = [];
    let arrived = () => {};
    const watch = cgroup.watchEvents(group, 'cgroup.events', {
      onChange: ({ isPopulated }) => {
        seen.push(isPopulated);
        arrived();
      },
    });
    const next = () =>
      new Promise<void>((resolve) => {
        arrived = resolve;
      });
    await next();
    const child = spawn('sleep', ['1000'], { stdio: 'ignore' });
    const populated = next();
    cgroup.addProcess(group, child.pid as number);
    await populated;
    const end = once(child, 'exit');
    const empty = next();
    cgroup.kill(group);
    await Promise.all([end, empty]);
    t.same(seen, [false, true, false]);
    watch.close();
    watch.close();
    t.equal(openDescriptors(), before);
    // A callback may close its own watch, also the first time.
    await new Promise<void>((resolve) => {
      const brief = cgroup.watchEvents(group, 'cgroup.events', {
        onChange: () => {
          brief.close();
          resolve();
        },
      });
    });
    t.equal(openDescriptors(), before);
    t.throws(() => cgroup.watchEvents(group, 'memory.events', { onChange: () => {} }), {
      code: 'ENOENT',
      path: 'memory.events',
    });
    cgroup.remove(root, `${branch}/a`);
    group.close();
  });

  t.test('pressure can be watched where the kernel counts it', async (t) => {
    const group = cgroup.create(root, `${branch}/a`);
    const trigger = { resource: 'memory', kind: 'some', stallUsec: 100_000, windowUsec: 2_000_000 } as const;
    if (existsSync(join(root, branch, 'a', 'memory.pressure'))) {
      cgroup.watchPressure(group, trigger, () => {}).close();
    } else {
      t.throws(() => cgroup.watchPressure(group, trigger, () => {}), { code: 'ENOENT', path: 'memory.pressure' });
    }
    cgroup.remove(root, `${branch}/a`);
    group.close();
  });

  t.test('a group that is removed ends the watch of its pressure', async (t) => {
    const group = cgroup.create(root, `${branch}/a`);
    const trigger = { resource: 'memory', kind: 'some', stallUsec: 100_000, windowUsec: 2_000_000 } as const;
    const isCounted = existsSync(join(root, branch, 'a', 'memory.pressure'));
    const before = openDescriptors();
    let calls = 0;
    const watch = isCounted ? cgroup.watchPressure(group, trigger, () => void calls++) : undefined;
    cgroup.remove(root, `${branch}/a`);
    // The reactor hears of the group first, and of these behind it.
    for (let turn = 0; turn < 3; turn++) {
      const timer = clock.createTimer();
      timer.arm(clock.bootTimeMs());
      await timer.wait();
      timer.close();
    }
    t.equal(calls, 0, 'nobody was held up');
    t.equal(openDescriptors(), before, 'it is closed');
    watch?.close();
    group.close();
  });

  t.test('paths lead nowhere else', async (t) => {
    for (const path of ['', '/', '/etc', '..', `${branch}/..`, `${branch}//a`, `./${branch}`, `${branch}/a/`]) {
      t.throws(() => cgroup.create(root, path), { code: 'ERR_INVALID_ARG_VALUE' }, path);
      t.throws(() => cgroup.remove(root, path), { code: 'ERR_INVALID_ARG_VALUE' }, path);
    }
    const folder = t.testdir({});
    symlinkSync('/tmp', join(folder, 'link'));
    t.throws(() => cgroup.create(folder, 'link'), { code: 'ELOOP' });
    t.throws(() => cgroup.create(folder, 'link/escape'), { code: 'ELOOP' });
  });

  t.test('wrong arguments never reach the kernel', async (t) => {
    const group = cgroup.create(root, `${branch}/a`);
    const wrong: [() => unknown, code: string][] = [
      [() => cgroup.create('relative', 'a'), 'ERR_INVALID_ARG_VALUE'],
      [() => cgroup.setLimits(3 as never, {}), 'ERR_INVALID_ARG_TYPE'],
      [() => cgroup.setLimits({ isOpen: true, releaseNumber: () => 1 } as never, {}), 'ERR_INVALID_ARG_TYPE'],
      [() => cgroup.setLimits(group, { memoryMaximum: 1 } as never), 'ERR_INVALID_ARG_VALUE'],
      [() => cgroup.setLimits(group, { memoryMax: '1' } as never), 'ERR_INVALID_ARG_TYPE'],
      [() => cgroup.setLimits(group, { memoryMax: 1.5 }), 'ERR_INVALID_ARG_VALUE'],
      [() => cgroup.setLimits(group, { memoryMax: -2 }), 'ERR_INVALID_ARG_VALUE'],
      [() => cgroup.setLimits(group, { cpuWeight: 0 }), 'ERR_INVALID_ARG_VALUE'],
      [() => cgroup.enableControllers(group, ['memory -pids']), 'ERR_INVALID_ARG_VALUE'],
      [() => cgroup.stats([group, undefined] as never), 'ERR_INVALID_ARG_TYPE'],
      [() => cgroup.stats([group], []), 'ERR_INVALID_ARG_TYPE'],
      [() => cgroup.stats([group], ['cpus'] as never), 'ERR_INVALID_ARG_VALUE'],
      [() => cgroup.openSampler({ maxDescriptors: 0 }), 'ERR_INVALID_ARG_VALUE'],
      [() => cgroup.openSampler({ sets: 'cpu' } as never), 'ERR_INVALID_ARG_TYPE'],
      [() => cgroup.openSampler().add(3 as never), 'ERR_INVALID_ARG_TYPE'],
      [() => cgroup.openSampler().remove('0' as never), 'ERR_INVALID_ARG_TYPE'],
      [() => cgroup.addProcess(group, 0), 'ERR_INVALID_ARG_VALUE'],
      [() => cgroup.addProcess(group, '1' as never), 'ERR_INVALID_ARG_TYPE'],
      [() => cgroup.watchEvents(group, 'cgroup.procs' as never, { onChange: () => {} }), 'ERR_INVALID_ARG_VALUE'],
      [() => cgroup.watchEvents(group, 'cgroup.events', (() => {}) as never), 'ERR_INVALID_ARG_TYPE'],
      [() => cgroup.watchEvents(group, 'cgroup.events', {} as never), 'ERR_INVALID_ARG_TYPE'],
    ];
    for (const [call, code] of wrong) t.throws(call, { name: 'TypeError', code }, String(call));
    for (const options of [{ timeoutMs: -1 }, { timeoutMs: '1' }, { timeout: 1 }, 5]) {
      await t.rejects(cgroup.freeze(group, options as never), { name: 'TypeError' });
      await t.rejects(cgroup.emptied(group, options as never), { name: 'TypeError' });
    }
    const trigger = { resource: 'memory', kind: 'some', stallUsec: 100_000, windowUsec: 1_000_000 } as const;
    for (const change of [
      { resource: 'pids' },
      { kind: 'all' },
      { stallUsec: 0 },
      { stallUsec: 2e6 },
      { windowUsec: 1 },
    ]) {
      t.throws(() => cgroup.watchPressure(group, { ...trigger, ...change } as never, () => {}), { name: 'TypeError' });
    }
    t.throws(() => cgroup.watchPressure(group, trigger, undefined as never), { code: 'ERR_INVALID_ARG_TYPE' });
    group.close();
    t.throws(() => cgroup.kill(group), { code: 'ERR_INVALID_ARG_VALUE' }, 'a closed handle');
    cgroup.remove(root, `${branch}/a`);
  });

  t.test('no descriptor is left open', async (t) => {
    const before = openDescriptors();
    for (let round = 0; round < 20; round++) {
      const group = cgroup.create(root, `${branch}/a`);
      cgroup.stats([group]);
      cgroup.remove(root, `${branch}/a`);
      group.close();
    }
    t.equal(openDescriptors(), before);
  });
}
