/** Disks and images of disks with the real addon: real file systems, loop devices, and sgdisk as the second opinion on tables. */
import { execFileSync } from 'node:child_process';
import {
  closeSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmdirSync,
  rmSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { loadNative } from '../../lib/native/index.js';
import { openDescriptors } from './open-descriptors.js';

const { block, descriptor } = loadNative();
const MIB = 1024 * 1024;
const LINUX_DATA = '0fc63daf-8483-4772-8e79-3d69d8477de4';
const run = (program: string, ...argv: string[]) => execFileSync(program, argv, { encoding: 'utf8', stdio: 'pipe' });

function image(t: Test, sizeBytes: number, name = 'image'): string {
  const folder = mkdtempSync(join(tmpdir(), 'talos-test-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const path = join(folder, name);
  writeFileSync(path, '');
  truncateSync(path, sizeBytes);
  return path;
}

function put(path: string, offset: number, bytes: string | Buffer): void {
  const fd = openSync(path, 'r+');
  writeSync(fd, Buffer.from(bytes as string), 0, undefined, offset);
  closeSync(fd);
}

function loop(t: Test, file: string, ...options: string[]): string {
  const path = run('losetup', '--find', '--show', ...options, file).trim();
  t.teardown(() => run('losetup', '--detach', path));
  return path;
}

t.test('real file systems are recognised, and nothing is left after wiping', async (t) => {
  const descriptors = openDescriptors();
  const folder = t.testdir({ tree: { file: 'content\n' } });
  const makers: [type: string, sizeMiB: number, argv: string[], expected: object][] = [
    ['ext4', 8, ['mke2fs', '-q', '-F', '-t', 'ext4', '-L', 'STATE'], { label: 'STATE', checksum: 'valid' }],
    ['ext3', 8, ['mke2fs', '-q', '-F', '-t', 'ext3'], { label: '', checksum: 'none' }],
    ['ext2', 8, ['mke2fs', '-q', '-F', '-t', 'ext2', '-b', '4096'], { blockBytes: 4096 }],
    ['xfs', 320, ['mkfs.xfs', '-q', '-L', 'EPHEMERAL'], { label: 'EPHEMERAL', checksum: 'valid', blockBytes: 4096 }],
    ['vfat', 4, ['mkfs.vfat', '-F', '12', '-i', '1234abcd', '-n', 'BOOT'], { label: 'BOOT', uuid: '1234-ABCD' }],
    ['vfat', 16, ['mkfs.vfat', '-F', '16'], { label: '' }],
    ['vfat', 40, ['mkfs.vfat', '-F', '32', '-n', 'EFI SYSTEM'], { label: 'EFI SYSTEM' }],
  ];
  for (const [type, sizeMiB, [program, ...argv], expected] of makers) {
    const path = join(folder, `${type}-${sizeMiB}`);
    writeFileSync(path, '');
    truncateSync(path, sizeMiB * MIB);
    run(program as string, ...argv, path);
    const found = await block.inspect(path);
    t.match(
      found,
      { isEmpty: false, filesystems: [{ type, ...expected }], problems: [] },
      `${program} ${argv.join(' ')}`,
    );
    t.equal(found.filesystems.length, 1);
    if (type !== 'vfat') t.equal(found.filesystems[0]?.sizeBytes, sizeMiB * MIB);
    const uuid = run('blkid', '-p', '-o', 'value', '-s', 'UUID', path).trim();
    t.equal(found.filesystems[0]?.uuid, uuid, 'as blkid reads it');
    t.ok((await block.wipeSignatures(path)).length > 0);
    t.match(await block.inspect(path), { isEmpty: true, isBlank: false, signatures: [], filesystems: [] });
    t.throws(() => run('blkid', '-p', path), 'nor does blkid see anything');
  }
  const tree = join(folder, 'tree');
  run('mksquashfs', tree, join(folder, 'squashfs'), '-quiet', '-no-progress');
  t.match(await block.inspect(join(folder, 'squashfs')), { filesystems: [{ type: 'squashfs', blockBytes: 131_072 }] });
  run('mkfs.erofs', join(folder, 'erofs'), tree);
  t.match(await block.inspect(join(folder, 'erofs')), { filesystems: [{ type: 'erofs', checksum: 'valid' }] });
  put(join(folder, 'erofs'), 1024 + 70, 'X');
  t.match(await block.inspect(join(folder, 'erofs')), { filesystems: [{ type: 'erofs', checksum: 'wrong' }] });
  const swap = image(t, 4 * MIB, 'swap');
  run('mkswap', swap);
  t.match(await block.inspect(swap), { isEmpty: false, signatures: [{ name: 'swap', usage: 'swap', offset: 4086 }] });
  t.equal(openDescriptors(), descriptors);
});

t.test('wiping zeroes the marks and nothing else', async (t) => {
  const path = image(t, 4 * MIB);
  writeFileSync(path, Buffer.alloc(4 * MIB, 0x5a));
  put(path, 510, Buffer.from([0x55, 0xaa]));
  put(path, 1080, Buffer.from([0x53, 0xef]));
  const expected = Buffer.alloc(4 * MIB, 0x5a);
  expected.fill(0, 510, 512).fill(0, 1080, 1082);
  t.same(await block.wipeSignatures(path), [
    { name: 'mbr', usage: 'table', offset: 510, length: 2 },
    { name: 'ext', usage: 'filesystem', offset: 1080, length: 2 },
  ]);
  t.ok(readFileSync(path).equals(expected));
  t.same(await block.wipeSignatures(path), [], 'a second time there is nothing');
});

t.test('a device that somebody else has opened', async (t) => {
  const descriptors = openDescriptors();
  const path = loop(t, image(t, 4 * MIB));
  put(path, 1080, Buffer.from([0x53, 0xef]));
  put(path, 2 * MIB, 'data');
  const device = await block.openExclusively(path);
  t.match(await block.info(device), { isBlockDevice: true, sizeBytes: 4 * MIB });
  t.match(await block.inspect(device), { signatures: [{ name: 'ext' }] });
  await t.rejects(block.wipeSignatures(path), { code: 'EBUSY', path }, 'nobody else gets at it');
  await t.rejects(block.openExclusively(path), { code: 'EBUSY', syscall: 'open', path });
  t.match(await block.wipeSignatures(device), [{ name: 'ext' }]);
  await block.erase(device, 'zero', 0, 4 * MIB);
  await block.flush(device);
  t.ok(device.isOpen, 'it stays its owner’s');
  t.ok(readFileSync(path).equals(Buffer.alloc(4 * MIB)));
  device.close();
  await t.rejects(block.inspect(device), { code: 'ERR_INVALID_ARG_VALUE' });
  const reader = descriptor.adopt(openSync(path, 'r'));
  put(path, 1080, Buffer.from([0x53, 0xef]));
  await t.rejects(block.wipeSignatures(reader), { code: 'EBADF', syscall: 'pwrite' }, 'what it was opened for counts');
  await t.rejects(block.erase(reader, 'zero', 0, 512), { code: 'EBADF', stage: 'BLKZEROOUT' });
  reader.close();
  const [read, write] = descriptor.pipe();
  await t.rejects(block.inspect(read), { code: 'ENOTBLK' });
  for (const end of [read, write]) end.close();
  t.equal(openDescriptors(), descriptors);
});

t.test('a table that sgdisk finds nothing wrong with', async (t) => {
  const path = image(t, 64 * MIB);
  t.equal(await block.readGpt(path), undefined);
  const table = await block.createGpt(path, {
    partitions: [
      {
        typeGuid: LINUX_DATA.toUpperCase(),
        name: 'STATE',
        sizeBytes: 10 * MIB - 1,
        attributes: 0x8005_0000_0000_0004n,
      },
      { typeGuid: LINUX_DATA, name: 'EPHEMERAL 💾' },
    ],
  });
  t.match(table, {
    sectorBytes: 512,
    source: 'primary',
    problems: [],
    partitions: [
      { number: 1, name: 'STATE', startBytes: MIB, sizeBytes: 10 * MIB, attributes: 0x8005_0000_0000_0004n },
      { number: 2, name: 'EPHEMERAL 💾', startBytes: 11 * MIB, sizeBytes: 52 * MIB, typeGuid: LINUX_DATA },
    ],
  });
  t.match(table.diskId, /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  t.match(run('sgdisk', '--verify', path), /No problems found/);
  t.match(run('sgdisk', '--info=1', path), /Attribute flags: 8005000000000004[\s\S]*Partition name: 'STATE'/);
  t.same(await block.readGpt(path), table);
  await t.rejects(block.createGpt(path, { partitions: [] }), { code: 'EEXIST', path, stage: /at byte 510/ });
  t.match(await block.createGpt(path, { partitions: [], replacesGpt: true }), { partitions: [] });
  t.match(run('sgdisk', '--verify', path), /No problems found/);
  await t.rejects(
    block.createGpt(path, {
      partitions: [{ typeGuid: LINUX_DATA, name: 'x', sizeBytes: 1024 * MIB }],
      replacesGpt: true,
    }),
    { code: 'ENOSPC', stage: /partition 1: 65011712 bytes are left/ },
  );
});

t.test('a table by sgdisk, damaged and mended', async (t) => {
  const path = image(t, 64 * MIB);
  run('sgdisk', '-n', '1:0:+8M', '-c', '1:Zürich', '-A', '1:set:60', '-n', '5:0:0', '-t', '5:8300', path);
  const whole = await block.readGpt(path);
  t.match(whole, { problems: [], partitions: [{ number: 1, name: 'Zürich', attributes: 1n << 60n }, { number: 5 }] });
  const bytes = readFileSync(path);
  put(path, 512 + 16, 'damage');
  const damaged = await block.readGpt(path);
  t.match(damaged, { source: 'backup', problems: ['primary table: wrong checksum of the header at byte 528'] });
  t.same(damaged?.partitions, whole?.partitions);
  t.same(await block.repairGpt(path), whole);
  t.ok(readFileSync(path).equals(bytes), 'byte for byte as sgdisk made it');
  truncateSync(path, 80 * MIB);
  t.match(await block.readGpt(path), { source: 'primary', problems: [/the disk ends with 163839/] });
  t.match(await block.repairGpt(path), { problems: [] });
  put(path, 1024, 'damage');
  put(path, 80 * MIB - 512, 'damage');
  await t.rejects(block.readGpt(path), {
    code: 'EBADMSG',
    path,
    stage: /^primary table: .* at byte 1024; backup table: no signature/,
  });
  await t.rejects(block.repairGpt(image(t, MIB, 'none')), { code: 'ENOENT' });
});

t.test('partitions of a table that is there are changed, and nothing else is', async (t) => {
  const path = image(t, 64 * MIB);
  run('sgdisk', '-n', '1:0:+8M', '-c', '1:STATE', '-A', '1:set:60', '-n', '2:0:0', '-c', '2:EPHEMERAL', path);
  const before = await block.readGpt(path);
  const [state, ephemeral] = before?.partitions ?? [];
  t.match(await block.changeGpt(path, [{ number: 1, attributes: 1n << 48n }]), {
    diskId: before?.diskId,
    problems: [],
    partitions: [{ ...state, attributes: 1n << 48n }, ephemeral],
  });
  truncateSync(path, 80 * MIB);
  const grown = await block.changeGpt(path, [
    { number: 1, attributes: 0n },
    { number: 2, grows: true },
  ]);
  t.same(grown.partitions, [
    { ...state, attributes: 0n },
    { ...ephemeral, sizeBytes: 79 * MIB - (ephemeral?.startBytes ?? 0) },
  ]);
  t.match(grown, { diskId: before?.diskId, problems: [] });
  t.match(run('sgdisk', '--verify', path), /No problems found/);
  t.same(await block.changeGpt(path, [{ number: 2, grows: true }]), grown, 'a second time there is nothing to do');
  await t.rejects(block.changeGpt(path, [{ number: 3 }]), { code: 'ENOENT', path, stage: 'no partition 3' });
  await t.rejects(block.changeGpt(path, [{ number: 1, grows: true }]), {
    code: 'EINVAL',
    stage: 'another partition lies behind partition 1',
  });
  await t.rejects(block.changeGpt(image(t, MIB, 'none'), []), { code: 'ENOENT' });
});

t.test('loop devices', async (t) => {
  const file = image(t, 64 * MIB);
  const device = loop(t, file, '--partscan');
  t.match(await block.info(device), {
    isBlockDevice: true,
    isReadOnly: false,
    sizeBytes: 64 * MIB,
    logicalSectorBytes: 512,
  });
  await block.createGpt(device, {
    partitions: [
      { typeGuid: LINUX_DATA, name: 'a', sizeBytes: 4 * MIB },
      { typeGuid: LINUX_DATA, name: 'b' },
    ],
  });
  const kernel = () => run('lsblk', '-bnro', 'NAME,START,SIZE', device).trim().split('\n').slice(1);
  await block.syncPartitions(device);
  t.equal(kernel().length, 2, 'the kernel has both');

  // A partition in use: the others can change, it cannot, and nobody may write to the whole disk.
  const mountPoint = mkdtempSync(join(tmpdir(), 'talos-test-'));
  run('mke2fs', '-q', '-t', 'ext4', `${device}p2`);
  run('mount', `${device}p2`, mountPoint);
  try {
    await t.rejects(block.wipeSignatures(device), { code: 'EBUSY', syscall: 'open', path: device });
    await t.rejects(block.createGpt(device, { partitions: [], replacesGpt: true }), { code: 'EBUSY' });
    run('sgdisk', '-d', '1', '-n', '3:2048:+1M', file);
    run('blockdev', '--flushbufs', device); // it has a cache of its own
    t.same(await block.syncPartitions(device), { wasReread: false, deleted: [1], grown: [], added: [3] });
    t.equal(kernel().length, 2);
    run('sgdisk', '-d', '2', file);
    run('blockdev', '--flushbufs', device);
    await t.rejects(block.syncPartitions(device), { code: 'EBUSY', stage: 'BLKPG_DEL_PARTITION of partition 2' });
  } finally {
    run('umount', mountPoint);
    rmdirSync(mountPoint);
  }
  t.match(await block.syncPartitions(device), { wasReread: true });
  t.equal(kernel().length, 1);
  await block.wipeSignatures(device);
  t.match(await block.syncPartitions(device), { wasReread: true });
  t.equal(kernel().length, 0, 'without a table there are none');
});

t.test('a disk that becomes larger while it is in use', async (t) => {
  const file = image(t, 64 * MIB);
  const device = loop(t, file, '--partscan');
  const whole = { typeGuid: LINUX_DATA, name: 'b' };
  await block.createGpt(device, { partitions: [{ typeGuid: LINUX_DATA, name: 'a', sizeBytes: 4 * MIB }, whole] });
  await block.syncPartitions(device);
  const mountPoint = mkdtempSync(join(tmpdir(), 'talos-test-'));
  run('mke2fs', '-q', '-t', 'ext4', `${device}p2`);
  run('mount', `${device}p2`, mountPoint);
  try {
    truncateSync(file, 96 * MIB);
    run('losetup', '--set-capacity', device);
    const changes = [{ number: 2, grows: true }];
    await t.rejects(block.changeGpt(device, changes), { code: 'EBUSY', syscall: 'open', path: device });
    const grown = { problems: [], partitions: [{ sizeBytes: 4 * MIB }, { sizeBytes: 90 * MIB }] };
    t.match(await block.changeGpt(device, changes, { mayBeInUse: true }), grown);
    t.match(run('sgdisk', '--verify', device), /No problems found/);
    t.same(await block.syncPartitions(device), { wasReread: false, deleted: [], grown: [2], added: [] });
    t.match(await block.info(`${device}p2`), { sizeBytes: 90 * MIB });
  } finally {
    run('umount', mountPoint);
    rmdirSync(mountPoint);
  }
});

t.test('large sectors, read-only devices, and erasing', async (t) => {
  const device = loop(t, image(t, 32 * MIB), '--sector-size', '4096');
  t.match(await block.info(device), { logicalSectorBytes: 4096 });
  await block.createGpt(device, { partitions: [{ typeGuid: LINUX_DATA, name: 'x' }] });
  t.match(run('sgdisk', '--verify', device), /No problems found/);
  t.match(await block.readGpt(device), { sectorBytes: 4096, partitions: [{ startBytes: MIB, sizeBytes: 30 * MIB }] });
  await t.rejects(block.erase(device, 'zero', 100, 512), { code: 'EINVAL', syscall: 'ioctl', stage: 'BLKZEROOUT' });
  await block.erase(device, 'zero', 0, 32 * MIB);
  t.match(await block.inspect(device), { isEmpty: true, isBlank: true });
  await block.erase(device, 'discard', 0, 32 * MIB);
  await t.rejects(block.erase(device, 'secure', 0, 4096), { code: 'ENOTSUP', stage: 'BLKSECDISCARD' });
  await block.flush(device);
  const readOnly = loop(t, image(t, MIB, 'read-only'), '--read-only');
  t.match(await block.info(readOnly), { isReadOnly: true });
  await t.rejects(block.wipeSignatures(readOnly), { code: 'EROFS', syscall: 'open', path: readOnly });
});

t.test('what is no disk', async (t) => {
  const folder = t.testdir({ directory: {} });
  await t.rejects(block.inspect('/missing'), { code: 'ENOENT', syscall: 'open', path: '/missing' });
  await t.rejects(block.inspect('/dev/null'), { code: 'ENOTBLK' });
  await t.rejects(block.inspect(join(folder, 'directory')), { code: 'ENOTBLK' });
  run('mkfifo', join(folder, 'fifo'));
  await t.rejects(block.inspect(join(folder, 'fifo')), { code: 'ENOTBLK' }, 'and nobody waits for a writer');
  t.match(await block.inspect(image(t, 0)), { isEmpty: false, sizeBytes: 0 }, 'no medium is no empty disk');
  await t.rejects(block.createGpt(image(t, 1024), { partitions: [] }), { code: 'EINVAL' });
  await t.rejects(block.erase(image(t, MIB), 'zero', 0, 512), { code: 'ENOTBLK' });
  await t.rejects(block.syncPartitions(image(t, MIB)), { code: 'ENOTBLK' });
});

t.test('wrong arguments are TypeErrors', async (t) => {
  const type = { name: 'TypeError', code: 'ERR_INVALID_ARG_TYPE' };
  const value = { name: 'TypeError', code: 'ERR_INVALID_ARG_VALUE' };
  await t.rejects(block.inspect(1 as never), type);
  await t.rejects(block.inspect('relative'), value);
  await t.rejects(block.inspect('/a\0b'), value);
  await t.rejects(block.erase('/x', 'all' as never, 0, 1), value);
  await t.rejects(block.erase('/x', 'zero', -1, 1), value);
  await t.rejects(block.erase('/x', 'zero', 0, 0), value);
  const partition = { typeGuid: LINUX_DATA, name: 'x' };
  const create = (change: object) => block.createGpt('/x', { partitions: [{ ...partition, ...change }] });
  await t.rejects(block.createGpt('/x', {} as never), type);
  await t.rejects(block.changeGpt('/x', {} as never), type);
  await t.rejects(block.changeGpt('/x', [{ number: 0 }]), value);
  await t.rejects(block.changeGpt('/x', [{ number: 1, attributes: 1 as never }]), type);
  await t.rejects(create({ typeGuid: 'x' }), value);
  await t.rejects(create({ typeGuid: '00000000-0000-0000-0000-000000000000' }), value);
  await t.rejects(create({ name: 'x'.repeat(37) }), value);
  await t.rejects(create({ sizeBytes: 1.5 }), value);
  await t.rejects(create({ attributes: 1 }), type);
  await t.rejects(create({ attributes: -1n }), value);
  await t.rejects(block.createGpt('/x', { partitions: [partition, partition] }), type, 'only the last takes the rest');
  const verity = { name: 'x', dataDevice: '/a', hashDevice: '/b', dataBlocks: 1, hashStartBlock: 0, rootDigest: 'ab' };
  await t.rejects(block.createVerity({ ...verity, dataDevice: 'a' }), value);
  await t.rejects(block.createVerity({ ...verity, dataBlocks: 0 }), value);
  await t.rejects(block.createVerity({ ...verity, onCorruption: 'ignore' as never }), value);
  await t.rejects(block.verityStatus(1 as never), type);
  await t.rejects(block.removeMapped('x', { deferred: 1 as never }), type);
});
