/** STATE and EPHEMERAL on real block devices: made, found again, mended, grown, and left alone. */
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  readSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { GIB, MIB } from '../../../../lib/base/units.js';
import { followDisk } from '../../../../lib/machined/volumes/index.js';
import { EPHEMERAL, STATE } from '../../../../lib/machined/volumes/layout.js';
import { filesystemPrograms } from '../../../../lib/machined/volumes/programs.js';
import { loadNative } from '../../../../lib/native/index.js';
import { inNamespaces } from '../../../native/in-namespaces.js';
import { Machine, put, run } from './disk.js';

const { block, netlink } = loadNative();

/** The places where anything would be that somebody had written. */
function ends(file: string): string {
  const { size } = statSync(file);
  const bytes = Buffer.alloc(4 * MIB);
  const fd = openSync(file, 'r');
  readSync(fd, bytes, 0, 2 * MIB, 0);
  readSync(fd, bytes, 2 * MIB, 2 * MIB, size - 2 * MIB);
  closeSync(fd);
  return bytes.toString('latin1');
}

if (inNamespaces(import.meta.url, ['--mount'])) {
  t.test('an empty disk is taken, and found again at the next boot', async (t) => {
    const machine = new Machine(t);
    const { path } = machine.plug();
    const first = machine.boot();
    await first.openState();
    t.equal(first.statePath, undefined);
    t.same(await first.finish(), { STATE: path, EPHEMERAL: path });
    t.same(machine.said, [`STATE and EPHEMERAL were made on ${path}`]);
    t.same(
      (await block.readGpt(path))?.partitions.map(({ name, attributes, sizeBytes }) => [name, attributes, sizeBytes]),
      [
        ['STATE', 0n, 100 * MIB],
        ['EPHEMERAL', 0n, GIB - 102 * MIB],
      ],
    );
    for (const { id, flags } of [STATE, EPHEMERAL]) {
      const options = machine.mounted(id)?.options ?? '';
      for (const flag of ['nosuid', 'nodev', 'noexec'] as const)
        t.equal(options.includes(flag), flags.includes(flag), `${id} ${flag}`);
    }
    t.equal(statSync(machine.mountPoints.STATE).mode & 0o777, 0o700);
    writeFileSync(join(machine.mountPoints.STATE, 'kept'), 'state');
    writeFileSync(join(machine.mountPoints.EPHEMERAL, 'kept'), 'ephemeral');

    t.same(await machine.boot().finish(), { STATE: path, EPHEMERAL: path }, 'a machined that was started again');
    machine.powerOff();
    const second = machine.boot();
    await second.openState();
    t.equal(second.statePath, machine.mountPoints.STATE, 'STATE is there before anything else');
    t.equal(readFileSync(join(machine.mountPoints.STATE, 'kept'), 'utf8'), 'state');
    t.equal(machine.mounted('EPHEMERAL'), undefined);
    t.same(await second.finish(), { STATE: path, EPHEMERAL: path });
    t.equal(readFileSync(join(machine.mountPoints.EPHEMERAL, 'kept'), 'utf8'), 'ephemeral');
    t.equal(machine.said.length, 1, 'nothing was made or mended');
    t.same(machine.problems, []);
  });

  t.test('the end may come after every step of the making', async (t) => {
    const machine = new Machine(t);
    const { path, file } = machine.plug();
    let steps = Number.POSITIVE_INFINITY;
    let isWhole = false;
    for (let end = 0; !isWhole; end++) {
      // A new disk each time.
      machine.powerOff();
      truncateSync(file, 0);
      truncateSync(file, GIB);
      run('losetup', '--set-capacity', path);
      run('blockdev', '--flushbufs', path);
      steps = end;
      const dying = <T extends object>(target: T): T =>
        new Proxy(target, {
          get: (object, name) => {
            const call: unknown = Reflect.get(object, name);
            // A promise asks whether it is one, too.
            if (typeof call !== 'function' || name === 'inspect' || name === 'readGpt') return call;
            return (...words: unknown[]) => {
              if (steps-- <= 0) throw new Error('the power is gone');
              return Reflect.apply(call, object, words);
            };
          },
        });
      const report = await machine
        .boot({ block: dying(block), programs: async () => dying(filesystemPrograms) })
        .finish();
      isWhole = report.STATE !== undefined && report.EPHEMERAL !== undefined;
      machine.powerOff();
      const next = machine.boot();
      await next.openState();
      t.equal(next.statePath !== undefined, isWhole, `nothing is taken for whole after ${end} steps`);
      t.same(await next.finish(), { STATE: path, EPHEMERAL: path }, `the boot after ${end} steps`);
      if (isWhole) t.equal(end, 7, 'table, kernel, two file systems with their flushes, table');
    }
  });

  t.test('a disk with anything on it is left alone', async (t) => {
    const cases: [what: string, offset: number, bytes: string | Buffer][] = [
      ['a boot sector', 510, Buffer.from([0x55, 0xaa])],
      ['ext4', 1080, Buffer.from([0x53, 0xef])],
      ['xfs', 0, 'XFSB'],
      ['btrfs', 0x10040, '_BHRfS_M'],
      ['LUKS', 0, Buffer.concat([Buffer.from('LUKS'), Buffer.from([0xba, 0xbe])])],
      ['LVM', 512, Buffer.concat([Buffer.from('LABELONE'), Buffer.alloc(16), Buffer.from('LVM2 001')])],
      ['swap', 4086, 'SWAPSPACE2'],
      ['squashfs', 0, 'hsqs'],
      ['erofs', 1024, Buffer.from([0xe2, 0xe1, 0xf5, 0xe0])],
      ['a table at the end only', GIB - 512, 'EFI PART'],
    ];
    for (const [what, offset, bytes] of cases) {
      const machine = new Machine(t);
      const { path, file } = machine.plug(GIB, (image) => put(image, offset, bytes));
      const before = ends(file);
      const volumes = machine.boot();
      await volumes.openState();
      t.same(await volumes.finish(), { STATE: undefined, EPHEMERAL: undefined }, what);
      run('blockdev', '--flushbufs', path);
      t.ok(ends(file) === before, 'not a byte was written');
      t.match(machine.said, [/^STATE and EPHEMERAL are in memory: there is no empty disk$/]);
      t.same(machine.problems, []);
    }
    const machine = new Machine(t);
    const { path, file } = machine.plug(GIB, (image) => {
      run('sgdisk', '-n', '1:0:+100M', '-c', '1:STATE', '-n', '2:0:0', '-c', '2:EPHEMERAL', image);
    });
    const before = ends(file);
    t.same(
      await machine.boot().finish(),
      { STATE: undefined, EPHEMERAL: undefined },
      'the names of ours, not the types',
    );
    run('blockdev', '--flushbufs', path);
    t.ok(ends(file) === before);
  });

  t.test('nor one that is too small, or read-only, or one of several', async (t) => {
    const machine = new Machine(t);
    machine.plug(GIB - MIB);
    machine.plug(GIB, () => {}, '--read-only');
    t.match(await machine.boot().finish(), { STATE: undefined });
    machine.plug();
    machine.plug();
    t.match(await machine.boot().finish(), { STATE: undefined });
    t.match(machine.said, [/there is no empty disk$/, /several empty disks \(\/dev\/loop\d+, \/dev\/loop\d+\)/]);
  });

  t.test('EPHEMERAL grows with the disk', async (t) => {
    const machine = new Machine(t);
    const { path, file } = machine.plug();
    await machine.boot().finish();
    writeFileSync(join(machine.mountPoints.STATE, 'kept'), 'state');
    writeFileSync(join(machine.mountPoints.EPHEMERAL, 'kept'), 'ephemeral');
    machine.powerOff();
    truncateSync(file, 3 * GIB);
    run('losetup', '--set-capacity', path);
    // A host may keep CAP_SYS_RESOURCE from its root, without which no file system grows: test/in-guest/grow.test.ts has the real one.
    const growing = { ...block, growExt4: async () => ({ deviceBytes: 3 * GIB, fromBytes: GIB, toBytes: 3 * GIB }) };
    const volumes = machine.boot({ block: growing });
    await volumes.openState();
    t.equal(readFileSync(join(machine.mountPoints.STATE, 'kept'), 'utf8'), 'state');
    await volumes.finish();
    t.match((await block.readGpt(path))?.partitions[1], { sizeBytes: 3 * GIB - 102 * MIB });
    t.equal(readFileSync(join(machine.mountPoints.EPHEMERAL, 'kept'), 'utf8'), 'ephemeral');
    t.match(machine.said.slice(1), [
      /is larger than it was: EPHEMERAL gets the rest/,
      `EPHEMERAL was grown from ${GIB} to ${3 * GIB} bytes`,
    ]);
    t.same(machine.problems, []);
    t.match(run('sgdisk', '--verify', path), /No problems found/);
    const refusing = { ...block, growExt4: async () => Promise.reject(new Error('it has found faults in itself')) };
    t.same(
      await machine.boot({ block: refusing }).finish(),
      { STATE: path, EPHEMERAL: path },
      'a refusal costs nothing else',
    );
    t.same(machine.problems, ['EPHEMERAL has less than its disk has for it: it has found faults in itself']);
  });

  t.test('EPHEMERAL follows a disk that becomes larger while both are used', async (t) => {
    const machine = new Machine(t);
    const { path, file } = machine.plug();
    const growing = { ...block, growExt4: async () => ({ deviceBytes: 3 * GIB, fromBytes: GIB, toBytes: 3 * GIB }) };
    const volumes = machine.boot({ block: growing });
    await volumes.grow();
    await volumes.finish();
    t.equal(`/dev/${volumes.diskName}`, path);
    let wake = () => {};
    const grown = new Promise<void>((resolve) => {
      wake = resolve;
    });
    const follower = followDisk(netlink, {
      get diskName() {
        return volumes.diskName;
      },
      grow: async () => {
        await volumes.grow();
        if (machine.said.length > 1) wake();
      },
    });
    t.teardown(() => follower.close());
    await volumes.grow();
    t.equal(machine.said.length, 1, 'there is nothing to grow into');
    writeFileSync(join(machine.mountPoints.EPHEMERAL, 'kept'), 'ephemeral');
    truncateSync(file, 3 * GIB);
    run('losetup', '--set-capacity', path);
    await grown;
    t.match(machine.said.slice(1), [/has become larger: EPHEMERAL gets the rest/, /^EPHEMERAL was grown from/]);
    t.match((await block.readGpt(path))?.partitions[1], { sizeBytes: 3 * GIB - 102 * MIB });
    t.match(await block.info(`${path}p2`), { sizeBytes: 3 * GIB - 102 * MIB }, 'and the kernel knows');
    t.match(run('sgdisk', '--verify', path), /No problems found/);
    t.equal(readFileSync(join(machine.mountPoints.EPHEMERAL, 'kept'), 'utf8'), 'ephemeral');
    t.ok(machine.mounted('STATE') && machine.mounted('EPHEMERAL'), 'as they were');
    t.same(machine.problems, []);
    machine.powerOff();
    await machine.boot().openState();
    t.equal(machine.said.length, 3, 'the next boot has nothing to do');
  });

  t.test('a table with one good copy is mended', async (t) => {
    const machine = new Machine(t);
    const { path } = machine.plug();
    await machine.boot().finish();
    machine.powerOff();
    put(path, 512 + 16, 'damage');
    run('blockdev', '--flushbufs', path);
    const volumes = machine.boot();
    await volumes.openState();
    t.equal(volumes.statePath, machine.mountPoints.STATE);
    t.match(machine.said.at(-1), /: primary table: wrong checksum .*; mended$/);
    t.match(await block.readGpt(path), { source: 'primary', problems: [] });
  });

  t.test('a file system that is damaged is said to be, and kept for whoever can mend it', async (t) => {
    for (const [number, broken, whole] of [
      [1, 'STATE', 'EPHEMERAL'],
      [2, 'EPHEMERAL', 'STATE'],
    ] as const) {
      const machine = new Machine(t);
      const { path } = machine.plug();
      await machine.boot().finish();
      const device = `${path}p${number}`;
      run('umount', machine.mountPoints[broken]);
      put(device, 1024, Buffer.alloc(1024, 0xff));
      run('blockdev', '--flushbufs', device);
      machine.powerOff();
      const volumes = machine.boot();
      const problem = await volumes.openState();
      if (broken === 'STATE') t.match(problem, /^E[A-Z]+: /, 'not as if there were no STATE');
      else t.equal(problem, undefined);
      t.equal(await volumes.openState(), problem, 'each time');
      const report = await volumes.finish();
      t.equal(report[broken], undefined);
      t.equal(report[whole], path, 'the other one is used');
      t.match(machine.problems, [new RegExp(`^${broken} cannot be used.*: E[A-Z]+: `)], 'it is told once');
      const bytes = Buffer.alloc(1024);
      const fd = openSync(device, 'r');
      readSync(fd, bytes, 0, 1024, 1024);
      closeSync(fd);
      t.ok(
        bytes.every((byte) => byte === 0xff),
        'nobody has made it anew',
      );
      t.notOk(existsSync(join(machine.mountPoints[broken], 'lost+found')));
    }
  });

  t.test('what is wiped is made anew at the next boot, whenever that comes', async (t) => {
    const machine = new Machine(t);
    const { path } = machine.plug();
    await machine.boot().finish();
    const before = await block.readGpt(path);
    const keep = () => {
      writeFileSync(join(machine.mountPoints.STATE, 'kept'), 'state');
      writeFileSync(join(machine.mountPoints.EPHEMERAL, 'kept'), 'ephemeral');
    };
    const isKept = (id: 'STATE' | 'EPHEMERAL') => existsSync(join(machine.mountPoints[id], 'kept'));
    const wiped = async (labels: string[], change: Parameters<Machine['boot']>[0] = {}) => {
      keep();
      const running = machine.boot(change);
      await running.openState();
      await running.checkWipe(labels);
      const error = await running.wipe(labels).catch((thrown: Error) => thrown);
      machine.powerOff();
      const next = machine.boot();
      await next.openState();
      t.same(await next.finish(), { STATE: path, EPHEMERAL: path });
      return error;
    };
    // As Kubernetes has it: a folder of it that is seen elsewhere, and what is mounted below.
    const elsewhere = join(machine.mountPoints.STATE, '..', 'kubernetes');
    mkdirSync(elsewhere, { recursive: true });
    mkdirSync(join(machine.mountPoints.EPHEMERAL, 'pods'));
    run('mount', '--bind', machine.mountPoints.EPHEMERAL, elsewhere);
    run('mount', '-t', 'tmpfs', 'secret', join(elsewhere, 'pods'));
    await wiped(['EPHEMERAL']);
    t.same([isKept('STATE'), isKept('EPHEMERAL')], [true, false]);
    t.notOk(existsSync(join(elsewhere, 'pods')), 'nothing of it is mounted elsewhere');
    await wiped(['STATE', 'EPHEMERAL']);
    t.same([isKept('STATE'), isKept('EPHEMERAL')], [false, false]);
    const dying = { ...block, wipeSignatures: async () => Promise.reject(new Error('the power is gone')) };
    t.match(await wiped(['STATE'], { block: dying }), {
      kind: 'FAILED_PRECONDITION',
      message: /STATE of .*: the power is gone/,
    });
    t.same([isKept('STATE'), isKept('EPHEMERAL')], [false, true], 'marked is as good as wiped');
    t.same(await block.readGpt(path), before, 'the table is the same after all');
    const error: unknown = await machine
      .boot()
      .checkWipe(['META'])
      .catch((thrown) => thrown);
    t.match(error, { kind: 'NOT_FOUND', message: /"META"; there are STATE and EPHEMERAL/ });
    const none = new Machine(t);
    t.match(
      await none
        .boot()
        .checkWipe(['STATE'])
        .catch((thrown) => thrown),
      { kind: 'NOT_FOUND' },
    );
    await none.boot().wipe(['STATE', 'EPHEMERAL']);
  });

  t.test('two disks of ours are one too many', async (t) => {
    const machine = new Machine(t);
    const { file } = machine.plug();
    await machine.boot().finish();
    machine.powerOff();
    machine.plug(GIB, (image) => run('cp', '--sparse=always', file, image));
    const volumes = machine.boot();
    await volumes.openState();
    t.same(await volumes.finish(), { STATE: undefined, EPHEMERAL: undefined });
    t.match(machine.problems[0], /several disks have STATE and EPHEMERAL \(.*\), one is allowed/);
  });
}
