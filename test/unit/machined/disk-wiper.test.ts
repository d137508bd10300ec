/** What a reset wipes and what it refuses: disks as files, with the real block module, under a sysfs of the test's own. */
import { closeSync, mkdirSync, openSync, readFileSync, truncateSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { machine } from '../../../lib/gen/machine/machine.js';
import { MachineServiceDefinition } from '../../../lib/gen/machine/service.js';
import { DiskWiper } from '../../../lib/machined/disk-wiper.js';
import { resetQueries } from '../../../lib/machined/queries/reset.js';
import { loadNative } from '../../../lib/native/index.js';

const { block } = loadNative();
const MIB = 1 << 20;
const EXT4_MAGIC_AT = 0x438;

interface Disk {
  partitions?: string[];
  isReadOnly?: boolean;
  holder?: string;
}

function machineWith(t: Test, disks: Record<string, Disk>, mounts: { device: string; mountPoint: string }[] = []) {
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
  // Files cannot be discarded; the rest is the real thing.
  const onFiles = {
    inspect: block.inspect,
    wipeSignatures: block.wipeSignatures,
    flush: async () => {},
    erase: async (path: string, kind: string, offset: number, length: number) => {
      erased.push([path, kind, offset, length]);
      if (disks.vdb?.holder === '') throw Object.assign(new Error('it cannot'), { code: 'EOPNOTSUPP' });
    },
  };
  const wiper = new DiskWiper({ block: onFiles, mounts: () => mounts, log: (text) => void log.push(text), sysfs, dev });
  const path = (name: string) => join(dev, name);
  const magic = (name: string) => readFileSync(path(name)).readUInt16LE(EXT4_MAGIC_AT);
  return { wiper, path, magic, log, erased };
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

t.test('what a reset may ask for', async (t) => {
  const checked: string[][] = [];
  const disks = { check: async (paths: readonly string[]) => void checked.push([...paths]) };
  const answer = resetQueries({ disks })[MachineServiceDefinition.Reset.path];
  const ask = (request: machine.ResetRequest.$Properties) =>
    answer?.(machine.ResetRequest.encode(request).finish(), { caller: '', signal: new AbortController().signal });
  const { WipeMode } = machine.ResetRequest;
  await ask({ graceful: true });
  await ask({ userDisksToWipe: ['/dev/vdb'] });
  await ask({ userDisksToWipe: ['/dev/vdb'], mode: WipeMode.USER_DISKS });
  t.same(checked, [[], ['/dev/vdb'], ['/dev/vdb']]);
  const label = [{ label: 'STATE', wipe: true }];
  const refused: [machine.ResetRequest.$Properties, object][] = [
    [{ systemPartitionsToWipe: label }, { kind: 'NOT_FOUND', message: /no system partition "STATE"/ }],
    [{ userDisksToWipe: ['/dev/vdb'], mode: WipeMode.SYSTEM_DISK }, { kind: 'INVALID_ARGUMENT' }],
    [{ systemPartitionsToWipe: label, mode: WipeMode.USER_DISKS }, { kind: 'INVALID_ARGUMENT' }],
    [{ mode: WipeMode.USER_DISKS }, { kind: 'INVALID_ARGUMENT' }],
  ];
  for (const [request, expected] of refused) t.match(await ask(request)?.catch((error) => error), expected);
});
