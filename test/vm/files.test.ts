/** Files of a booted node, as an administrator looks at them: list, usage, read and copy. */
import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import t from 'tap';
import { checkout } from '../helpers/checkout.js';
import { seconds } from '../helpers/deadline.js';
import { TestNode } from '../helpers/node.js';
import { osctlBytes } from '../helpers/osctl.js';

t.setTimeout(seconds(180));

/** What a mount may lack of nosuid, nodev and noexec, and why. */
const MISSING_MOUNT_FLAGS: Readonly<Record<string, { flag: string; reason: string }>> = {
  '/': { flag: 'noexec', reason: 'the programs are there; it is read-only, and dm-verity checks it' },
  '/dev': { flag: 'nodev', reason: 'the device nodes' },
  '/var': { flag: 'noexec', reason: 'images of containers are unpacked there, and their programs executed' },
  '/dev/pts': { flag: 'nodev', reason: 'terminals are device nodes' },
};

/** What the node keeps on its disk. */
const ON_DISK = new Set(['/system/state', '/var']);

/** What else can be written to is memory, or the kernel's own. */
const WRITABLE_TYPES = new Set([
  ...['tmpfs', 'devtmpfs', 'devpts', 'proc', 'sysfs', 'cgroup2', 'securityfs', 'pstore', 'bpf', 'mqueue', 'efivarfs'],
  ...['debugfs', 'tracefs', 'hugetlbfs'],
]);

const SERVICES = '/usr/share/talos/services';

t.test('files of a node', async (t) => {
  const node = await TestNode.create({ name: 'files', layer: 'test' });
  t.teardown(() => node[Symbol.asyncDispose]());
  const { home } = node;

  await t.test('list', async (t) => {
    const names = (await home.succeed(['ls', '/'])).stdout.split('\n');
    for (const name of ['.', 'bin', 'etc', 'proc', 'run', 'system', 'usr']) t.ok(names.includes(name), name);
    const { stdout } = await home.succeed(['ls', '-l', '/']);
    t.match(stdout, /^MODE +UID +GID +SIZE\(B\) +LASTMOD +LABEL +NAME\n/);
    t.match(stdout, /^dr-xr-xr-x +0 +0 +\d+ +.* proc$/m);
    t.match(stdout, /^Lrwxrwxrwx +0 +0 +\d+ +.* bin -> usr\/bin$/m);
    t.match((await home.succeed(['ls', '-l', '/dev'])).stdout, /^Dcrw-rw-rw- +0 +0 +\d+ +.* null$/m);
    const through = await home.osctl(['ls', '/bin']);
    t.equal(through.code, 1);
    t.match(through.stderr, '/bin is a symbolic link to usr/bin, and links are not followed: ask for /usr/bin');
    const files = await home.json<{ name: string; size: number }[]>('ls', '-r', '-t', 'f', '/usr');
    const executable = files.find(({ name }) => name === '/usr/bin/talos');
    t.ok((executable?.size ?? 0) > 50_000_000);
  });

  await t.test('usage', async (t) => {
    const [total] = await home.json<{ size: number }[]>('du', '/usr');
    const files = await home.json<{ size: number }[]>('ls', '-r', '/usr');
    t.equal(
      total?.size,
      files.reduce((sum, { size }) => sum + size, 0),
      'the sum of what is listed',
    );
    const all = await home.json<{ relativeName: string; size: number }[]>('du', '-d', '1', '/');
    t.notOk(all.some(({ relativeName }) => relativeName === 'proc'));
    t.ok((all.at(-1)?.size ?? 0) < 1_000_000_000, 'the address space of the kernel is not counted');
  });

  await t.test('mounts allow no more than they must', async (t) => {
    const lines = (await home.succeed(['read', '/proc/1/mounts'])).stdout.trim().split('\n');
    const mounts = lines
      .map((line) => line.split(' '))
      .map(([, target = '', type = '', options = '']) => ({ target, type, options: options.split(',') }));
    for (const { target, type, options } of mounts) {
      const wanted = ['nosuid', 'nodev', 'noexec'].filter((flag) => flag !== MISSING_MOUNT_FLAGS[target]?.flag);
      t.same(
        wanted.filter((flag) => options.includes(flag)),
        wanted,
        `${target} is ${options.join(',')}`,
      );
      if (!options.includes('rw')) continue;
      t.ok(WRITABLE_TYPES.has(type) || (type === 'ext4' && ON_DISK.has(target)), `${target} is writable: ${type}`);
    }
    for (const target of Object.keys(MISSING_MOUNT_FLAGS))
      t.ok(
        mounts.some((mount) => mount.target === target),
        target,
      );
    const root = mounts.find(({ target }) => target === '/');
    t.match(root, { type: 'squashfs' });
    t.ok(root?.options.includes('ro'), 'the root is read-only');
    t.match(
      lines.find((line) => line.includes(' / ')),
      /^\/dev\/dm-1 /,
      'and dm-verity checks it',
    );
  });

  await t.test('read', async (t) => {
    t.match((await home.succeed(['read', '/proc/cmdline'])).stdout, /panic=10/);
    t.match((await home.succeed(['cat', '/etc/os-release'])).stdout, /^NAME=/m);
    const readAhead = await home.succeed(['read', '/sys/devices/virtual/block/dm-1/queue/read_ahead_kb']);
    t.equal(
      readAhead.stdout.trim(),
      '32',
      'stage0 has limited the read-ahead of the root image to one block of squashfs',
    );
    for (const [path, words] of [
      ['/etc', /is a directory: use ls or cp/],
      ['/dev/vda', /NOT_FOUND|device/],
      ['/dev/null', /device/],
      ['/proc/1/mem', /memory/],
      ['/proc/1/root/etc/os-release', /link/],
      ['/system/machined/running-config.yaml', /there are keys in it/],
      ['/nothing', /NOT_FOUND/],
    ] as const) {
      const { code, stderr } = await home.osctl(['cat', path]);
      t.equal(code, 1, path);
      t.match(stderr, words, path);
    }
  });

  await t.test('the addon: whole, read and copied', async (t) => {
    const path = '/usr/lib/talos/talos.node';
    const [{ size } = { size: -1 }] = await home.json<{ size: number }[]>('ls', path);
    const bytes = await osctlBytes(['cat', path], home.environment);
    t.equal(bytes.length, size);
    const archive = gunzipSync(await osctlBytes(['cp', path, '-'], home.environment));
    const hash = (content: Uint8Array) => createHash('sha256').update(content).digest('hex');
    t.equal(hash(archive.subarray(512, 512 + size)), hash(bytes));
  });

  await t.test('copy', async (t) => {
    const out = join(home.folder, 'services');
    const { stderr } = await home.succeed(['cp', SERVICES, out]);
    t.equal(stderr, '');
    const inCheckout = `${checkout}/rootfs/files${SERVICES}`;
    for (const name of await readdir(inCheckout)) {
      t.equal(await readFile(join(out, name), 'utf8'), await readFile(join(inCheckout, name), 'utf8'), name);
    }
    const system = await home.osctl(['cp', '/system', join(home.folder, 'system')]);
    t.equal(system.code, 5, 'the machine config is not copied, and that is told');
    t.match(system.stderr, /running-config\.yaml: there are keys in it/);
    const told = await home.osctl(['cp', '/run', join(home.folder, 'run')]);
    t.ok(told.code === 0 || (told.code === 5 && /left out/.test(told.stderr)), told.stderr);
  });
});
