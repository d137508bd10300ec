import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { findExt4ByLabel, listBlockDevices, waitForExt4ByLabel } from '../../../lib/os/block-devices.js';
import { parseExt4Superblock, SUPERBLOCK_BYTES, SUPERBLOCK_OFFSET } from '../../../lib/os/ext4-superblock.js';
import { FakeNetlink } from './fake-netlink.js';

function superblock(label: string): Buffer {
  const bytes = Buffer.alloc(SUPERBLOCK_BYTES);
  bytes.writeUInt32LE(4096, 0x04);
  bytes.writeUInt32LE(0, 0x18);
  bytes.writeUInt16LE(0xef53, 0x38);
  bytes.write('00112233445566778899aabbccddeeff', 0x68, 'hex');
  bytes.write(label, 0x78);
  return bytes;
}

t.test('parses a superblock', async (t) => {
  t.same(parseExt4Superblock(superblock('TALOSCONFIG')), {
    label: 'TALOSCONFIG',
    uuid: '00112233-4455-6677-8899-aabbccddeeff',
    sizeBytes: 4096 * 1024,
  });
  t.equal(parseExt4Superblock(superblock('SIXTEEN-BYTES-AB'))?.label, 'SIXTEEN-BYTES-AB', 'a full label has no end');
  t.equal(parseExt4Superblock(superblock(''))?.label, '');
});

t.test('refuses what is none', async (t) => {
  t.equal(parseExt4Superblock(Buffer.alloc(SUPERBLOCK_BYTES)), undefined);
  t.equal(parseExt4Superblock(Buffer.alloc(0)), undefined);
  t.equal(parseExt4Superblock(superblock('X').subarray(0, SUPERBLOCK_BYTES - 1)), undefined, 'cut off');
  const impossible = superblock('X');
  impossible.writeUInt32LE(7, 0x18);
  t.equal(parseExt4Superblock(impossible), undefined, 'blocks of 128 KiB');
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
  const folder = t.testdir({
    sysfs: { vda: device('8'), vdb: device('8'), vdc: device('8'), vdd: device('8') },
    dev: { vda: '', vdb: '', vdc: 'short' },
  });
  const folders = { sysfs: join(folder, 'sysfs'), dev: join(folder, 'dev') };
  const put = (name: string, label: string) =>
    writeFileSync(join(folders.dev, name), Buffer.concat([Buffer.alloc(SUPERBLOCK_OFFSET), superblock(label)]));
  put('vda', 'OTHER');
  t.same(await findExt4ByLabel('TALOSCONFIG', folders), [], 'no such label; one too short, one without a node');
  const netlink = new FakeNetlink();
  const waiting = waitForExt4ByLabel(netlink, 'TALOSCONFIG', { folders, timeoutMs: 10_000 });
  await new Promise((resolve) => setTimeout(resolve, 20));
  put('vdb', 'TALOSCONFIG');
  netlink.send({ subsystem: 'block', action: 'change' });
  t.match(await waiting, [{ label: 'TALOSCONFIG', device: { name: 'vdb' } }]);
  put('vdd', 'TALOSCONFIG');
  const names = (await findExt4ByLabel('TALOSCONFIG', folders)).map((found) => found.device.name);
  t.same(names, ['vdb', 'vdd'], 'all of them, by name');
});
