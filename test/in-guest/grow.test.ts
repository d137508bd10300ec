/** An ext4 that gets the rest of its device while it is mounted: our kernel, real file systems, e2fsck as the judge. */
import { execFileSync } from 'node:child_process';
import {
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  readSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import type { MountFlag } from '../../lib/native/contract.js';
import { loadNative } from '../../lib/native/index.js';

const { block, descriptor, files, mount } = loadNative();
const MIB = 1024 * 1024;
const run = (program: string, ...argv: string[]) => execFileSync(program, argv, { encoding: 'utf8', stdio: 'pipe' });

/**
 * A mounted ext4 that has only a part of its loop device, as when the device has become larger.
 * @param deviceBytes  sparse, in memory: the size alone costs nothing
 * @param argv  of mkfs.ext4; the last one is the file system's size in its blocks
 */
async function smaller(t: Test, deviceBytes: number, argv: string[], flags: MountFlag[] = []) {
  const folder = mkdtempSync(join(tmpdir(), 'grow-'));
  const image = join(folder, 'image');
  const target = join(folder, 'mounted');
  mkdirSync(target);
  writeFileSync(image, '');
  truncateSync(image, deviceBytes);
  const file = descriptor.open(image, 'rw');
  const { path, device } = await mount.attachLoop(file);
  file.close();
  // It is open for writing, and what is cannot be mounted on a kernel without BLK_DEV_WRITE_MOUNTED.
  device.close();
  run('/usr/sbin/mkfs.ext4', '-q', '-F', ...argv.slice(0, -1), path, argv.at(-1) as string);
  // Tables of inodes that the kernel writes behind our back would take memory.
  await mount.mount({ source: path, target, fstype: 'ext4', flags, data: 'noinit_itable' });
  let isMounted = true;
  const unmount = async () => {
    if (isMounted) await mount.umount(target, []);
    isMounted = false;
  };
  t.teardown(async () => {
    await unmount();
    const again = descriptor.open(path, 'r');
    await mount.detachLoop(again);
    again.close();
    rmSync(folder, { recursive: true });
  });
  const grow = async (below = '') => {
    const root = await files.openRoot(join(target, below));
    try {
      return await block.growExt4(root);
    } finally {
      root.close();
    }
  };
  /** Unmounts it and lets e2fsck look at it. */
  const check = async () => {
    await unmount();
    return run('/usr/sbin/e2fsck', '-f', '-n', path);
  };
  return { path, target, grow, check };
}

/** Words of s_feature_compat and s_feature_incompat (fs/ext4/ext4.h of the kernel). */
function features(path: string): string[] {
  const superblock = Buffer.alloc(1024);
  const fd = openSync(path, 'r');
  readSync(fd, superblock, 0, 1024, 1024);
  closeSync(fd);
  const [compat, incompat] = [superblock.readUInt32LE(0x5c), superblock.readUInt32LE(0x60)];
  return [
    ...((compat & 0x10) === 0 ? [] : ['resize_inode']),
    ...((incompat & 0x10) === 0 ? [] : ['meta_bg']),
    ...((incompat & 0x80) === 0 ? [] : ['64bit']),
  ];
}

t.test('one gets all of its device, with what is in it', async (t) => {
  // A device that is neither a whole number of blocks nor of groups.
  const deviceBytes = 2048 * MIB + 512;
  const argv = ['-O', 'resize_inode,64bit', '-b', '4096', String((256 * MIB) / 4096)];
  const { path, target, grow, check } = await smaller(t, deviceBytes, argv);
  t.same(features(path), ['resize_inode', '64bit']);
  writeFileSync(join(target, 'kept'), 'ephemeral');
  mkdirSync(join(target, 'folder'));
  const before = await mount.statfs(target);
  const grown = await grow();
  t.match(grown, { deviceBytes, fromBytes: before.totalBytes });
  const { totalBytes } = await mount.statfs(target);
  t.equal(totalBytes, grown.toBytes, 'as it says');
  t.ok(totalBytes > 1900 * MIB, `${totalBytes} bytes of 2 GiB`);
  t.equal((await block.inspect(path)).filesystems[0]?.sizeBytes, 2048 * MIB);
  t.match(await grow(), { fromBytes: totalBytes, toBytes: totalBytes }, 'there is nothing left to do');
  t.match(await grow('folder'), { toBytes: totalBytes }, 'by another folder of it');
  t.equal(readFileSync(join(target, 'kept'), 'utf8'), 'ephemeral');
  t.match(await check(), /\d+\/\d+ files/, 'e2fsck finds nothing');
});

t.test('beyond what is set aside for descriptors the kernel changes the layout by itself', async (t) => {
  // Groups of 8 MiB, and descriptors set aside for 512 MiB.
  const argv = ['-O', 'resize_inode,64bit', '-b', '1024', '-E', 'resize=524288', String((64 * MIB) / 1024)];
  const { path, grow, check } = await smaller(t, 1024 * MIB, argv);
  t.same(features(path), ['resize_inode', '64bit']);
  const grown = await grow();
  t.ok(grown.toBytes > 900 * MIB, `${grown.toBytes} bytes of 1 GiB`);
  t.same(features(path), ['meta_bg', '64bit']);
  t.match(await check(), /\d+\/\d+ files/, 'e2fsck finds nothing');
});

t.test('what the kernel refuses is said', async (t) => {
  const { grow } = await smaller(t, 64 * MIB, ['-b', '4096', String((32 * MIB) / 4096)], ['ro']);
  await t.rejects(grow(), { code: 'EROFS', syscall: 'ioctl', stage: /^EXT4_IOC_RESIZE_FS: it is read-only/ });
  const other = await files.openRoot('/proc');
  await t.rejects(block.growExt4(other), { code: 'ENOTSUP', message: /only an ext4 on a block device can be grown/ });
  other.close();
  await t.rejects(block.growExt4(other), { code: 'ERR_INVALID_ARG_VALUE' });
  await t.rejects(block.growExt4('/var' as never), { code: 'ERR_INVALID_ARG_TYPE' });
});
