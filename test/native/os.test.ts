/** lib/os with the real addon, in namespaces. */
import { execFileSync } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readdirSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { loadNative } from '../../lib/native/index.js';
import {
  findExt4ByLabel,
  listBlockDevices,
  readExtFilesystem,
  waitForExt4ByLabel,
} from '../../lib/os/block-devices.js';
import { CgroupTree } from '../../lib/os/cgroup-tree.js';
import { bringUpLoopback, configureInterface, waitForInterface } from '../../lib/os/network.js';
import { mountPseudoFilesystems, PSEUDO_FILESYSTEMS } from '../../lib/os/pseudo-filesystems.js';
import { unmountAll } from '../../lib/os/unmount.js';
import { emptyFolder, inNamespaces } from './in-namespaces.js';

const { block, cgroup, mount, netlink } = loadNative();

if (inNamespaces(import.meta.url, ['--mount', '--net', '--propagation', 'private'])) {
  const root = emptyFolder(t, mount);
  // What is below `root` only: the file systems of the host are its own, in whatever namespace they are seen.
  const below = (folder: string) => ({
    ...mount,
    mountInfo: () => mount.mountInfo().filter(({ mountPoint }) => mountPoint.startsWith(`${folder}/`)),
  });

  t.test('pseudo file systems are mounted, and a second time remounted', async (t) => {
    const prefix = join(root, 'pseudo');
    // The image has this folder.
    mkdirSync(join(prefix, 'etc'), { recursive: true });
    // devtmpfs and cgroup2 have one instance for all: remounting them would change the host's.
    const table = PSEUDO_FILESYSTEMS.filter(({ fstype }) => ['proc', 'tmpfs', 'devpts'].includes(fstype));
    const withParents = table.map((entry) => ({ ...entry, target: entry.target.replace('/dev/', '/dev-') }));
    const first = mountPseudoFilesystems(mount, withParents, prefix);
    t.same(first.failed, []);
    t.equal(first.mounted.length, withParents.length);
    const second = mountPseudoFilesystems(mount, withParents, prefix);
    t.same([second.mounted, second.remounted], [[], first.mounted]);
    t.equal(below(prefix).mountInfo().length, withParents.length, 'nothing is there twice');
    for (const { mountPoint, options } of below(prefix).mountInfo()) {
      t.match(options, /nosuid/, mountPoint);
      // What containers run lies below /var.
      if (!mountPoint.endsWith('/var')) t.match(options, /noexec/, mountPoint);
    }
    t.equal(statSync(join(prefix, 'tmp')).mode & 0o7777, 0o1777);
    t.ok(readdirSync(join(prefix, 'proc')).includes('cmdline'));
  });

  t.test('a file system is found by its label, and unmounted', async (t) => {
    const image = join(root, 'image');
    writeFileSync(image, '');
    truncateSync(image, 4 * 1024 * 1024);
    execFileSync('mke2fs', ['-q', '-F', '-t', 'ext4', '-O', '^has_journal', '-L', 'TALOSTEST', image]);
    t.match(await readExtFilesystem(block, image), {
      label: 'TALOSTEST',
      sizeBytes: 4 * 1024 * 1024,
      uuid: /^[0-9a-f-]{36}$/,
    });
    t.equal(await readExtFilesystem(block, '/dev/null'), undefined);
    t.equal(await readExtFilesystem(block, '/missing'), undefined);

    const waiting = waitForExt4ByLabel({ netlink, block }, 'TALOSTEST', { timeoutMs: 10_000 });
    const loop = execFileSync('losetup', ['--find', '--show', image], { encoding: 'utf8' }).trim();
    t.teardown(() => execFileSync('losetup', ['--detach', loop]));
    t.match(await waiting, [{ device: { path: loop } }], 'the kernel announces it');
    const devices = await listBlockDevices();
    t.match(
      devices.find(({ path }) => path === loop),
      { sizeBytes: 4 * 1024 * 1024, isPartition: false, isReadOnly: false },
    );
    t.match(await findExt4ByLabel(block, 'TALOSTEST'), [{ device: { path: loop }, label: 'TALOSTEST' }]);
    t.same(await findExt4ByLabel(block, 'TALOSTES'), [], 'the whole label counts');

    const disks = join(root, 'disks');
    const target = join(disks, 'disk');
    mkdirSync(target, { recursive: true });
    await mount.mount({ source: loop, target, fstype: 'ext4', flags: ['nosuid', 'nodev', 'noexec'] });
    mkdirSync(join(target, 'below'));
    mount.mountSync({ source: 'tmpfs', target: join(target, 'below'), fstype: 'tmpfs', flags: [] });
    const file = openSync(join(target, 'file'), 'w');
    const busy = await unmountAll(below(disks), { timeoutMs: 1000, pauseMs: 20 });
    t.same(busy.unmounted, [join(target, 'below')]);
    t.match(busy.detached, [{ target, message: /EBUSY/ }]);
    t.same(below(disks).mountInfo(), []);
    closeSync(file);

    await mount.mount({ source: loop, target, fstype: 'ext4', flags: [] });
    t.same(await unmountAll(below(disks), { timeoutMs: 5000 }), { unmounted: [target], detached: [] });
  });

  t.test('the network comes up when the interface does', async (t) => {
    bringUpLoopback(netlink);
    t.ok(networkInterfaces().lo);
    const waiting = waitForInterface(netlink, { name: 'late0', timeoutMs: 10_000 });
    execFileSync('ip', ['link', 'add', 'late0', 'type', 'veth', 'peer', 'name', 'peer0']);
    execFileSync('ip', ['link', 'set', 'peer0', 'up']);
    const link = await waiting;
    configureInterface(netlink, link, { address: '10.5.0.2/24', gateway: '10.5.0.1' });
    configureInterface(netlink, link, { address: '10.5.0.2/24', gateway: '10.5.0.1' });
    // Not os.networkInterfaces(): that leaves out interfaces whose carrier the kernel has yet to notice.
    t.match(execFileSync('ip', ['address', 'show', 'late0'], { encoding: 'utf8' }), /inet 10\.5\.0\.2\/24 /);
    t.match(execFileSync('ip', ['route'], { encoding: 'utf8' }), /^default via 10\.5\.0\.1 dev late0/m);
    await t.rejects(waitForInterface(netlink, { name: 'never0', timeoutMs: 20 }), {
      message: /there are: lo, .*late0/,
    });
  });

  t.test('the cgroup tree stands without controllers, and says what is missing', async (t) => {
    const groups = join(root, 'cgroup');
    mkdirSync(groups);
    mount.mountSync({ source: 'cgroup2', target: groups, fstype: 'cgroup2', flags: [] });
    const branch = `talos-os-test-${process.pid}`;
    const branchRoot = join(groups, branch);
    cgroup.create(groups, branch).close();
    const tree = CgroupTree.create(cgroup, { root: branchRoot, moveSelf: false });
    tree.serviceGroup('osd', { memoryMax: 64 * 1024 * 1024 });
    tree.serviceGroup('osd', {});
    const always = ['init', 'podruntime', 'podruntime/shim', 'system'];
    t.same([...tree.stats().keys()].sort(), [...always, 'system/osd']);
    t.ok(tree.problems.some((problem) => /no controller 'memory'|memoryMin was not set/.test(problem)));
    tree.removeServiceGroup('osd');
    t.same([...tree.stats().keys()].sort(), always);
    tree.close();
    for (const path of always.reverse()) cgroup.remove(groups, `${branch}/${path}`);
    cgroup.remove(groups, branch);
  });
}
