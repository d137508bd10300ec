import t from 'tap';
import type { BlockInspection, Filesystem } from '../../../lib/native/contract.js';
import {
  findExt4ByLabel,
  type Inspector,
  listBlockDevices,
  readExtFilesystem,
  waitForExt4ByLabel,
} from '../../../lib/os/block-devices.js';
import { FakeNetlink } from './fake-netlink.js';

/** The addon's probe as far as it matters here; what it recognises is tested with real file systems (test/native/block.test.ts). */
class FakeBlock {
  readonly filesystems = new Map<string, Filesystem[]>();

  async inspect(path: string): Promise<BlockInspection> {
    const filesystems = this.filesystems.get(path);
    if (filesystems === undefined) throw Object.assign(new Error('gone'), { code: 'ENOENT' });
    return { sizeBytes: 4096, isEmpty: false, isBlank: false, signatures: [], filesystems, problems: [] };
  }
}

const filesystem = (label: string, change: Partial<Filesystem> = {}): Filesystem => ({
  ...{ type: 'ext4', label, uuid: '00112233-4455-6677-8899-aabbccddeeff' },
  ...{ blockBytes: 1024, sizeBytes: 4_194_304, checksum: 'valid', ...change },
});

const device = (sectors: string, more: object = {}) => ({ size: `${sectors}\n`, ro: '0\n', ...more });

t.test('lists what has a size', async (t) => {
  const sysfs = t.testdir({
    vda: device('8192'),
    vda1: device('4096', { partition: '1\n', ro: '1\n' }),
    loop0: device('0'),
    'cciss!c0d0': device('16'),
    gone: {},
  });
  t.same(await listBlockDevices({ sysfs, dev: '/dev' }), [
    { name: 'cciss!c0d0', path: '/dev/cciss/c0d0', sizeBytes: 8192, isPartition: false, isReadOnly: false },
    { name: 'vda', path: '/dev/vda', sizeBytes: 4_194_304, isPartition: false, isReadOnly: false },
    { name: 'vda1', path: '/dev/vda1', sizeBytes: 2_097_152, isPartition: true, isReadOnly: true },
  ]);
});

t.test('finds a file system by its label', async (t) => {
  const sysfs = t.testdir(
    Object.fromEntries(['vda', 'vdb', 'vdc', 'vdd', 'vde', 'vdf'].map((name) => [name, device('8')])),
  );
  const folders = { sysfs, dev: '/fake' };
  const block = new FakeBlock();
  block.filesystems.set('/fake/vda', [filesystem('OTHER')]);
  block.filesystems.set('/fake/vdc', []);
  block.filesystems.set('/fake/vde', [filesystem('TALOSCONFIG', { type: 'xfs' })]);
  block.filesystems.set('/fake/vdf', [filesystem('TALOSCONFIG', { checksum: 'wrong' })]);
  t.same(await findExt4ByLabel(block, 'TALOSCONFIG', folders), [], 'another label or type, none, damaged, gone');
  const netlink = new FakeNetlink();
  const waiting = waitForExt4ByLabel({ netlink, block }, 'TALOSCONFIG', { folders, timeoutMs: 10_000 });
  await new Promise((resolve) => setImmediate(resolve));
  block.filesystems.set('/fake/vdb', [filesystem('TALOSCONFIG')]);
  netlink.send({ subsystem: 'block', action: 'change' });
  t.match(await waiting, [{ label: 'TALOSCONFIG', device: { name: 'vdb' } }]);
  block.filesystems.set('/fake/vdd', [filesystem('X', { type: 'vfat' }), filesystem('TALOSCONFIG')]);
  const names = (await findExt4ByLabel(block, 'TALOSCONFIG', folders)).map((found) => found.device.name);
  t.same(names, ['vdb', 'vdd'], 'all of them, by name');
  const fault: Inspector = { inspect: () => Promise.reject(new RangeError('of ours')) };
  await t.rejects(readExtFilesystem(fault, '/fake/vda'), RangeError);
});
