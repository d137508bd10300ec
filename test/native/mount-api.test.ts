import { mkdirSync, readFileSync, statfsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import type { MountAttribute, NewMount } from '../../lib/native/contract.js';
import { loadNative } from '../../lib/native/index.js';
import { emptyFolder, inNamespaces } from './in-namespaces.js';
import { openDescriptors } from './open-descriptors.js';

const { mount, descriptor } = loadNative();

if (inNamespaces(import.meta.url, ['--mount', '--propagation', 'private'])) {
  const root = emptyFolder(t, mount);
  let folders = 0;
  const folder = () => {
    const path = join(root, `mount-${++folders}`);
    mkdirSync(path);
    return path;
  };
  const infoOf = (target: string) => mount.mountInfo().findLast(({ mountPoint }) => mountPoint === target);
  const optionsOf = (target: string) => new Set(infoOf(target)?.options.split(','));

  t.test('a file system is configured, becomes a mount without a place, and gets one', async (t) => {
    const before = mount.mountInfo().length;
    const handle = await mount.createMount({
      fstype: 'tmpfs',
      source: 'a name',
      parameters: { size: '64k', mode: '0700', ro: true },
      attributes: ['nosuid', 'noexec'],
    });
    t.equal(mount.mountInfo().length, before, 'nobody sees it');
    const target = folder();
    await mount.moveMount(handle, target);
    t.match(infoOf(target), { fstype: 'tmpfs', source: 'a name', superOptions: /ro.*size=64k.*mode=700/ });
    t.ok(['nosuid', 'noexec'].every((option) => optionsOf(target).has(option)));
    const elsewhere = folder();
    await mount.moveMount(handle, elsewhere);
    t.equal(infoOf(target), undefined, 'the same handle moves it on');
    t.ok(infoOf(elsewhere));
    handle.close();
    t.ok(infoOf(elsewhere), 'a mount with a place outlives its handle');
  });

  t.test('what is closed before it has a place is gone', async (t) => {
    const handle = await mount.createMount({ fstype: 'tmpfs' });
    handle.close();
    await t.rejects(mount.moveMount(handle, folder()), { code: 'ERR_INVALID_ARG_VALUE' });
  });

  t.test('the kernel says itself what is wrong with an option', async (t) => {
    const cases: [NewMount, string, RegExp, string][] = [
      [{ fstype: 'tmpfs', parameters: { sise: '1' } }, 'fsconfig', /tmpfs: Unknown parameter 'sise'/, 'sise'],
      [{ fstype: 'tmpfs', parameters: { size: 'much' } }, 'fsconfig', /Bad value for 'size'/, 'size'],
    ];
    for (const [options, syscall, stage, path] of cases) {
      await t.rejects(mount.createMount(options), { code: 'EINVAL', errno: -22, syscall, stage, path });
    }
    const [reader, writer] = descriptor.pipe();
    await t.rejects(mount.createMount({ fstype: 'tmpfs', parameters: { size: reader } }), {
      code: 'EINVAL',
      stage: /Bad value for 'size'/,
    });
    reader.close();
    writer.close();
    await t.rejects(mount.createMount({ fstype: 'no-such-fs' }), {
      code: 'ENODEV',
      syscall: 'fsopen',
      path: 'no-such-fs',
    });
    const target = folder();
    const options = { source: 'x', target, fstype: 'tmpfs', flags: [], data: 'size=1m,sise=2' };
    await t.rejects(mount.mount(options), {
      code: 'EINVAL',
      path: 'x',
      dest: target,
      message: /Unknown parameter 'sise'/,
    });
    t.equal(infoOf(target), undefined);
  });

  t.test('options that can only be given as a whole still work', async (t) => {
    const [lower, upper, target] = [folder(), folder(), folder()];
    mkdirSync(join(upper, 'data'));
    mkdirSync(join(upper, 'work'));
    writeFileSync(join(lower, 'below'), 'seen');
    const long = Array.from({ length: 12 }, () => folder());
    const layers = [lower, ...long].join(':');
    t.ok(layers.length > 255, 'longer than fsconfig takes');
    const data = `lowerdir=${layers},upperdir=${join(upper, 'data')},workdir=${join(upper, 'work')}`;
    await mount.mount({ source: 'overlay', target, fstype: 'overlay', flags: ['nodev'], data });
    t.equal(readFileSync(join(target, 'below'), 'utf8'), 'seen');
    await mount.umount(target, []);
  });

  t.test('a tree is copied, restricted as a whole, and only then seen', async (t) => {
    const source = folder();
    mount.mountSync({ source: 'x', target: source, fstype: 'tmpfs', flags: ['noexec'] });
    mkdirSync(join(source, 'below'));
    mount.mountSync({ source: 'x', target: join(source, 'below'), fstype: 'tmpfs', flags: [] });
    const copy = await mount.openTree(source, { clone: true, recursive: true });
    mount.setAttributes(copy, { set: ['ro', 'noatime'], recursive: true });
    const target = folder();
    await mount.moveMount(copy, target);
    for (const place of [target, join(target, 'below')]) {
      t.ok(optionsOf(place).has('ro') && optionsOf(place).has('noatime'), place);
      t.throws(() => writeFileSync(join(place, 'file'), ''), { code: 'EROFS' });
    }
    t.ok(optionsOf(target).has('noexec'), 'what the source has is kept');
    t.notOk(optionsOf(source).has('ro'));
    mount.setAttributes(copy, { clear: ['ro', 'noatime'] });
    t.notOk(optionsOf(target).has('ro'), 'of this mount alone');
    t.ok(optionsOf(target).has('relatime'), 'without a policy it is the kernel’s own');
    t.ok(optionsOf(join(target, 'below')).has('ro'));
    const alone = await mount.openTree(source, { clone: true });
    const bare = folder();
    await mount.moveMount(alone, bare);
    t.equal(infoOf(join(bare, 'below')), undefined, 'without the mounts below');
    for (const handle of [copy, alone]) handle.close();
  });

  t.test('attributes and propagation of a mount that has a place', async (t) => {
    const target = folder();
    mount.mountSync({ source: 'x', target, fstype: 'tmpfs', flags: [] });
    const handle = await mount.openTree(target);
    const attributes: MountAttribute[] = ['ro', 'nosuid', 'nodev', 'noexec', 'nodiratime', 'nosymfollow', 'noatime'];
    for (const attribute of attributes) {
      mount.setAttributes(handle, { set: [attribute] });
      t.ok(optionsOf(target).has(attribute), attribute);
    }
    mount.setAttributes(handle, { clear: attributes, set: ['strictatime'] });
    t.equal(infoOf(target)?.options, 'rw');
    mount.setAttributes(handle, { propagation: 'shared' });
    t.match(infoOf(target)?.propagation, /^shared:/);
    mount.setAttributes(handle, { propagation: 'unbindable', recursive: true });
    t.equal(infoOf(target)?.propagation, 'unbindable');
    await t.rejects(mount.openTree(target, { clone: true }), { code: 'EINVAL', syscall: 'open_tree', path: target });
    handle.close();
    const [reader, writer] = descriptor.pipe();
    t.throws(() => mount.setAttributes(reader, { set: ['ro'] }), { code: 'EINVAL', syscall: 'mount_setattr' });
    await t.rejects(mount.moveMount(reader, target), { code: 'EINVAL', syscall: 'move_mount', dest: target });
    reader.close();
    writer.close();
  });

  t.test('by descriptors alone', async (t) => {
    const target = folder();
    const place = await mount.openTree(target);
    const handle = await mount.createMount({ fstype: 'tmpfs' });
    await mount.moveMount(handle, place);
    t.ok(infoOf(target));
    place.close();
    handle.close();
  });

  t.test('space of a file system', async (t) => {
    const space = await mount.statfs(root);
    const expected = statfsSync(root);
    t.match(space, { type: 0x01021994, totalBytes: expected.blocks * expected.bsize, isReadOnly: false });
    t.ok(space.freeBytes <= space.totalBytes && space.availableBytes <= space.freeBytes && space.files > 0);
    await t.rejects(mount.statfs(join(root, 'missing')), { code: 'ENOENT', syscall: 'statfs' });
    t.match(mount.blockedCalls(), { stuck: 0, waiting: 0 });
  });

  t.test('wrong arguments never reach the kernel', async (t) => {
    const handle = await mount.createMount({ fstype: 'tmpfs' });
    const wrong: [call: () => unknown, code: string][] = [
      [() => mount.createMount(undefined as never), 'ERR_INVALID_ARG_TYPE'],
      [() => mount.createMount({ fstype: 1 as never }), 'ERR_INVALID_ARG_TYPE'],
      [() => mount.createMount({ fstype: 'tmpfs', parameters: { a: 1 as never } }), 'ERR_INVALID_ARG_TYPE'],
      [() => mount.createMount({ fstype: 'tmpfs', parameters: { a: {} as never } }), 'ERR_INVALID_ARG_TYPE'],
      [() => mount.createMount({ fstype: 'tmpfs', parameters: { a: 'x'.repeat(256) } }), 'ERR_INVALID_ARG_VALUE'],
      [() => mount.createMount({ fstype: 'tmpfs', parameters: { '': 'x' } }), 'ERR_INVALID_ARG_VALUE'],
      [() => mount.createMount({ fstype: 'tmpfs', attributes: ['bind' as never] }), 'ERR_INVALID_ARG_VALUE'],
      [() => mount.createMount({ fstype: 'tmpfs', timeoutMs: 0.5 }), 'ERR_INVALID_ARG_VALUE'],
      [() => mount.openTree('relative'), 'ERR_INVALID_ARG_VALUE'],
      [() => mount.openTree('/', { recursive: true }), 'ERR_INVALID_ARG_VALUE'],
      [() => mount.moveMount(handle, 'relative'), 'ERR_INVALID_ARG_VALUE'],
      [() => mount.moveMount({} as never, '/x'), 'ERR_INVALID_ARG_TYPE'],
      [async () => mount.setAttributes(handle, { set: ['shared' as never] }), 'ERR_INVALID_ARG_VALUE'],
      [async () => mount.setAttributes(handle, { propagation: 'ro' as never }), 'ERR_INVALID_ARG_VALUE'],
      [() => mount.attachLoop({} as never), 'ERR_INVALID_ARG_TYPE'],
      [() => mount.attachLoop(handle, { blockSizeBytes: 513 as never }), 'ERR_INVALID_ARG_VALUE'],
      [() => mount.statfs('/', { timeoutMs: -1 }), 'ERR_INVALID_ARG_VALUE'],
      [() => mount.switchRoot('/x', '/dev' as never), 'ERR_INVALID_ARG_TYPE'],
      [() => mount.pivotRoot('x', '/y'), 'ERR_INVALID_ARG_VALUE'],
    ];
    for (const [call, code] of wrong) await t.rejects(call() as Promise<unknown>, { name: 'TypeError', code });
    handle.close();
  });

  t.test('no descriptor is left open', async (t) => {
    const target = folder();
    const before = openDescriptors();
    for (let round = 0; round < 10; round++) {
      await mount.mount({ source: 'x', target, fstype: 'tmpfs', flags: ['private'] });
      await mount.umount(target, []);
      await mount.createMount({ fstype: 'tmpfs', parameters: { size: 'x' } }).catch(() => undefined);
      (await mount.openTree(target, { clone: true })).close();
      await mount.statfs(target);
    }
    t.equal(openDescriptors(), before);
  });
}
