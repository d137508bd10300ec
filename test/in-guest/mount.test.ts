/** What changes the machine and not only a namespace: loop devices, and a file system that does not answer. */
import { execFileSync } from 'node:child_process';
import { closeSync, openSync, read, readdirSync, readFileSync, readSync, write, writeFileSync } from 'node:fs';
import { mkdir, mkdtemp, open, readFile, rm, rmdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import t from 'tap';
import type { LoopOptions } from '../../lib/native/contract.js';
import { addonPath, loadNative } from '../../lib/native/index.js';

const { mount, descriptor } = loadNative();
const KIB = 1024;
const folder = await mkdtemp(join(tmpdir(), 'talos-mount-'));
t.teardown(() => rm(folder, { recursive: true }));

/** Sixteen pages, each filled with its number. */
const image = join(folder, 'image');
writeFileSync(image, Buffer.concat(Array.from({ length: 16 }, (_, page) => Buffer.alloc(4 * KIB, page))));

function firstByte(path: string): number {
  const fd = openSync(path, 'r');
  const byte = Buffer.alloc(1);
  readSync(fd, byte, 0, 1, 0);
  closeSync(fd);
  return byte[0] as number;
}

const sysfs = (path: string, file: string) => readFileSync(join('/sys/block', basename(path), file), 'utf8').trim();

async function attach(options?: LoopOptions, flags: 'r' | 'rw' = 'rw') {
  const file = descriptor.open(image, flags);
  try {
    return await mount.attachLoop(file, options);
  } finally {
    file.close();
  }
}

t.test('a file as a block device, and back', async (t) => {
  const { path, device } = await attach();
  t.match(path, /^\/dev\/loop\d+$/);
  t.equal(Number(sysfs(path, 'size')), 128, 'in sectors of 512 bytes');
  t.equal(sysfs(path, 'loop/backing_file'), image);
  t.equal(sysfs(path, 'ro'), '0');
  t.equal(sysfs(path, 'loop/autoclear'), '0');
  await mount.detachLoop(device);
  device.close();
  t.notOk(readdirSync(join('/sys/block', basename(path))).includes('loop'), 'detached');
  const reopened = descriptor.open(path, 'r');
  await t.rejects(mount.detachLoop(reopened), { code: 'ENXIO', syscall: 'ioctl', stage: 'LOOP_CLR_FD' });
  reopened.close();
});

t.test('a piece of it, read-only, in larger blocks, gone with its last user', async (t) => {
  const { path, device } = await attach({
    readOnly: true,
    autoclear: true,
    offsetBytes: 8 * KIB,
    sizeLimitBytes: 16 * KIB,
    blockSizeBytes: 4096,
  });
  t.equal(Number(sysfs(path, 'size')), 32);
  t.equal(sysfs(path, 'ro'), '1');
  t.equal(sysfs(path, 'loop/offset'), `${8 * KIB}`);
  t.equal(sysfs(path, 'loop/sizelimit'), `${16 * KIB}`);
  t.equal(sysfs(path, 'queue/logical_block_size'), '4096');
  t.equal(firstByte(path), 2);
  const writable = await open(path, 'r+');
  await t.rejects(writable.write(Buffer.alloc(4 * KIB)), { code: 'EPERM' });
  await writable.close();
  device.close();
  t.notOk(readdirSync(join('/sys/block', basename(path))).includes('loop'));
});

t.test('a file that is not open for writing makes a read-only device', async (t) => {
  const { path, device } = await attach({ autoclear: true }, 'r');
  t.equal(sysfs(path, 'ro'), '1');
  device.close();
});

t.test('many at once get devices of their own', async (t) => {
  const loops = await Promise.all(Array.from({ length: 12 }, () => attach({ autoclear: true })));
  t.equal(new Set(loops.map(({ path }) => path)).size, 12);
  for (const { path, device } of loops) {
    t.equal(sysfs(path, 'loop/backing_file'), image);
    device.close();
  }
});

t.test('what is no file cannot be attached', async (t) => {
  const [reader, writer] = descriptor.pipe();
  await t.rejects(mount.attachLoop(reader), { code: 'EINVAL', syscall: 'ioctl', path: /^\/dev\/loop/ });
  reader.close();
  writer.close();
});

/**
 * A FUSE file system whose server answers INIT and nothing else. Numbers: linux/fuse.h.
 * @returns when the kernel has accepted it
 */
async function mountDeadFileSystem(target: string): Promise<{ nextOpcode(): Promise<number>; close(): void }> {
  // FUSE takes its connection as a number.
  const file = descriptor.open('/dev/fuse', 'rw').releaseNumber();
  const handle = await mount.createMount({
    fstype: 'fuse',
    source: 'dead',
    parameters: { fd: String(file), rootmode: '40000', user_id: '0', group_id: '0' },
  });
  await mount.moveMount(handle, target);
  handle.close();
  const request = Buffer.alloc(64 * KIB);
  const next = () =>
    new Promise<void>((resolve, reject) => read(file, request, (error) => (error ? reject(error) : resolve())));
  await next();
  const reply = Buffer.alloc(16 + 64);
  reply.writeUInt32LE(reply.length, 0);
  request.copy(reply, 8, 8, 16);
  for (const [offset, value] of [
    [16, 7],
    [20, 31],
    [36, 4096],
    [40, 1],
  ] as const) {
    reply.writeUInt32LE(value, offset);
  }
  await new Promise<void>((resolve, reject) => write(file, reply, (error) => (error ? reject(error) : resolve())));
  return {
    async nextOpcode() {
      await next();
      return request.readUInt32LE(4);
    },
    close: () => closeSync(file),
  };
}

/** Threads go on right behind what they waited for; there is nothing to wait for but the count itself. */
async function stuckComesTo(count: number): Promise<number> {
  const endMs = performance.now() + 20_000;
  while (mount.blockedCalls().stuck !== count && performance.now() < endMs) await setImmediate();
  return mount.blockedCalls().stuck;
}

t.test('a file system that does not answer holds up nobody', async (t) => {
  const FUSE_STATFS = 17;
  const MAX_THREADS = 16;
  const target = join(folder, 'dead');
  await mkdir(target);
  const server = await mountDeadFileSystem(target);
  const startedMs = performance.now();
  const opcode = server.nextOpcode();
  await t.rejects(mount.statfs(target, { timeoutMs: 100 }), {
    code: 'ETIMEDOUT',
    errno: -110,
    syscall: 'statfs',
    path: target,
  });
  t.ok(performance.now() - startedMs < 10_000);
  t.equal(await opcode, FUSE_STATFS, 'the kernel did ask');
  t.equal(mount.blockedCalls().stuck, 1);
  t.ok((await mount.statfs('/tmp')).totalBytes >= 0, 'another is answered');

  const calls = Array.from({ length: MAX_THREADS + 4 }, () => mount.statfs(target, { timeoutMs: 300 }));
  const codes = (await Promise.allSettled(calls)).map((each) => (each.status === 'rejected' ? each.reason.code : 'ok'));
  t.same(new Set(codes), new Set(['ETIMEDOUT']));
  t.match(mount.blockedCalls(), { threads: MAX_THREADS, stuck: MAX_THREADS, waiting: 0 }, 'bounded, and counted');
  await t.rejects(mount.statfs('/tmp', { timeoutMs: 50 }), { code: 'ETIMEDOUT' }, 'no thread is left');
  t.ok((await readFile('/proc/self/stat', 'utf8')).length > 0, 'Node’s own pool is not touched');

  // A process of its own that gives up while its call hangs.
  const exits = `process.on('exit', () => console.log('left'));
    const holder = { exports: {} };
    process.dlopen(holder, ${JSON.stringify(addonPath())});
    holder.exports.mount.statfs(${JSON.stringify(target)}, undefined);
    setTimeout(() => process.exit(0), 1);`;
  t.equal(
    execFileSync(process.execPath, ['-e', exits], { encoding: 'utf8', timeout: 60_000 }),
    'left\n',
    'it can exit',
  );

  // Whoever waits for one of the threads gets it as soon as the kernel lets go.
  const patient = mount.statfs('/tmp', { timeoutMs: 20_000 });
  server.close();
  t.ok(await patient);
  t.equal(await stuckComesTo(0), 0);
  await mount.umount(target, ['force', 'detach']);
  await rmdir(target);
});
