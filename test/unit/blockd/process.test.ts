/** blockd as a process, confined and without capabilities as on a node, on real devices, with init played by the test. */
import {
  closeSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { MIB } from '../../../lib/base/units.js';
import { deviceFilter } from '../../../lib/blockd/seccomp.js';
import { ControlClient } from '../../../lib/control/client.js';
import { ControlServer } from '../../../lib/control/server.js';
import { loadNative } from '../../../lib/native/index.js';
import { until } from '../osd/support/rig.js';
import { spawnLikeOsd } from '../osd/support/spawn-like-osd.js';
import { blockdVia } from './support/connected.js';

t.setTimeout(60_000);
const native = loadNative();
const EXT_MAGIC_AT = 1080;

/** A block device with the mark of an ext file system on it, and other bytes. It is made without programs, whose ends the reaper of this process would take. */
async function disk(t: Test): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'talos-test-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'disk');
  writeFileSync(file, '');
  truncateSync(file, 8 * MIB);
  const fd = openSync(file, 'r+');
  writeSync(fd, Buffer.from([0x53, 0xef]), 0, 2, EXT_MAGIC_AT);
  writeSync(fd, 'data', 5 * MIB);
  closeSync(fd);
  const loop = await native.mount.attachLoop(native.descriptor.adopt(openSync(file, 'r+')));
  t.teardown(async () => {
    await native.mount.detachLoop(loop.device);
    loop.device.close();
  });
  return loop.path;
}

async function start(t: Test) {
  const health: string[] = [];
  const init = new ControlServer({
    channels: native.channel,
    log: (line) => t.comment(line),
    allow: { reportHealth: ['blockd'] },
    handlers: {
      reportHealth: ({ healthy, message }) => {
        health.push(`${healthy} ${message}`);
        return { body: {} };
      },
    },
  });
  const [ours, theirs] = native.channel.pair();
  const started = spawnLikeOsd(join(import.meta.dirname, 'support/block-process.js'), { descriptors: [theirs] });
  theirs.close();
  const connection = init.accept(ours, 'blockd');
  t.teardown(() => started.child.kill('SIGKILL'));
  await until(() => health.length === 1, 'it is ready', 30_000).catch((error) => {
    t.comment(started.output());
    throw error;
  });
  t.same(health, ['true Ready']);
  const introduce = (peer: string) => (end: Parameters<Parameters<typeof blockdVia>[0]>[0]) => {
    connection.sendEvent({ kind: 'peerConnected', peer }, [end]);
    end.close();
  };
  return { ...started, introduce, blockd: blockdVia(introduce('machined')) };
}

t.test('devices that it could not open are wiped', async (t) => {
  const path = await disk(t);
  const { blockd, child, introduce } = await start(t);
  const status = readFileSync(`/proc/${child.pid}/status`, 'utf8');
  t.match(status, /^CapEff:\t0{16}$/m);
  t.match(status, /^CapPrm:\t0{16}$/m);

  t.same(await blockd.wipe(path, 'FAST'), ['ext']);
  t.match(await native.block.inspect(path), { isEmpty: true });
  t.equal(readFileSync(path).toString('latin1', 5 * MIB, 5 * MIB + 4), 'data', 'all but the marks is there');
  t.same(await blockd.wipe(path, 'ZEROES'), []);
  t.ok(readFileSync(path).equals(Buffer.alloc(8 * MIB)));

  const held = await native.block.openExclusively(path);
  await t.rejects(blockd.wipe(path, 'FAST'), { code: 'EBUSY', path }, 'the kernel has a word in it');
  held.close();
  t.same(await blockd.wipe(path, 'FAST'), [], 'nobody kept it open');

  const [ours, theirs] = native.channel.pair();
  introduce('osd')(theirs);
  const stranger = new ControlClient(ours, { channels: native.channel });
  const asked: unknown = await stranger.request('listDisks', { systemDevices: [] }).catch((error) => error);
  t.match(asked, { kind: 'PERMISSION_DENIED' }, 'machined alone is served');
  stranger.close();
  child.kill('SIGTERM');
  t.same(await child.exited, { kind: 'exited', code: 0 });
});

t.test('it lists disks, and says of a device that is none that it cannot', async (t) => {
  const { blockd, introduce } = await start(t);
  t.ok(Array.isArray(await blockd.listDisks([])), 'within the files that it may read');
  const [ours, theirs] = native.channel.pair();
  introduce('machined')(theirs);
  const machined = new ControlClient(ours, { channels: native.channel });
  t.teardown(() => machined.close());
  const [read, write] = native.descriptor.pipe();
  const wipe = (method: 'FAST' | 'ZEROES', descriptor = read) =>
    machined.request('wipeDevice', { method }, { descriptors: [descriptor] }).catch((error: unknown) => error);
  t.match(await wipe('FAST'), { kind: 'FAILED_PRECONDITION', message: /ENOTBLK/ });
  const file = openSync(await disk(t), 'r');
  t.match(await wipe('FAST', native.descriptor.adopt(file)), { kind: 'FAILED_PRECONDITION', message: /EBADF/ });
  for (const end of [read, write]) end.close();
});

t.test('it ends in the middle: whoever waits is told', async (t) => {
  const { blockd, child } = await start(t);
  await blockd.listDisks([]);
  const path = await disk(t);
  child.kill('SIGSTOP');
  const wiping = blockd.wipe(path, 'FAST').catch((error: unknown) => error);
  child.kill('SIGKILL');
  t.match(await wiping, { kind: 'UNAVAILABLE', message: /blockd has ended meanwhile/ });
  t.match(await native.block.inspect(path), { isEmpty: false }, 'and the device is free');
  (await native.block.openExclusively(path)).close();
});

t.test('its filter has no socket, and no way to write into a file that it opens', (t) => {
  const { defaultAction, rules } = deviceFilter(7);
  t.same(defaultAction, { errno: 'EPERM' });
  t.notOk(rules.some(({ syscalls }) => syscalls.includes('socket') || syscalls.includes('socketpair')));
  t.ok(rules.filter(({ syscalls }) => syscalls.includes('openat')).every(({ where }) => where?.length === 1));
  t.end();
});
