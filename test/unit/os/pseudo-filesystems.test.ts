import { statSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { MOUNT_FLAGS } from '../../../lib/native/mount.js';
import {
  mountPseudoFilesystems,
  PSEUDO_FILESYSTEMS,
  type PseudoFilesystem,
} from '../../../lib/os/pseudo-filesystems.js';
import { FakeMount, mountInfo } from './fake-mount.js';

function entry(target: string, more: Partial<PseudoFilesystem> = {}): PseudoFilesystem {
  return { target, fstype: 'tmpfs', flags: ['nosuid'], isRequired: true, reason: 'a test', ...more };
}

t.test('the table', async (t) => {
  const targets = PSEUDO_FILESYSTEMS.map(({ target }) => target);
  t.equal(new Set(targets).size, targets.length, 'each target once');
  for (const [position, { target, flags }] of PSEUDO_FILESYSTEMS.entries()) {
    const parents = targets.filter((other) => target.startsWith(`${other}/`));
    for (const parent of parents) t.ok(targets.indexOf(parent) < position, `${parent} comes before ${target}`);
    t.ok(flags.every((flag) => MOUNT_FLAGS.has(flag)));
    t.ok(flags.includes('nosuid'), `${target} is nosuid`);
    t.equal(flags.includes('noexec'), target !== '/var', `${target} has programs only if it must`);
    t.equal(
      flags.includes('nodev'),
      target !== '/dev' && target !== '/dev/pts',
      `${target} has devices only if it must`,
    );
  }
});

t.test('mounts what is missing and remounts what is there', async (t) => {
  const prefix = t.testdir({ proc: {} });
  const mount = new FakeMount([mountInfo(join(prefix, 'proc'), { fstype: 'proc' })]);
  const table = [entry('/proc', { fstype: 'proc' }), entry('/run', { data: 'mode=0755' })];
  const report = mountPseudoFilesystems(mount, table, prefix);
  t.same(report, { mounted: [`${prefix}/run`], remounted: [`${prefix}/proc`], failed: [] });
  t.same(
    mount.calls.map(({ flags, data }) => [flags, data]),
    [
      [['remount', 'nosuid'], undefined],
      [['nosuid'], 'mode=0755'],
    ],
  );
  t.ok(statSync(`${prefix}/run`).isDirectory(), 'the mount point was made');
  t.same(mountPseudoFilesystems(mount, table, prefix).mounted, [], 'and may be repeated');
});

t.test('another type on the same point is mounted over', async (t) => {
  const prefix = t.testdir({ run: {} });
  const mount = new FakeMount([mountInfo(join(prefix, 'run'), { fstype: 'ramfs' })]);
  t.same(mountPseudoFilesystems(mount, [entry('/run')], prefix).mounted, [`${prefix}/run`]);
});

t.test('one that is not required is reported, a required one ends the boot', async (t) => {
  const prefix = t.testdir({ bpf: {}, after: {} });
  const mount = new FakeMount();
  mount.refuse = (target) => (target.endsWith('/bpf') ? 'ENODEV' : undefined);
  const report = mountPseudoFilesystems(mount, [entry('/bpf', { isRequired: false }), entry('/after')], prefix);
  t.match(report, { mounted: [`${prefix}/after`], failed: [{ target: `${prefix}/bpf`, message: /ENODEV/ }] });
  t.throws(() => mountPseudoFilesystems(mount, [entry('/bpf')], prefix), {
    code: 'ERR_MOUNT',
    message: /bpf \(tmpfs\) could not be mounted: ENODEV/,
    cause: { code: 'ENODEV' },
  });
});

t.test('without /proc nothing is known to be mounted', async (t) => {
  const prefix = t.testdir({});
  const mount = new FakeMount();
  mount.mountInfo = () => {
    throw Object.assign(new Error('ENOENT'), { code: 'ENOENT' });
  };
  t.same(mountPseudoFilesystems(mount, [entry('/proc')], prefix).mounted, [`${prefix}/proc`]);
});
