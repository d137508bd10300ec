/** dm-verity and partitions in our own kernel: a real hash tree, one flipped byte, and what the kernel makes of it. */
import { createHash } from 'node:crypto';
import {
  closeSync,
  existsSync,
  mkdtempSync,
  openSync,
  readSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { loadNative } from '../../lib/native/index.js';
import { untilUevent } from '../../lib/os/until-uevent.js';

const { block, descriptor, mount, netlink } = loadNative();
const BLOCK = 4096;
const MIB = 1024 * 1024;
const LINUX_DATA = '0fc63daf-8483-4772-8e79-3d69d8477de4';

/** A hash tree as dm-verity wants it (format 1: the salt comes first), its top level in front. */
function hashTree(data: Buffer, salt: Buffer): { tree: Buffer; root: string } {
  const digest = (bytes: Buffer) => createHash('sha256').update(salt).update(bytes).digest();
  const levels: Buffer[] = [];
  let blocks = data;
  while (levels.length === 0 || blocks.length > BLOCK) {
    const digests: Buffer[] = [];
    for (let at = 0; at < blocks.length; at += BLOCK) digests.push(digest(blocks.subarray(at, at + BLOCK)));
    const level = Buffer.concat(digests);
    blocks = Buffer.concat([level, Buffer.alloc((BLOCK - (level.length % BLOCK)) % BLOCK)]);
    levels.unshift(blocks);
  }
  return { tree: Buffer.concat(levels), root: digest(blocks).toString('hex') };
}

function imageFile(t: Test): string {
  const folder = mkdtempSync(join(tmpdir(), 'block-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  return join(folder, 'image');
}

async function loop(t: Test, path: string, access: 'r' | 'rw' = 'r'): Promise<string> {
  const file = descriptor.open(path, access);
  const attached = await mount.attachLoop(file);
  file.close();
  t.teardown(async () => {
    await mount.detachLoop(attached.device);
    attached.device.close();
  });
  return attached.path;
}

function readBlock(path: string, number: number): Buffer {
  const fd = openSync(path, 'r');
  try {
    const bytes = Buffer.alloc(BLOCK);
    readSync(fd, bytes, 0, BLOCK, number * BLOCK);
    return bytes;
  } finally {
    closeSync(fd);
  }
}

t.test('a verity device gives what was hashed, and EIO for anything else', async (t) => {
  const file = imageFile(t);
  // More than one level: a block of the tree holds 128 digests.
  const data = Buffer.alloc(300 * BLOCK);
  for (let number = 0; number < 300; number++) data.fill(number % 251, number * BLOCK, (number + 1) * BLOCK);
  const salt = Buffer.from('5a17', 'hex');
  const { tree, root } = hashTree(data, salt);
  writeFileSync(file, Buffer.concat([data, tree]));
  const fd = openSync(file, 'r+');
  writeSync(fd, Buffer.from([0xff]), 0, 1, 200 * BLOCK + 17);
  closeSync(fd);

  const device = await loop(t, file);
  const request = {
    ...{ name: 'verity-test', uuid: 'TALOS-VERITY-TEST', dataDevice: device, hashDevice: device },
    ...{ dataBlocks: 300, hashStartBlock: 300, rootDigest: root, salt: salt.toString('hex') },
  };
  const made = await block.createVerity(request);
  t.match(made, { isIntact: true, isSuspended: false, isReadOnly: true, openCount: 0, path: /^\/dev\/dm-\d+$/ });
  t.match(await block.info(made.path), { sizeBytes: 300 * BLOCK, isReadOnly: true });
  t.ok(readBlock(made.path, 7).equals(data.subarray(7 * BLOCK, 8 * BLOCK)));
  t.ok(readBlock(made.path, 299).equals(data.subarray(299 * BLOCK)), 'the last block');
  t.equal((await block.verityStatus('verity-test')).isIntact, true);
  t.throws(() => readBlock(made.path, 200), { code: 'EIO' }, 'one byte is another');
  t.equal((await block.verityStatus('verity-test')).isIntact, false, 'and it is told');
  t.ok(readBlock(made.path, 100).equals(data.subarray(100 * BLOCK, 101 * BLOCK)), 'other blocks are still there');
  await t.rejects(block.createVerity(request), {
    code: 'EBUSY',
    syscall: 'ioctl',
    path: 'verity-test',
    stage: 'DM_DEV_CREATE',
  });

  const user = openSync(made.path, 'r');
  await t.rejects(block.removeMapped('verity-test'), { code: 'EBUSY', stage: 'DM_DEV_REMOVE' });
  await block.removeMapped('verity-test', { deferred: true });
  t.equal((await block.verityStatus('verity-test')).openCount, 1, 'stays for its user');
  // The kernel takes it away on a thread of its own, some time after the last close, and tells.
  const removed = untilUevent({
    netlink,
    look: () => (existsSync(made.path) ? undefined : true),
    matters: ({ action, devpath }) => action === 'remove' && devpath.endsWith(made.path.replace('/dev/', '/')),
    timeoutMs: 10_000,
    describe: () => `the removal of ${made.path}`,
  });
  closeSync(user);
  await removed;
  await t.rejects(block.verityStatus('verity-test'), { code: 'ENXIO', path: 'verity-test' });
  await t.rejects(block.removeMapped('verity-test'), { code: 'ENXIO' });
});

t.test('a table that the kernel refuses leaves no device behind', async (t) => {
  const file = imageFile(t);
  writeFileSync(file, Buffer.alloc(8 * BLOCK));
  const device = await loop(t, file);
  const request = {
    ...{ name: 'refused', dataDevice: device, hashDevice: device, dataBlocks: 4, hashStartBlock: 4 },
    rootDigest: 'ab'.repeat(32),
  };
  await t.rejects(block.createVerity({ ...request, algorithm: 'nosuch' }), {
    message: /ioctl 'refused' .*DM_TABLE_LOAD/,
  });
  await t.rejects(block.createVerity({ ...request, rootDigest: 'ab' }), { code: 'EINVAL', stage: 'DM_TABLE_LOAD' });
  await t.rejects(block.createVerity({ ...request, dataDevice: '/dev/nosuch' }), {
    message: /ioctl 'refused' .*DM_TABLE_LOAD/,
  });
  await t.rejects(block.createVerity({ ...request, dataBlocks: 1 << 20 }), {
    message: /ioctl 'refused' .*DM_TABLE_LOAD/,
  });
  await t.rejects(block.verityStatus('refused'), { code: 'ENXIO' });
  // A digest of the right form that is wrong: the device comes up, and its first block is refused.
  const made = await block.createVerity(request);
  t.throws(() => readBlock(made.path, 0), { code: 'EIO' });
  await block.removeMapped('refused');
});

t.test('partitions come from the backup, too, which the kernel does not go by', async (t) => {
  // A disk in memory: it has partitions, and one of its own for each file that runs here.
  const device = '/dev/ram0';
  t.match(await block.inspect(device), { isEmpty: true, isBlank: true });
  await block.createGpt(device, {
    partitions: [
      { typeGuid: LINUX_DATA, name: 'one', sizeBytes: MIB },
      { typeGuid: LINUX_DATA, name: 'two' },
    ],
  });
  t.match(await block.syncPartitions(device), { wasReread: true, deleted: [], added: [] });
  t.ok(statSync(`${device}p2`).isBlockDevice());
  const fd = openSync(device, 'r+');
  writeSync(fd, Buffer.alloc(512), 0, 512, 512);
  closeSync(fd);
  t.match(await block.readGpt(device), { source: 'backup', partitions: [{ name: 'one' }, { name: 'two' }] });
  t.match(await block.syncPartitions(device), { wasReread: true, added: [1, 2] });
  t.match(await block.info(`${device}p1`), { sizeBytes: MIB });
  t.match(await block.repairGpt(device), { source: 'primary', problems: [] });
  t.match(await block.syncPartitions(device), { wasReread: true, added: [] });
  await block.wipeSignatures(device);
});

t.test('partitions of a loop device, and one in use', async (t) => {
  const file = imageFile(t);
  writeFileSync(file, Buffer.alloc(8 * MIB));
  const device = await loop(t, file, 'rw');
  t.same(await block.syncPartitions(device), { wasReread: false, deleted: [], grown: [], added: [] }, 'no table');
  const one = { typeGuid: LINUX_DATA, name: 'one', sizeBytes: MIB };
  const two = { typeGuid: LINUX_DATA, name: 'two', sizeBytes: MIB };
  await block.createGpt(device, { partitions: [one, two] });
  // The kernel does not search loop devices by itself: BLKRRPART is EINVAL, and each partition is added by BLKPG.
  t.same(await block.syncPartitions(device), { wasReread: false, deleted: [], grown: [], added: [1, 2] });
  t.same(
    await block.syncPartitions(device),
    { wasReread: false, deleted: [], grown: [], added: [] },
    'nothing is left to do',
  );
  t.match(await block.info(`${device}p2`), { sizeBytes: MIB });

  const user = openSync(`${device}p1`, 'r');
  await block.createGpt(device, { replacesGpt: true, partitions: [one, { ...two, sizeBytes: 2 * MIB }] });
  t.same(await block.syncPartitions(device), { wasReread: false, deleted: [], grown: [2], added: [] });
  t.match(await block.info(`${device}p2`), { sizeBytes: 2 * MIB });
  await block.createGpt(device, { replacesGpt: true, partitions: [{ ...one, sizeBytes: 3 * MIB }] });
  t.same(
    await block.syncPartitions(device),
    { wasReread: false, deleted: [2], grown: [1], added: [] },
    'in use, and longer',
  );
  t.match(await block.info(`${device}p1`), { sizeBytes: 3 * MIB });
  await block.createGpt(device, { replacesGpt: true, partitions: [one] });
  await t.rejects(block.syncPartitions(device), { code: 'EBUSY', path: device, stage: /^BLKPG_DEL_PARTITION/ });
  t.match(await block.info(`${device}p1`), { sizeBytes: 3 * MIB }, 'nor does it become shorter');

  // Detaching would leave them behind, for whoever gets the device next.
  closeSync(user);
  await block.createGpt(device, { replacesGpt: true, partitions: [] });
  t.match(await block.syncPartitions(device), { wasReread: false, added: [] });
  t.notOk(existsSync(`${device}p1`));
});
