import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { CONFIG_TOO_LARGE, MAX_CONFIG_BYTES } from '../../../lib/config/index.js';
import { readConfigDisk, writeConfigDisk } from '../../../lib/machined/config-disk.js';
import type { MountOptions } from '../../../lib/native/contract.js';
import { loadNative } from '../../../lib/native/index.js';

const { files } = loadNative();

/** A disk whose content is a folder: mounting it only notes that it was asked for. */
function disk(t: Test, devices = ['/dev/vdb'], failure?: NodeJS.ErrnoException) {
  const mountPoint = t.testdir();
  const calls: (MountOptions | string)[] = [];
  let mounts = 0;
  const access = {
    mountPoint,
    files,
    findByLabel: async (label: string) => {
      calls.push(label);
      return devices;
    },
    mount: {
      mount: async (options: MountOptions) => {
        if (failure) throw failure;
        calls.push(options);
        mounts += 1;
      },
      umount: async (target: string) => {
        if (mounts === 0) throw Object.assign(new Error('not mounted'), { code: 'EINVAL' });
        mounts -= 1;
        calls.push(`umount ${target}`);
      },
    },
  };
  const read = () => readConfigDisk(access);
  const write = (text: string) => writeConfigDisk(access, text);
  return { mountPoint, access, calls, read, write, file: join(mountPoint, 'config.yaml') };
}

t.test('the disk is mounted without any rights, and only as long as it is read', async (t) => {
  const { mountPoint, calls, read, file } = disk(t);
  writeFileSync(file, 'version: v1alpha1\n');
  t.equal(await read(), 'version: v1alpha1\n');
  t.match(calls, [
    'TALOSCONFIG',
    { source: '/dev/vdb', target: mountPoint, fstype: 'ext4', flags: ['ro', 'nosuid', 'nodev', 'noexec'] },
    `umount ${mountPoint}`,
  ]);
});

t.test('what one that was killed at work has left mounted is unmounted first', async (t) => {
  const { calls, read, access, mountPoint, file } = disk(t);
  writeFileSync(file, 'version: v1alpha1\n');
  await access.mount.mount({ source: '/dev/vdb', target: mountPoint, fstype: 'ext4', flags: [] });
  t.equal(await read(), 'version: v1alpha1\n');
  t.match(calls.slice(2), [
    `umount ${mountPoint}`,
    { flags: ['ro', 'nosuid', 'nodev', 'noexec'] },
    `umount ${mountPoint}`,
  ]);
  t.equal(calls.length, 5, 'and nothing is left');
});

t.test('no disk is not an error; several are', async (t) => {
  t.equal(await disk(t, []).read(), undefined);
  await t.rejects(
    disk(t, ['/dev/vdb', '/dev/vdc']).read(),
    /several disks have the label TALOSCONFIG \(\/dev\/vdb, \/dev\/vdc\)/,
  );
});

t.test('a file that is missing, no file, or too large', async (t) => {
  const cases: [string, (file: string) => void, RegExp][] = [
    ['missing', () => {}, /cannot be opened \(ENOENT\)/],
    ['a folder', (file) => mkdirSync(file), /is not a file/],
    ['a link into our own files', (file) => symlinkSync('/etc/passwd', file), /cannot be opened \(ELOOP\)/],
    ['a FIFO that nobody writes', (file) => void execFileSync('mkfifo', [file]), /is not a file/],
    [
      'too large',
      (file) => writeFileSync(file, Buffer.alloc(MAX_CONFIG_BYTES + 1)),
      new RegExp(`config\\.yaml on the config disk ${CONFIG_TOO_LARGE}`),
    ],
  ];
  for (const [name, make, message] of cases) {
    await t.test(name, async (t) => {
      const { calls, read, file } = disk(t);
      make(file);
      await t.rejects(read(), { code: 'ERR_CONFIG_DISK', message });
      t.match(calls.at(-1), /^umount/, 'and unmounted again');
    });
  }
});

t.test('the largest config that is allowed', async (t) => {
  const { read, file } = disk(t);
  writeFileSync(file, 'x'.repeat(MAX_CONFIG_BYTES));
  t.equal((await read())?.length, MAX_CONFIG_BYTES);
});

t.test('the file is replaced whole, on a disk that is writable only meanwhile', async (t) => {
  const { mountPoint, calls, read, write, file } = disk(t);
  writeFileSync(file, 'old', { mode: 0o644 });
  await write('new');
  t.equal(readFileSync(file, 'utf8'), 'new');
  t.equal(statSync(file).mode & 0o777, 0o600);
  t.same(readdirSync(mountPoint), ['config.yaml'], 'nothing is left behind');
  t.same(calls, [
    'TALOSCONFIG',
    { source: '/dev/vdb', target: mountPoint, fstype: 'ext4', flags: ['nosuid', 'nodev', 'noexec'] },
    `umount ${mountPoint}`,
  ]);
  t.equal(await read(), 'new');
});

t.test('why a config cannot be stored', async (t) => {
  const code = (name: string) => Object.assign(new Error(name), { code: name });
  await t.rejects(disk(t, []).write('x'), /there is no config disk \(a file system with the label TALOSCONFIG\)/);
  await t.rejects(disk(t, ['/dev/vdb', '/dev/vdc']).write('x'), /several disks/);
  for (const [name, message] of [
    ['EROFS', 'the config disk is read-only'],
    ['EACCES', 'the config disk is read-only'],
    ['ENOSPC', 'the config disk is full'],
    ['EIO', 'the config disk cannot be written (EIO)'],
  ] as const) {
    await t.rejects(disk(t, ['/dev/vdb'], code(name)).write('x'), { code: 'ERR_CONFIG_DISK', message });
  }
});
