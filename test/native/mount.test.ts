import { closeSync, mkdirSync, openSync, statfsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import type { MountFlag, UmountFlag } from '../../lib/native/contract.js';
import { loadNative } from '../../lib/native/index.js';
import { MOUNT_FLAGS, UMOUNT_FLAGS } from '../../lib/native/mount.js';
import { emptyFolder, inNamespaces } from './in-namespaces.js';
import { openDescriptors } from './open-descriptors.js';

const { mount } = loadNative();

if (inNamespaces(import.meta.url, ['--mount', '--propagation', 'private'])) {
  const root = emptyFolder(t, mount);
  const tmpfs = { source: 'tmpfs', fstype: 'tmpfs' };
  let folders = 0;
  const folder = (name = `mount-${++folders}`) => {
    const path = join(root, name);
    mkdirSync(path, { recursive: true });
    return path;
  };
  const infoOf = (target: string) => mount.mountInfo().findLast(({ mountPoint }) => mountPoint === target);
  const hasOptions = (target: string) => new Set(infoOf(target)?.options.split(','));

  t.test('a new mount has its attributes and the options of its file system', async (t) => {
    const target = folder();
    await mount.mount({
      ...tmpfs,
      source: 'a name',
      target,
      flags: ['ro', 'nosuid', 'nodev', 'noexec'],
      data: 'size=64k',
    });
    const info = infoOf(target);
    t.match(info, { fstype: 'tmpfs', source: 'a name', root: '/', propagation: 'private', superOptions: /size=64k/ });
    for (const option of ['ro', 'nosuid', 'nodev', 'noexec']) t.ok(hasOptions(target).has(option), option);
    t.throws(() => writeFileSync(join(target, 'file'), ''), { code: 'EROFS' });
    mount.mountSync({ ...tmpfs, target, fstype: '', flags: ['remount', 'nosuid'], data: 'size=128k' });
    t.equal(statfsSync(target).blocks * statfsSync(target).bsize, 128 * 1024);
    t.notOk(hasOptions(target).has('noexec'), 'a remount replaces the attributes');
    await mount.umount(target, []);
    t.equal(infoOf(target), undefined);
  });

  t.test('a recursive bind restricts the mounts below it as well, and keeps what its source has', async (t) => {
    const [source, target] = [folder(), folder()];
    mount.mountSync({ ...tmpfs, target: source, flags: ['noexec'] });
    mkdirSync(join(source, 'below'));
    mount.mountSync({ ...tmpfs, target: join(source, 'below'), flags: [] });
    mount.mountSync({ source, target, fstype: '', flags: ['bind', 'rec', 'ro', 'nosuid'] });
    t.ok(hasOptions(target).has('ro') && hasOptions(target).has('noexec') && hasOptions(target).has('nosuid'));
    t.ok(hasOptions(join(target, 'below')).has('ro'));
    t.throws(() => writeFileSync(join(target, 'below', 'file'), ''), { code: 'EROFS' });
    t.notOk(hasOptions(source).has('ro'), 'the source stays as it was');
    mount.mountSync({ source: '', target, fstype: '', flags: ['remount', 'bind'] });
    t.notOk(hasOptions(target).has('ro'), 'a remount of the bind alone');
  });

  t.test('propagation is set beside a new mount, and by itself', async (t) => {
    const target = folder();
    mount.mountSync({ ...tmpfs, target, flags: ['shared'] });
    t.match(infoOf(target)?.propagation, /^shared:\d+$/);
    mount.mountSync({ source: '', target, fstype: '', flags: ['private', 'rec'] });
    t.equal(infoOf(target)?.propagation, 'private');
  });

  t.test('a mount is moved', async (t) => {
    const [from, to] = [folder(), folder()];
    mount.mountSync({ ...tmpfs, target: from, flags: [] });
    const id = infoOf(from)?.id;
    mount.mountSync({ source: from, target: to, fstype: '', flags: ['move'] });
    t.equal(infoOf(to)?.id, id);
    t.equal(infoOf(from), undefined);
  });

  t.test('a mount that could not be given its propagation is not left behind', async (t) => {
    const target = folder();
    mount.mountSync({ ...tmpfs, target, flags: ['unbindable'] });
    const before = mount.mountInfo().length;
    const copy = folder();
    t.throws(() => mount.mountSync({ source: target, target: copy, fstype: '', flags: ['bind', 'slave'] }), {
      code: 'EINVAL',
      syscall: 'open_tree',
    });
    t.equal(mount.mountInfo().length, before);
  });

  t.test('strange names come back as they are', async (t) => {
    for (const name of ['with space', 'new\nline', 'tab\there', 'back\\slash', 'octal\\040', 'ünïcode ☃', '#hash']) {
      const target = folder(name);
      mount.mountSync({ ...tmpfs, source: name, target, flags: [] });
      t.equal(infoOf(target)?.source, name);
    }
  });

  t.test('a busy mount is an error, a detached one is gone', async (t) => {
    const target = folder();
    mount.mountSync({ ...tmpfs, target, flags: [] });
    const file = openSync(join(target, 'file'), 'w');
    await t.rejects(mount.umount(target, ['nofollow']), {
      code: 'EBUSY',
      errno: -16,
      syscall: 'umount2',
      path: target,
    });
    await mount.umount(target, ['detach']);
    t.equal(infoOf(target), undefined);
    closeSync(file);
  });

  t.test('errors have the shape of Node', async (t) => {
    const missing = join(root, 'missing');
    const expected = { code: 'ENOENT', errno: -2, syscall: 'move_mount', path: 'tmpfs', dest: missing };
    t.throws(() => mount.mountSync({ ...tmpfs, target: missing, flags: [] }), expected);
    await t.rejects(mount.mount({ ...tmpfs, target: missing, flags: [] }), expected);
    await t.rejects(mount.mount({ source: 'x', target: root, fstype: 'no-such-fs', flags: [] }), { code: 'ENODEV' });
    await t.rejects(mount.umount('/proc/self', []), { code: 'EINVAL', syscall: 'umount2' });
  });

  t.test('the addon knows every flag', async (t) => {
    const target = join(root, 'missing');
    for (const flag of MOUNT_FLAGS) {
      t.throws(
        () => mount.mountSync({ ...tmpfs, target, flags: [flag as MountFlag] }),
        { message: /^(?!.*unknown)/ },
        flag,
      );
    }
    for (const flag of UMOUNT_FLAGS)
      await t.rejects(mount.umount(target, [flag as UmountFlag]), { code: 'ENOENT' }, flag);
    t.throws(() => mount.mountSync({ source: 'a', target, fstype: '', flags: ['bind', 'move'] }), {
      code: 'EINVAL',
      message: /contradicting operations/,
    });
  });

  t.test('wrong arguments never reach the kernel', async (t) => {
    const good = { ...tmpfs, target: '/x', flags: [] };
    const wrong: [options: unknown, code: string][] = [
      [undefined, 'ERR_INVALID_ARG_TYPE'],
      [[], 'ERR_INVALID_ARG_TYPE'],
      [{ ...good, source: 1 }, 'ERR_INVALID_ARG_TYPE'],
      [{ ...good, target: 'relative' }, 'ERR_INVALID_ARG_VALUE'],
      [{ ...good, target: '/a\0b' }, 'ERR_INVALID_ARG_VALUE'],
      [{ ...good, flags: 'ro' }, 'ERR_INVALID_ARG_TYPE'],
      [{ ...good, flags: [1] }, 'ERR_INVALID_ARG_TYPE'],
      [{ ...good, flags: ['nosuld'] }, 'ERR_INVALID_ARG_VALUE'],
      [{ ...good, data: 1 }, 'ERR_INVALID_ARG_TYPE'],
    ];
    for (const [options, code] of wrong) {
      t.throws(() => mount.mountSync(options as never), { name: 'TypeError', code });
      await t.rejects(mount.mount(options as never), { name: 'TypeError', code });
    }
    await t.rejects(mount.umount('relative', []), { code: 'ERR_INVALID_ARG_VALUE' });
    await t.rejects(mount.umount('/x', ['lazy' as never]), { code: 'ERR_INVALID_ARG_VALUE' });
  });

  t.test('no descriptor is left open', async (t) => {
    const before = openDescriptors();
    for (let round = 0; round < 20; round++) {
      mount.mountInfo();
      await mount.umount('/missing', []).catch(() => undefined);
    }
    t.equal(openDescriptors(), before);
  });
}
