/** Folders and mounts of Kubernetes in a mount namespace of our own, and files in them. */
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { watch } from 'node:fs';
import { chmod, mkdir, readdir, readFile, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { flushFolder } from '../../../../lib/machined/kubernetes/flush.js';
import { type KubernetesFolders, openSealed, prepareFolders } from '../../../../lib/machined/kubernetes/folders.js';
import { writeFilesBeneath, writeFilesInto } from '../../../../lib/machined/kubernetes/write-files.js';
import { loadNative } from '../../../../lib/native/index.js';
import { emptyFolder, inNamespaces } from '../../../native/in-namespaces.js';

const { files, mount } = loadNative();

if (inNamespaces(import.meta.url, ['--mount', '--propagation', 'private'])) {
  const root = emptyFolder(t, mount);
  const folders = Object.fromEntries(
    [...['state', 'kubernetes', 'kubelet', 'etcd', 'audit', 'run', 'plugins', 'ownPlugins', 'pluginState']].map(
      (name) => [name, join(root, name, name)],
    ),
  ) as unknown as KubernetesFolders;
  folders.cniMount = join(root, 'cni');
  folders.cni = join(folders.cniMount, 'net.d');
  const infoOf = (path: string) => mount.mountInfo().filter(({ mountPoint }) => mountPoint === path);

  /** A node that has just been booted: nothing of ours is mounted. */
  async function booted(): Promise<void> {
    for (const path of [folders.kubernetes, folders.kubelet, folders.plugins, folders.cniMount]) {
      for (const _ of infoOf(path)) await mount.umount(path, []);
    }
    for (const path of [folders.kubernetes, folders.plugins, folders.ownPlugins, folders.cniMount]) {
      await mkdir(path, { recursive: true });
    }
    await writeFile(join(folders.ownPlugins, 'bridge'), 'of the image');
    mount.mountSync({ source: 'tmpfs', target: folders.cniMount, fstype: 'tmpfs', flags: ['noexec'] });
  }

  t.test('they are made for root only, mounted once, and stay', async (t) => {
    await booted();
    await mkdir(folders.etcd, { recursive: true, mode: 0o755 });
    await prepareFolders(mount, false, folders);
    await writeFile(join(folders.state, 'a'), 'text');
    await prepareFolders(mount, false, folders);
    t.equal(await readFile(join(folders.kubernetes, 'a'), 'utf8'), 'text');
    for (const name of ['state', 'kubelet', 'etcd', 'audit', 'run'] as const) {
      t.equal((await stat(folders[name])).mode & 0o777, 0o700, name);
    }
    t.equal((await stat(join(folders.state, 'manifests'))).mode & 0o777, 0o700, 'there before there is a kubelet');
    t.equal(infoOf(folders.kubernetes).length, 1);
    const [state] = infoOf(folders.kubernetes);
    for (const option of ['nosuid', 'nodev', 'noexec']) t.ok(state?.options.split(',').includes(option), option);
    t.match(infoOf(folders.kubelet), [{ propagation: /shared/ }], 'what is mounted below it is seen elsewhere');
  });

  t.test('with the network of the node nothing of network plugins can be written, but by machined', async (t) => {
    await booted();
    await prepareFolders(mount, false, folders);
    t.equal(await readFile(join(folders.plugins, 'bridge'), 'utf8'), 'of the image');
    const [plugins] = infoOf(folders.plugins);
    for (const option of ['ro', 'nosuid', 'nodev']) t.ok(plugins?.options.split(',').includes(option), option);
    await t.rejects(writeFile(join(folders.plugins, 'own'), ''), { code: 'EROFS' });
    const list = join(folders.cni, '00-own.conflist');
    await t.rejects(writeFile(list, ''), { code: 'EROFS' });
    const seen = watch(folders.cni);
    const found = once(seen, 'change');
    const folder = await openSealed(mount, folders.cni);
    await writeFilesInto(files, folder, folders.cni, [{ path: list, mode: 0o644, text: 'ours' }]);
    folder.close();
    t.equal(await readFile(list, 'utf8'), 'ours');
    await found;
    seen.close();
    t.pass('containerd, which watches the folder, is told');
    await t.rejects(writeFile(list, ''), { code: 'EROFS' });
    await prepareFolders(mount, false, folders);
    t.equal(infoOf(folders.plugins).length, 1, 'once');
  });

  t.test('a cluster that brings its own network writes plugins over those of the image', async (t) => {
    await booted();
    await prepareFolders(mount, true, folders);
    await prepareFolders(mount, true, folders);
    t.equal(infoOf(folders.plugins).length, 1);
    const [plugins] = infoOf(folders.plugins);
    t.equal(plugins?.fstype, 'overlay');
    for (const option of ['nosuid', 'nodev']) t.ok(plugins?.options.split(',').includes(option), option);
    t.notMatch(plugins?.options, /noexec/, 'they are programs');
    t.equal(await readFile(join(folders.plugins, 'bridge'), 'utf8'), 'of the image', 'which others delegate to');
    const own = join(folders.plugins, 'own');
    await writeFile(own, '#!/bin/sh\necho runs\n', { mode: 0o755 });
    t.equal(execFileSync(own).toString(), 'runs\n');
    await writeFile(join(folders.plugins, 'bridge'), 'of the cluster');
    t.equal(await readFile(join(folders.ownPlugins, 'bridge'), 'utf8'), 'of the image', 'what is below stays');
    await writeFile(join(folders.cni, '10-own.conflist'), '{}');
    await booted();
    await prepareFolders(mount, true, folders);
    t.equal(execFileSync(own).toString(), 'runs\n', 'it is there after a boot');
    t.strictSame(await readdir(folders.cni), [], 'what it is configured by is written anew');
    await booted();
    await prepareFolders(mount, false, folders);
    t.strictSame(await readdir(folders.plugins), ['bridge'], 'and out of the way with the network of the node');
  });

  t.test('files are written beneath a folder, with their modes, and links lead nowhere', async (t) => {
    const folder = join(root, 'files');
    const outside = join(root, 'outside');
    await mkdir(folder);
    await mkdir(outside);
    const path = join(folder, 'pki/etcd/ca.key');
    await writeFilesBeneath(files, folder, [{ path, mode: 0o600, text: 'key' }]);
    t.equal(await readFile(path, 'utf8'), 'key');
    t.equal((await stat(path)).mode & 0o777, 0o600);
    t.equal((await stat(join(folder, 'pki'))).mode & 0o777, 0o700);
    const before = await stat(path);
    await writeFilesBeneath(files, folder, [{ path, mode: 0o600, text: 'key' }]);
    t.equal((await stat(path)).ino, before.ino, 'what is there already is not written');
    await writeFilesBeneath(files, folder, [{ path, mode: 0o644, text: 'other' }]);
    t.equal(await readFile(path, 'utf8'), 'other');
    await symlink(outside, join(folder, 'link'));
    await t.rejects(writeFilesBeneath(files, folder, [{ path: join(folder, 'link/a'), mode: 0o600, text: '' }]));
    await t.rejects(stat(join(outside, 'a')), { code: 'ENOENT' });
    for (const elsewhere of [join(outside, 'a'), folder, `${folder}2/a`]) {
      const refused = writeFilesBeneath(files, folder, [{ path: elsewhere, mode: 0o600, text: '' }]);
      await t.rejects(refused, { code: 'ERR_KUBERNETES', message: /is not below/ });
    }
    await t.rejects(writeFilesBeneath(files, folder, [{ path: `${folder}/../outside/a`, mode: 0o600, text: '' }]));
  });

  t.test('flushing takes what is there', async (t) => {
    const folder = join(root, 'flush');
    await mkdir(join(folder, 'pki'), { recursive: true });
    await writeFile(join(folder, 'a'), 'a');
    await writeFile(join(folder, 'pki/b'), 'b');
    await symlink('/nowhere', join(folder, 'link'));
    await flushFolder(folder, ['pki', 'manifests']);
    await flushFolder(join(folder, 'nothing'));
    await chmod(join(folder, 'a'), 0o600);
    await t.rejects(flushFolder(join(folder, 'a')), { code: 'ENOTDIR' }, 'other failures are told');
  });
}
