/** What a node keeps on its disk: made, kept over a power cut and without the config disk, and given more; and other disks, which blockd wipes. */
import { open, readFile, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { parseDocument } from 'yaml';
import { GIB, KIB, MIB } from '../../lib/base/units.js';
import { connectQmp, plugDisk } from '../../lib/cluster/node-control.js';
import { loadNative } from '../../lib/native/index.js';
import { readConfigDisk } from '../helpers/credentials.js';
import { seconds } from '../helpers/deadline.js';
import { TestNode } from '../helpers/node.js';
import { cutPower, machineOf, withoutDrive } from '../helpers/power-cut.js';

t.setTimeout(seconds(500));

const LINUX_DATA = '0fc63daf-8483-4772-8e79-3d69d8477de4';
const EXT4_MAGIC_AT = 1080;

const MADE = /STATE and EPHEMERAL were made on \/dev\/vdb/;

t.test('disks', async (t) => {
  const node = await TestNode.create({ name: 'disks', layer: 'test' });
  t.teardown(() => node[Symbol.asyncDispose]());
  const { home } = node;
  const mounts = async () => (await home.succeed(['read', '/proc/1/mounts'])).stdout;

  await t.test('the first boot makes it, behind the API', async (t) => {
    await node.waitForConsole(MADE);
    await node.waitForConsole(/EXT4-fs \(vdb2\): mounted/);
    const texts = node.console.lines.map(({ text }) => text);
    const at = (pattern: RegExp) => texts.findIndex((text) => pattern.test(text));
    t.ok(at(/phase osd-listening/) < at(/ vdb: vdb1 vdb2/), 'nothing is written to the disk before the API answers');
    const table = await mounts();
    t.match(table, /^\/dev\/vdb1 \/system\/state ext4 rw,nosuid,nodev,noexec,/m);
    t.match(table, /^\/dev\/vdb2 \/var ext4 rw,nosuid,nodev,relatime/m);
    t.match(
      (await home.osctl(['read', '/system/state/config.yaml'])).stderr,
      /there are keys in it/,
      'there are keys in it',
    );
    const used = await home.osctl(['wipe', 'disk', 'vdb', '--yes']);
    t.equal(used.code, 1);
    t.match(used.stderr, /vdb1 is in use: it is mounted at \/system\/state/);
  });

  await t.test('blockd is a service in a container, with nothing that it may', async (t) => {
    await node.waitForConsole(/service blockd: Started with process id/);
    const log = home.stream('logs', '-f', 'blockd');
    t.teardown(() => log.stop());
    await log.until(seconds(60), 'blockd is ready', (lines) => lines.some(({ text }) => text.endsWith(' ready')));
    const rows = await home.json<{ id: string; namespace: string; pid: number; status: string; image: string }[]>('ps');
    const found = rows.find(({ id }) => id === 'blockd');
    t.match(found, { namespace: 'system', image: /^talos\.local\/blockd:v/, status: 'RUNNING' });
    const read = async (path: string) => (await home.succeed(['read', path])).stdout;
    const status = await read(`/proc/${found?.pid}/status`);
    t.match(status, /^Uid:\t54\t54\t54\t54$/m);
    for (const set of ['CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb']) {
      t.match(status, new RegExp(`^${set}:\t0{16}$`, 'm'));
    }
    t.match(status, /^NoNewPrivs:\t1$/m);
    t.match(status, /^Seccomp_filters:\t2$/m, 'that of its container, and its own');
    // The kernel puts tunl0 into every network namespace, down.
    const links = (await read(`/proc/${found?.pid}/net/dev`)).matchAll(/^ *(\S+):/gm);
    t.same(
      [...links].map(([, name]) => name).filter((name) => name !== 'tunl0'),
      ['lo'],
    );
    t.equal((await read(`/proc/${found?.pid}/net/route`)).trim().split('\n').length, 1, 'no route, but the heading');
    const seen = await read(`/proc/${found?.pid}/mounts`);
    t.match(seen, /^\S+ \/sys\/block sysfs ro,nosuid,nodev,noexec/m);
    t.notMatch(seen, /devtmpfs| \/(var|system)\S* /);
    t.match(await home.json('service', 'blockd'), { health: 'OK', lastMessage: 'Ready' });
    t.comment(`blockd: ${(await read('/sys/fs/cgroup/system/blockd/memory.peak')).trim()} bytes at most`);
  });

  await t.test('it wipes a disk and its partition; nobody else does', async (t) => {
    const file = join(home.folder, 'data.img');
    await writeFile(file, Buffer.alloc(8 * MIB));
    const { block } = loadNative();
    const partitions = [{ typeGuid: LINUX_DATA, name: 'data', sizeBytes: 4 * MIB }];
    await block.createGpt(file, { partitions });
    const image = await open(file, 'r+');
    await image.write(Buffer.from([0x53, 0xef]), 0, 2, MIB + EXT4_MAGIC_AT);
    await image.write('data', 3 * MIB);
    await image.close();
    const mark = node.consoleMark;
    await plugDisk(node.state, { id: 'data', file, readOnly: false });
    await node.waitForConsole(/ vdd: vdd1/, { after: mark });

    await home.succeed(['service', 'blockd', 'stop']);
    await node.waitForConsole(/service blockd: Stopped/, { after: mark });
    const without = await home.osctl(['wipe', 'disk', 'vdd', '--yes']);
    t.not(without.code, 0);
    t.match(without.stderr, /vdd was not wiped: blockd, which works on disks, does not run/);
    t.equal((await home.json<object[]>('disks')).length, 4, 'disks are listed all the same');
    t.match(await block.inspect(file), { isEmpty: false });

    const log = home.stream('logs', '-f', '--tail', '0', 'blockd');
    t.teardown(() => log.stop());
    await home.succeed(['service', 'blockd', 'start']);
    await log.until(seconds(60), 'blockd is ready', (lines) => lines.some(({ text }) => text.endsWith(' ready')));
    t.equal((await home.json<object[]>('disks')).length, 4);
    await home.succeed(['wipe', 'disk', 'vdd1', '--yes']);
    t.match(await block.readGpt(file), { partitions: [{ name: 'data' }] }, 'the table is another matter');
    t.equal((await readFile(file)).readUInt16LE(MIB + EXT4_MAGIC_AT), 0);
    await home.succeed(['wipe', 'disk', 'vdd', '--yes']);
    t.match(await block.inspect(file), { isEmpty: true });
    t.equal((await readFile(file)).toString('latin1', 3 * MIB, 3 * MIB + 4), 'data');
    t.notMatch((await home.succeed(['read', '/proc/partitions'])).stdout, /vdd1/, 'the kernel has forgotten it');
    await home.succeed(['service', 'fault-kill-blockd', 'start']);
    await node.waitForConsole(/service blockd: Ended: killed by signal 9/, { after: mark });
    await log.until(
      seconds(60),
      'blockd is ready again',
      (lines) => lines.filter(({ text }) => text.endsWith(' ready')).length === 2,
    );
    await home.succeed(['wipe', 'disk', 'vdd', '--method', 'ZEROES', '--yes']);
    t.ok((await readFile(file)).equals(Buffer.alloc(8 * MIB)));
    await log.until(seconds(20), 'it says what it did', (lines) =>
      lines.some(({ text }) => text.endsWith('wiped a device (ZEROES): it had no marks')),
    );
  });

  await t.test('the disk becomes larger while the node runs, and EPHEMERAL with it', async (t) => {
    const mark = node.consoleMark;
    const qmp = await connectQmp(node.state);
    await qmp.execute('block_resize', { device: 'system', size: 12 * GIB }).finally(() => qmp.close());
    await node.waitForConsole(/the disk \/dev\/vdb has become larger: EPHEMERAL gets the rest/, { after: mark });
    await node.waitForConsole(/EPHEMERAL was grown from \d+ to \d+ bytes/, { after: mark });
    const [, kib] = / (\d+) vdb2$/m.exec((await home.succeed(['read', '/proc/partitions'])).stdout) ?? [];
    t.equal(Number(kib) * KIB, 12 * GIB - 102 * MIB);
    const stats = await home.json<{ mountedOn: string; size: number }[]>('mounts');
    const { size = 0 } = stats.find(({ mountedOn }) => mountedOn === '/var') ?? {};
    t.ok(size > 11 * GIB && size < 12 * GIB, `${size} bytes of 12 GiB, without what ext4 needs for itself`);
  });

  await t.test('the power goes between the table and the file systems: the next boot makes both', async (t) => {
    const machine = machineOf(node.state);
    const { systemDisk = '', diskBytes = 0 } = node.state;
    await cutPower(node.state);
    await truncate(systemDisk, 0);
    await truncate(systemDisk, diskBytes);
    const first = await node.startAgain(machine);
    await node.waitForConsole(/ vdb: vdb1 vdb2/, { after: first });
    const mark = await node.cutPower();
    await node.waitForConsole(MADE, { after: mark });
    await node.waitForConsole(/EXT4-fs \(vdb2\): mounted/, { after: mark });
    const table = await mounts();
    t.match(table, /^\/dev\/vdb1 \/system\/state ext4 rw,/m);
    t.match(table, /^\/dev\/vdb2 \/var ext4 rw,/m);
  });

  await t.test(
    'a config of the API survives a power cut and the config disk; EPHEMERAL grows with its disk',
    async (t) => {
      const document = parseDocument(await readConfigDisk(node.state.configDisk));
      document.setIn(['machine', 'network', 'hostname'], 'kept');
      const file = join(home.folder, 'new.yaml');
      await writeFile(file, document.toString());
      await home.succeed(['apply-config', '-f', file]);
      await truncate(node.state.systemDisk as string, 14 * GIB);
      const mark = await node.cutPower((machine) => withoutDrive(machine, 'config'));
      await node.waitForConsole(/the machine config was read from STATE; host name kept/, { after: mark });
      await node.waitForConsole(/is larger than it was: EPHEMERAL gets the rest/, { after: mark });
      await node.waitForApi(mark);
      const [, kib] = / (\d+) vda2$/m.exec((await home.succeed(['read', '/proc/partitions'])).stdout) ?? [];
      t.equal(Number(kib) * KIB, 14 * GIB - 102 * MIB);
      await node.waitForConsole(/EPHEMERAL was grown from \d+ to \d+ bytes/, { after: mark });
      const stats = await home.json<{ mountedOn: string; size: number }[]>('mounts');
      const { size = 0 } = stats.find(({ mountedOn }) => mountedOn === '/var') ?? {};
      t.ok(size > 13 * GIB && size < 14 * GIB, `${size} bytes of 14 GiB, without what ext4 needs for itself`);
      t.match(await mounts(), /^\/dev\/vda1 \/system\/state ext4/m, 'it is the first disk now');
    },
  );
});
