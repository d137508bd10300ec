/** What a reset wipes and what it refuses: disks as files, with the real block module, under a sysfs of the test's own. */
import { closeSync, mkdirSync, openSync, readFileSync, truncateSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { ControlError } from '../../../lib/control/errors.js';
import { machine } from '../../../lib/gen/machine/machine.js';
import { MachineServiceDefinition } from '../../../lib/gen/machine/service.js';
import type { Blockd } from '../../../lib/machined/blockd.js';
import { DiskWiper } from '../../../lib/machined/disk-wiper.js';
import { resetQueries } from '../../../lib/machined/queries/reset.js';
import type { DeviceTarget } from '../../../lib/native/contract.js';
import { loadNative } from '../../../lib/native/index.js';
import { blockdVia, connectedBlockd } from '../blockd/support/connected.js';
import { NO_KUBERNETES } from './no-containers.js';

const { block } = loadNative();
const MIB = 1 << 20;
const EXT4_MAGIC_AT = 0x438;

interface Disk {
  partitions?: string[];
  isReadOnly?: boolean;
  holder?: string;
}

function machineWith(
  t: Test,
  disks: Record<string, Disk>,
  mounts: { device: string; mountPoint: string }[] = [],
  blockd?: Pick<Blockd, 'wipe'>,
) {
  const folder = t.testdir({ sysfs: {}, dev: {} });
  const [sysfs, dev] = [join(folder, 'sysfs'), join(folder, 'dev')];
  let minor = 0;
  const add = (name: string, disk: Disk, isPartition: boolean) => {
    const own = join(sysfs, name);
    mkdirSync(join(own, 'holders'), { recursive: true });
    writeFileSync(join(own, 'size'), `${(4 * MIB) / 512}\n`);
    writeFileSync(join(own, 'ro'), disk.isReadOnly ? '1\n' : '0\n');
    writeFileSync(join(own, 'dev'), `254:${minor++}\n`);
    if (isPartition) writeFileSync(join(own, 'partition'), '1\n');
    if (disk.holder) mkdirSync(join(own, 'holders', disk.holder));
    writeFileSync(join(dev, name), '');
    truncateSync(join(dev, name), 4 * MIB);
    const file = openSync(join(dev, name), 'r+');
    writeSync(file, Buffer.from([0x53, 0xef]), 0, 2, EXT4_MAGIC_AT);
    writeSync(file, Buffer.alloc(4096, 0xaa), 0, 4096, 2 * MIB);
    closeSync(file);
  };
  for (const [name, disk] of Object.entries(disks)) {
    add(name, disk, false);
    for (const partition of disk.partitions ?? []) {
      add(partition, {}, true);
      mkdirSync(join(sysfs, name, partition));
    }
  }
  const log: string[] = [];
  const erased: unknown[] = [];
  const synced: string[] = [];
  // Files cannot be discarded; the rest is the real thing.
  const onFiles = {
    inspect: block.inspect,
    info: block.info,
    wipeSignatures: block.wipeSignatures,
    flush: async () => {},
    syncPartitions: async (disk: string) => {
      synced.push(disk);
      return { wasReread: true, deleted: [], grown: [], added: [] };
    },
    erase: async (device: DeviceTarget, kind: string, offset: number, length: number) => {
      erased.push([typeof device === 'string' ? device : 'what blockd was given', kind, offset, length]);
      if (disks.vdb?.holder === '') throw Object.assign(new Error('it cannot'), { code: 'EOPNOTSUPP' });
    },
  };
  const wiper = new DiskWiper({
    block: onFiles,
    blockd: blockd ?? connectedBlockd(t, onFiles),
    mounts: () => mounts,
    log: (text) => void log.push(text),
    sysfs,
    dev,
  });
  const path = (name: string) => join(dev, name);
  const magic = (name: string) => readFileSync(path(name)).readUInt16LE(EXT4_MAGIC_AT);
  return { wiper, path, magic, log, erased, synced };
}

t.test('a disk and its partitions lose what makes them look like something; others do not', async (t) => {
  const { wiper, path, magic, log, erased } = machineWith(t, { vda: {}, vdb: { partitions: ['vdb1', 'vdb2'] } });
  await wiper.wipe([path('vdb'), path('vdb')]);
  t.same([magic('vdb'), magic('vdb1'), magic('vdb2')], [0, 0, 0]);
  t.equal(magic('vda'), 0xef53);
  t.equal(log.length, 1, 'once');
  t.match(log[0], /vdb was wiped and discarded/);
  t.same(erased, [[path('vdb'), 'discard', 0, 4 * MIB]]);
  const other = machineWith(t, { vdb: { holder: '' } });
  await other.wiper.wipe([other.path('vdb')]);
  t.match(other.log[0], /cannot discard/);
});

t.test('all are looked at before any is written to', async (t) => {
  const mounts = [{ device: '254:2', mountPoint: '/var/mnt/data' }];
  const disks = { vda: {}, vdb: { partitions: ['vdb1'] }, vdc: { isReadOnly: true }, vdd: { holder: 'dm-0' } };
  const { wiper, path, magic } = machineWith(t, disks, mounts);
  const cases: [string, object][] = [
    [path('nothing'), { kind: 'NOT_FOUND', message: /no disk ".*nothing"; there are .*vda, .*vdb, .*vdd$/ }],
    ['vda', { kind: 'NOT_FOUND' }],
    [`${path('vda')}/../vda`, { kind: 'NOT_FOUND' }],
    [path('vdb1'), { kind: 'INVALID_ARGUMENT', message: /vdb1 is a partition/ }],
    [path('vdb'), { kind: 'FAILED_PRECONDITION', message: /vdb1 is in use: it is mounted at \/var\/mnt\/data/ }],
    [path('vdc'), { kind: 'FAILED_PRECONDITION', message: /vdc is read-only/ }],
    [path('vdd'), { kind: 'FAILED_PRECONDITION', message: /vdd is in use: dm-0 is made of it/ }],
  ];
  for (const [bad, expected] of cases) {
    const error = await wiper.wipe([path('vda'), bad]).catch((found) => found);
    t.match(error, expected, bad);
  }
  t.equal(magic('vda'), 0xef53, 'the good one was not touched');
  await wiper.check([path('vda')]);
  t.equal(magic('vda'), 0xef53);
});

t.test('disks and partitions that nothing uses are wiped by name', async (t) => {
  const mounts = [{ device: '254:1', mountPoint: '/var' }];
  const disks = { vda: { partitions: ['vda1', 'vda2'] }, vdb: { partitions: ['vdb1'] }, vdc: {} };
  const { wiper, path, magic, log, erased, synced } = machineWith(t, disks, mounts);
  await wiper.wipeDevices([
    { name: 'vda2', method: 'FAST' },
    { name: 'vdb', method: 'ZEROES' },
  ]);
  t.same([magic('vda'), magic('vda1'), magic('vda2'), magic('vdb'), magic('vdb1')], [0xef53, 0xef53, 0, 0, 0]);
  t.same(erased, [['what blockd was given', 'zero', 0, 4 * MIB]]);
  t.same(synced, [path('vdb')], 'the kernel forgets its partitions');
  t.match(log, [/vda2 was wiped: its signatures/, /vdb was wiped: all of it is zeros/]);
  for (const name of ['vda', 'vda1']) {
    const both = [
      { name: 'vdc', method: 'FAST' as const },
      { name, method: 'FAST' as const },
    ];
    const why = { kind: 'FAILED_PRECONDITION', message: /vda1 is in use: it is mounted at \/var/ };
    await t.rejects(wiper.wipeDevices(both), why);
    t.equal(magic('vdc'), 0xef53, 'all are looked at first');
  }
  for (const name of ['', 'nothing', '../vda', '/dev/vda']) {
    const error: unknown = await wiper.wipeDevices([{ name, method: 'FAST' }]).catch((thrown) => thrown);
    t.match(error, { kind: 'NOT_FOUND' });
  }
});

t.test('without blockd nothing is wiped while the node runs; a reset does not need it', async (t) => {
  const blockd = blockdVia(() => {
    throw new ControlError('UNAVAILABLE', 'blockd does not run');
  });
  const { wiper, path, magic, log } = machineWith(t, { vdb: { partitions: ['vdb1'] } }, [], blockd);
  const wiping = wiper.wipeDevices([{ name: 'vdb', method: 'FAST' }]);
  const message = /vdb was not wiped: blockd, which works on disks, does not run$/;
  t.match(await wiping.catch((error) => error), { kind: 'UNAVAILABLE', message });
  t.same([magic('vdb'), magic('vdb1'), log], [0xef53, 0xef53, []]);
  await wiper.wipe([path('vdb')]);
  t.same([magic('vdb'), magic('vdb1')], [0, 0]);
});

t.test('what a reset may ask for', async (t) => {
  const checked: string[][] = [];
  const disks = {
    check: async (paths: readonly string[]) => void checked.push([...paths]),
    wipeDevices: async () => {},
  };
  const partitions: string[][] = [];
  const volumes = {
    checkWipe: async (labels: readonly string[]) => {
      if (labels.includes('META')) throw new ControlError('NOT_FOUND', 'no system partition "META"');
      partitions.push([...labels]);
    },
  };
  let left = 0;
  const kubernetes = { ...NO_KUBERNETES, leave: async () => void left++ };
  const answer = resetQueries({ disks, volumes, kubernetes })[MachineServiceDefinition.Reset.path];
  const ask = (request: machine.ResetRequest.$Properties) =>
    answer?.(machine.ResetRequest.encode(request).finish(), { caller: '', signal: new AbortController().signal });
  const { WipeMode } = machine.ResetRequest;
  await ask({ graceful: true });
  await ask({ userDisksToWipe: ['/dev/vdb'] });
  await ask({ userDisksToWipe: ['/dev/vdb'], mode: WipeMode.USER_DISKS });
  t.same(checked, [[], ['/dev/vdb'], ['/dev/vdb']]);
  const label = [{ label: 'STATE', wipe: true }];
  await ask({ systemPartitionsToWipe: [...label, { label: 'EPHEMERAL', wipe: false }], mode: WipeMode.SYSTEM_DISK });
  t.same(partitions.at(-1), ['STATE'], 'only those that are to be wiped');
  t.equal(left, 1, 'the one that was graceful and took all with it has left the cluster');
  await ask({ graceful: true, systemPartitionsToWipe: [{ label: 'EPHEMERAL', wipe: true }] });
  t.equal(left, 2, "the node's membership is on EPHEMERAL");
  await ask({ graceful: true, systemPartitionsToWipe: label });
  await ask({ graceful: true, userDisksToWipe: ['/dev/vdb'], mode: WipeMode.USER_DISKS });
  t.equal(left, 2, 'which the others leave alone');
  const refused: [machine.ResetRequest.$Properties, { kind: string; message: RegExp }][] = [
    [{ systemPartitionsToWipe: [{ label: 'META', wipe: true }] }, { kind: 'NOT_FOUND', message: /"META"/ }],
    [
      { userDisksToWipe: ['/dev/vdb'], mode: WipeMode.SYSTEM_DISK },
      { kind: 'INVALID_ARGUMENT', message: /goes with no user/ },
    ],
    [
      { systemPartitionsToWipe: label, mode: WipeMode.USER_DISKS },
      { kind: 'INVALID_ARGUMENT', message: /no system partitions/ },
    ],
    [{ mode: WipeMode.USER_DISKS }, { kind: 'INVALID_ARGUMENT', message: /needs the names/ }],
    [{ mode: 3 as machine.ResetRequest.WipeMode }, { kind: 'INVALID_ARGUMENT', message: /no wipe mode 3/ }],
  ];
  for (const [request, expected] of refused) await t.rejects(async () => void (await ask(request)), expected);
});
