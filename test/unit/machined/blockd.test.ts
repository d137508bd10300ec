/** machined and blockd over a real connection: the call Disks of the API, with blockd and without. */
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { ControlError } from '../../../lib/control/errors.js';
import { storage } from '../../../lib/gen/machine/machine.js';
import { StorageServiceDefinition as api } from '../../../lib/gen/machine/service.js';
import type { Blockd } from '../../../lib/machined/blockd.js';
import { storageQueries } from '../../../lib/machined/queries/storage.js';
import { loadNative } from '../../../lib/native/index.js';
import { blockdVia, connectedBlockd } from '../blockd/support/connected.js';

const native = loadNative();

/** A /sys with so many disks. */
function sysfs(t: Test, count: number, suffix = ''): string {
  const folder = t.testdir({ block: {}, devices: {} });
  for (let number = 0; number < count; number++) {
    const name = `disk${number}${suffix}`;
    const device = join('devices', 'pci0000:00', `virtio${number}`, 'block', name);
    mkdirSync(join(folder, device), { recursive: true });
    writeFileSync(join(folder, device, 'size'), '4096\n');
    writeFileSync(join(folder, device, 'dev'), `254:${number}\n`);
    symlinkSync(join('..', device), join(folder, 'block', name));
  }
  return folder;
}

async function disks(blockd: Pick<Blockd, 'listDisks'>, log: string[] = []): Promise<storage.IDisk[]> {
  const sources = { native, blockd, disks: {}, log: (text: string) => void log.push(text) } as never;
  const answer = storageQueries(sources)[api.Disks.path];
  if (!answer) throw new Error('no such query');
  const encoded = await answer(new Uint8Array(), { caller: '', signal: new AbortController().signal });
  return storage.Disks.decode(encoded).disks;
}

t.test('blockd lists the disks, and is told which the node lives on', async (t) => {
  const blockd = connectedBlockd(t, native.block, sysfs(t, 2));
  t.match(await blockd.listDisks(['254:1']), [
    { name: 'disk0', size: 2_097_152, deviceName: '/dev/disk0', busPath: '/pci0000:00/virtio0', systemDisk: false },
    { name: 'disk1', systemDisk: true },
  ]);
  t.match(await disks(blockd), [{ name: 'disk0', type: storage.Disk.DiskType.SSD }, { name: 'disk1' }]);
});

t.test('it is answered without blockd, and when there are more than fit its answer', async (t) => {
  const log: string[] = [];
  const absent = blockdVia(() => {
    throw new ControlError('NOT_FOUND', 'no service "blockd"');
  });
  const here = await disks(absent, log);
  t.same(log, [], 'that is how a node begins');
  const many = connectedBlockd(t, native.block, sysfs(t, 300, 'x'.repeat(120)));
  t.same(await disks(many, log), here);
  t.match(log, [/^blockd did not list the disks: /]);
  const other = { listDisks: async () => Promise.reject(new TypeError('a fault of ours')) };
  await t.rejects(disks(other), { message: 'a fault of ours' });
});

t.test('one that has gone is asked for anew', async (t) => {
  let introduced = 0;
  const blockd = blockdVia((end) => {
    introduced++;
    const onMessage = () => channel.close();
    const channel = native.channel.open(end, { maxMessageBytes: 65_536 }, { onMessage, onClose: () => {} });
  });
  for (const expected of [1, 2]) {
    t.match(await blockd.listDisks([]).catch((error) => error), { kind: 'UNAVAILABLE' });
    t.equal(introduced, expected);
  }
});

t.test('devices that are named twice, or with the disk that they are on', async (t) => {
  const { FAST, ZEROES } = storage.BlockDeviceWipeDescriptor.Method;
  const asked: unknown[] = [];
  const disks = { wipeDevices: async (wanted: readonly unknown[]) => void asked.push(...wanted) };
  const sources = { disks, log: () => {} } as unknown as Parameters<typeof storageQueries>[0];
  const answer = storageQueries(sources)[api.BlockDeviceWipe.path];
  const devices = [
    { device: 'vdb', method: FAST },
    { device: 'vdb1', method: ZEROES },
    { device: '/dev/vdb1', method: FAST },
  ];
  const request = storage.BlockDeviceWipeRequest.encode({ devices }).finish();
  await answer?.(request, { caller: 'somebody', signal: new AbortController().signal });
  t.same(asked, [
    { name: 'vdb1', method: 'ZEROES' },
    { name: 'vdb', method: 'FAST' },
  ]);
});
