/** On whatever controllers the host leaves to cgroup2; those of limits are tested in test/in-guest/cgroup.test.ts. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { loadNative } from '../../lib/native/index.js';
import { emptyFolder, inNamespaces } from './in-namespaces.js';
import { openDescriptors } from './open-descriptors.js';

const { cgroup, mount } = loadNative();

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
      const child = spawn('sleep', ['1000']);
      writeFileSync(join(root, branch, path, 'cgroup.procs'), `${child.pid}`);
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

  t.test('statistics of a group that is gone are 0', async (t) => {
    const group = cgroup.create(root, `${branch}/a`);
    cgroup.remove(root, `${branch}/a`);
    t.same(cgroup.stats([group]), [{ cpuUsageUsec: 0, memoryCurrentBytes: 0, pidsCurrent: 0 }]);
    t.same(cgroup.stats([]), []);
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
    ];
    for (const [call, code] of wrong) t.throws(call, { name: 'TypeError', code }, String(call));
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
