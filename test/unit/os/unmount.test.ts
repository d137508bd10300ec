import t from 'tap';
import { isDeviceBacked, unmountAll, unmountOrder } from '../../../lib/os/unmount.js';
import { FakeMount, mountInfo } from './fake-mount.js';

const root = mountInfo('/', { id: 1, parentId: 0, device: '7:0', fstype: 'squashfs' });
const proc = mountInfo('/proc', { id: 2, parentId: 1, device: '0:5', fstype: 'proc' });
const disk = mountInfo('/var', { id: 3, parentId: 1, device: '254:2', fstype: 'ext4' });
const overlay = mountInfo('/var/rootfs', { id: 4, parentId: 3, device: '0:40', fstype: 'overlay' });
const shm = mountInfo('/var/rootfs/dev/shm', { id: 5, parentId: 4, device: '0:41' });
const tmp = mountInfo('/tmp', { id: 6, parentId: 1 });
const second = mountInfo('/var', { id: 7, parentId: 3, device: '254:3', fstype: 'ext4' });
const all = [root, proc, disk, overlay, shm, tmp, second];

t.test('what is backed by a device', async (t) => {
  t.same(
    all.filter(isDeviceBacked).map(({ id }) => id),
    [1, 3, 4, 7],
  );
  for (const fstype of ['fuse.sshfs', 'nfs4']) t.ok(isDeviceBacked(mountInfo('/x', { fstype })), fstype);
});

t.test('children first, the newest first among equals, never the root', async (t) => {
  t.same(
    unmountOrder(all).map(({ id }) => id),
    [5, 7, 4, 3],
  );
  t.same(unmountOrder([root, proc, tmp]), []);
});

t.test('a table with a loop ends', async (t) => {
  const loop = [mountInfo('/a', { id: 1, parentId: 2, device: '8:1' }), mountInfo('/b', { id: 2, parentId: 1 })];
  t.equal(unmountOrder(loop).length, 2);
});

t.test('unmounts all of it', async (t) => {
  const mount = new FakeMount([...all]);
  const report = await unmountAll(mount, { timeoutMs: 10_000 });
  t.same(report, { unmounted: ['/var/rootfs/dev/shm', '/var', '/var/rootfs', '/var'], detached: [] });
  t.same(
    mount.table.map(({ id }) => id),
    [1, 2, 6],
  );
  t.ok(mount.unmounts.every(([, flags]) => flags === 'nofollow'));
});

t.test('tries again as long as there is time', async (t) => {
  const mount = new FakeMount([root, disk]);
  let attempts = 0;
  mount.refuse = () => (++attempts < 4 ? 'EBUSY' : undefined);
  const report = await unmountAll(mount, { timeoutMs: 10_000, pauseMs: 1 });
  t.same(report, { unmounted: ['/var'], detached: [] });
  t.equal(attempts, 4);
});

t.test('what stays busy is made read-only and detached', async (t) => {
  const mount = new FakeMount([root, disk]);
  mount.refuse = (_target, flags) => (flags.includes('detach') || flags.includes('remount') ? undefined : 'EBUSY');
  const report = await unmountAll(mount, { timeoutMs: 20, pauseMs: 5 });
  t.match(report, { unmounted: [], detached: [{ target: '/var', message: /EBUSY/ }] });
  t.match(mount.calls, [{ target: '/var', flags: ['remount', 'ro'] }]);
  t.same(mount.unmounts.at(-1), ['/var', 'detach,nofollow']);
});

t.test('one that hangs does not keep the others, and is asked once', async (t) => {
  const other = mountInfo('/other', { id: 9, parentId: 1, device: '254:9' });
  const mount = new FakeMount([root, other, disk]);
  mount.hang = (target, flags) => target === '/var' && !flags.includes('detach');
  const report = await unmountAll(mount, { timeoutMs: 50, pauseMs: 5 });
  t.match(
    report.detached.find(({ target }) => target === '/var'),
    { message: /did not answer in time/ },
  );
  t.same(mount.unmounts.filter(([target]) => target === '/var').length, 2);
  t.same(mount.table, [root], 'all are out of the tree');
});

t.test('does not reject even if nothing works', async (t) => {
  const mount = new FakeMount([root, disk]);
  mount.refuse = () => 'EIO';
  const report = await unmountAll(mount, { timeoutMs: 10, pauseMs: 1 });
  t.match(report, { unmounted: [], detached: [{ target: '/var', message: /EIO/ }] });
});
