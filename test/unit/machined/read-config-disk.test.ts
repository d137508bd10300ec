import { execFileSync } from 'node:child_process';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { MAX_CONFIG_BYTES, readConfigDisk } from '../../../lib/machined/read-config-disk.js';
import type { MountOptions } from '../../../lib/native/contract.js';
import { loadNative } from '../../../lib/native/index.js';

const { files } = loadNative();

/** A disk whose content is a folder: mounting it only notes that it was asked for. */
function disk(t: Test, devices = ['/dev/vdb']) {
  const mountPoint = t.testdir();
  const calls: (MountOptions | string)[] = [];
  const read = () =>
    readConfigDisk({
      mountPoint,
      files,
      findByLabel: async (label) => {
        calls.push(label);
        return devices;
      },
      mount: {
        mount: async (options) => void calls.push(options),
        umount: async (target) => void calls.push(`umount ${target}`),
      },
    });
  return { mountPoint, calls, read, file: join(mountPoint, 'config.yaml') };
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
    ['too large', (file) => writeFileSync(file, Buffer.alloc(MAX_CONFIG_BYTES + 1)), /has more than 1048576 bytes/],
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
