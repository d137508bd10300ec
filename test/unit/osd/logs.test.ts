import { status } from '@grpc/grpc-js';
import t from 'tap';
import { KIB, MIB } from '../../../lib/base/units.js';
import { ControlError } from '../../../lib/control/errors.js';
import { common, machine } from '../../../lib/gen/machine/machine.js';
import { metadataField, SLAB_BYTES, Slab, serializeData } from '../../../lib/osd/data-message.js';
import { SlabPool } from '../../../lib/osd/slab-pool.js';
import { StreamSlots } from '../../../lib/osd/stream-slots.js';
import { FakeDescriptor } from './support/fake-init.js';
import { FakeRing } from './support/fake-ring.js';
import { Rig, rejection, until } from './support/rig.js';

const text = (items: common.Data[]) => items.map((item) => Buffer.from(item.bytes).toString()).join('');
const SYSTEM = { namespace: 'system', id: 'osd' };

t.test('a slab is an encoded message of any length', async (t) => {
  const metadata = metadataField('node-1');
  const slab = new Slab(metadata, 20_000);
  for (const length of [0, 1, 127, 128, 16_383, 16_384, 20_000]) {
    slab.payload.fill(length & 0xff);
    const message = slab.message(length);
    const decoded = common.Data.decode(message);
    t.equal(decoded.metadata?.hostname, 'node-1');
    t.strictSame(Buffer.from(decoded.bytes), Buffer.alloc(length, length & 0xff), `${length} bytes`);
    const encoded = common.Data.encode({
      metadata: { hostname: 'node-1' },
      bytes: Buffer.alloc(length, length & 0xff),
    }).finish();
    if (length > 0) t.equal(Buffer.compare(message, encoded), 0, 'the bytes that protobuf makes');
    t.equal(serializeData(message), message, 'passed through');
  }
});

t.test('the pool gives slabs back, but not those of an old name', async (t) => {
  const pool = new SlabPool(metadataField('old'));
  const slab = pool.take();
  t.equal(slab.payload.length, SLAB_BYTES);
  pool.give(slab);
  t.equal(pool.take(), slab);
  pool.setMetadata(metadataField('new'));
  pool.give(slab);
  t.not(pool.take(), slab);
});

t.test('stream slots', async (t) => {
  const slots = new StreamSlots(3, 2);
  const release = slots.take('a');
  slots.take('a');
  t.throws(() => slots.take('a'), { code: status.RESOURCE_EXHAUSTED });
  slots.take('b');
  t.throws(() => slots.take('c'), { code: status.RESOURCE_EXHAUSTED });
  release();
  release();
  t.equal(slots.used, 2, 'a slot is given back once');
  slots.take('c');
});

t.test('what is there, and the end of it', async (t) => {
  const ring = new FakeRing();
  ring.write('one', 'two', 'three');
  const rig = await Rig.start({ ring: ring.module });
  t.teardown(() => rig.stop());
  const client = await rig.clientWith(['os:reader']);
  const all = await client.collect('Logs', { ...SYSTEM, tailLines: -1 });
  t.equal(text(all), 'one\ntwo\nthree\n');
  t.equal(all[0]?.metadata?.hostname, 'node-1');
  t.equal(text(await client.collect('Logs', { ...SYSTEM, tailLines: 2 })), 'two\nthree\n', 'a tail');
  t.equal(text(await client.collect('Logs', { ...SYSTEM, tailLines: 0 })), '', 'a tail of nothing');
  t.equal(text(await client.collect('Logs', { id: 'osd', tailLines: 1 })), 'three\n', 'no namespace means system');
  t.equal(ring.readers.size, 0, 'readers are closed');
  t.equal(rig.server.context.streams.used, 0);
  t.strictSame(rig.init.bodies('closeLog'), [], 'there was nothing to end at init');
});

t.test('a log that grows while it is read ends where it was at the call', async (t) => {
  const ring = new FakeRing();
  ring.write('one', 'two', 'three');
  // As osd's own log does: each call is a line of it.
  ring.beforeRead = () => ring.write('later');
  const rig = await Rig.start({ ring: ring.module });
  t.teardown(() => rig.stop());
  const client = await rig.clientWith(['os:reader']);
  t.equal(text(await client.collect('Logs', { ...SYSTEM, tailLines: 2 })), 'two\nthree\n');
  t.equal(text(await client.collect('Logs', { ...SYSTEM, tailLines: 0 })), '');
});

t.test('a long log comes in slabs, whole', async (t) => {
  const ring = new FakeRing();
  const lines = Array.from({ length: 20_000 }, (_, at) => `line ${at} ${'.'.repeat(at % 100)}`);
  ring.write(...lines);
  const rig = await Rig.start({ ring: ring.module });
  t.teardown(() => rig.stop());
  const client = await rig.clientWith(['os:reader']);
  const items = await client.collect('Logs', { ...SYSTEM, tailLines: -1 });
  t.ok(text(items) === `${lines.join('\n')}\n`, 'every line');
  t.ok(items.length < 20, `${items.length} messages`);
});

t.test('following', async (t) => {
  const ring = new FakeRing();
  ring.write('before');
  const rig = await Rig.start({ ring: ring.module });
  t.teardown(() => rig.stop());
  const client = await rig.clientWith(['os:reader']);
  const call = client.stream('Logs', { ...SYSTEM, follow: true, tailLines: -1 });
  call.on('error', () => {});
  let seen = '';
  call.on('data', (item: common.Data) => {
    seen += Buffer.from(item.bytes).toString();
  });
  await until(() => seen === 'before\n', 'the old line came');
  const startedMs = performance.now();
  ring.write('after');
  await until(() => seen === 'before\nafter\n', 'the new line came');
  t.ok(performance.now() - startedMs < 1000, 'soon');
  t.equal(ring.readers.size, 1);
  call.cancel();
  await until(() => ring.readers.size === 0, 'the reader is closed');
  await until(() => rig.init.bodies('closeLog').length === 1, 'init was told');
  t.strictSame(rig.init.bodies('closeLog'), [{ subscription: 7 }]);
  t.equal(rig.server.context.streams.used, 0);
  await until(
    () => rig.lines.some((line) => line.startsWith('CANCELLED /machine.MachineService/Logs')),
    'a line in the log',
  );
});

t.test('a hundred logs at once: init is asked for a few at a time, and none is left open', async (t) => {
  const ring = new FakeRing();
  ring.write('one');
  const rig = await Rig.start({ ring: ring.module });
  t.teardown(() => rig.stop());
  const client = await rig.clientWith(['os:reader']);
  let [running, most] = [0, 0];
  const slowly = async <Reply>(reply: Reply): Promise<Reply> => {
    running += 1;
    most = Math.max(most, running);
    await new Promise((resolve) => setTimeout(resolve, 5));
    running -= 1;
    return reply;
  };
  const descriptors = () => [new FakeDescriptor(), new FakeDescriptor()];
  rig.init.answers.openLog = async () => await slowly({ body: { subscription: 7 }, descriptors: descriptors() });
  rig.init.answers.closeLog = () => slowly({});
  const calls = Array.from({ length: 100 }, () => client.stream('Logs', { ...SYSTEM, follow: true, tailLines: -1 }));
  let came = 0;
  const count = () => {
    came += 1;
  };
  for (const call of calls) call.on('error', () => {}).on('data', count);
  await until(() => came === 100, 'all of them are there');
  for (const call of calls) call.cancel();
  await until(() => rig.init.bodies('closeLog').length === 100, 'all of them are closed');
  t.ok(most <= 48, `${most} requests at once`);
});

t.test('a client that follows a quiet log knows that it was let in', async (t) => {
  const ring = new FakeRing();
  const rig = await Rig.start({ ring: ring.module });
  t.teardown(() => rig.stop());
  const client = await rig.clientWith(['os:reader']);
  const call = client.stream('Logs', { ...SYSTEM, follow: true });
  call.on('error', () => {});
  await new Promise((resolve) => call.once('metadata', resolve));
  t.pass('headers came without a line');
  call.cancel();
});

t.test('a client that is gone leaves nothing behind', async (t) => {
  const ring = new FakeRing();
  const rig = await Rig.start({ ring: ring.module });
  t.teardown(() => rig.stop());
  for (let round = 0; round < 20; round += 1) {
    const client = await rig.clientWith(['os:reader']);
    const calls = [1, 2, 3].map(() => client.stream('Logs', { ...SYSTEM, follow: true }));
    for (const call of calls) call.on('error', () => {}).on('data', () => {});
    if (round % 2 === 0) await until(() => ring.readers.size === 3, 'all three follow');
    client.grpc.close();
    for (const call of calls) call.cancel();
    await until(() => ring.readers.size === 0 && rig.server.context.streams.used === 0, 'all is given back');
  }
  t.equal(rig.init.bodies('closeLog').length, rig.init.bodies('openLog').filter((body) => body.follow).length);
  t.ok(ring.opened >= 30, `${ring.opened} readers`);
});

t.test('a slow client holds little, and learns what it missed', async (t) => {
  const ring = new FakeRing(2000);
  const rig = await Rig.start({ ring: ring.module });
  t.teardown(() => rig.stop());
  const client = await rig.clientWith(['os:reader']);
  const call = client.stream('Logs', { ...SYSTEM, follow: true, tailLines: -1 });
  call.on('error', () => {});
  call.pause();
  await until(() => ring.readers.size === 1, 'it follows');
  const line = (number: number) => `${String(number).padStart(9, '0')}${'x'.repeat(KIB)}`;
  const before = process.memoryUsage().rss;
  let written = 0;
  for (let round = 0; round < 100; round += 1) {
    ring.write(...Array.from({ length: 1000 }, () => line(written++)));
    await new Promise((resolve) => setImmediate(resolve));
  }
  const grownMib = (process.memoryUsage().rss - before) / MIB;
  t.ok(grownMib < 60, `100 MiB passed by, and the process grew by ${grownMib.toFixed(0)} MiB`);

  let next = 0;
  let missed = 0;
  let isInOrder = true;
  let areMarkersEmpty = true;
  call.on('data', (item: common.Data) => {
    const error = item.metadata?.error ?? '';
    if (error !== '') {
      if (item.bytes.length > 0) areMarkersEmpty = false;
      const [, records] = /^missed (\d+) records, (\d+) bytes$/.exec(error) ?? [];
      missed += Number(records);
      next += Number(records);
      return;
    }
    for (const row of Buffer.from(item.bytes).toString().trimEnd().split('\n')) {
      if (Number(row.slice(0, 9)) !== next) isInOrder = false;
      next += 1;
    }
  });
  call.resume();
  await until(() => next === written, 'everything is there or accounted for');
  t.ok(isInOrder, 'in order');
  t.ok(missed > 0, `${missed} records missed`);
  t.ok(areMarkersEmpty, 'a marker carries no bytes');
  call.cancel();
});

t.test("a log of a pod is machined's to find", async (t) => {
  const asked: unknown[] = [];
  const machined = {
    request: async (method: string, { path, request }: { path: string; request: Uint8Array }) => {
      asked.push([method, path, machine.LogsRequest.decode(request).id]);
      throw new ControlError('NOT_FOUND', 'this node has run no pods');
    },
  };
  const rig = await Rig.start({ ring: new FakeRing().module, machined: machined as never });
  t.teardown(() => rig.stop());
  const client = await rig.clientWith(['os:reader']);
  const failure = await rejection(client.collect('Logs', { namespace: 'k8s.io', id: 'a/b:c', tailLines: -1 }));
  t.match(failure, { code: status.NOT_FOUND, details: 'this node has run no pods' });
  t.same(asked, [['openQueryStream', '/machine.MachineService/Logs', 'a/b:c']]);
});

t.test('no such log', async (t) => {
  const rig = await Rig.start({ ring: new FakeRing().module });
  t.teardown(() => rig.stop());
  const client = await rig.clientWith(['os:reader']);
  const unknown = await rejection(client.collect('Logs', { namespace: 'system', id: 'nope"\n', tailLines: -1 }));
  t.equal(unknown.code, status.NOT_FOUND);
  t.equal(unknown.details, 'no service "nope\\"\\n"; there are init, machined, osd');
  t.equal((await rejection(client.collect('Logs', { namespace: 'moby', id: 'osd' }))).code, status.INVALID_ARGUMENT);
  t.strictSame((await client.unary('LogsContainers', {})).messages?.[0]?.ids, ['init', 'machined', 'osd']);
});

t.test('the log of the kubelet is there among those of its pods, too', async (t) => {
  const ring = new FakeRing();
  ring.write('synced');
  const rig = await Rig.start({ ring: ring.module });
  t.teardown(() => rig.stop());
  rig.init.answers.openLog = () => ({ body: { subscription: 0 }, descriptors: [new FakeDescriptor()] });
  const client = await rig.clientWith(['os:reader']);
  t.match(text(await client.collect('Logs', { namespace: 'k8s.io', id: 'kubelet', tailLines: -1 })), /synced/);
  t.strictSame(rig.init.bodies('openLog'), [{ id: 'kubelet', follow: false }]);
});

t.test('so many streams, and no more', async (t) => {
  const ring = new FakeRing();
  const rig = await Rig.start({ ring: ring.module, limits: { maxStreams: 4, maxStreamsPerClient: 3 } });
  t.teardown(() => rig.stop());
  const client = await rig.clientWith(['os:reader']);
  const calls = [1, 2, 3].map(() => client.stream('Logs', { ...SYSTEM, follow: true }));
  for (const call of calls) call.on('error', () => {}).on('data', () => {});
  await until(() => ring.readers.size === 3, 'three follow');
  const fourth = await rejection(client.collect('Logs', { ...SYSTEM, follow: true }));
  t.equal(fourth.code, status.RESOURCE_EXHAUSTED);
  t.equal(text(await (await rig.clientWith(['os:reader'])).collect('Logs', SYSTEM)), '', 'another client has its own');
  for (const call of calls) call.cancel();
});

t.test('the streams end when the node goes down, calls under way do not', async (t) => {
  const ring = new FakeRing();
  const rig = await Rig.start({ ring: ring.module });
  rig.init.answers.controlService = async () => {
    await new Promise((resolve) => setTimeout(resolve, 100));
    return { message: 'stopped' };
  };
  const client = await rig.clientWith(['os:operator']);
  const follow = rejection(client.collect('Logs', { ...SYSTEM, follow: true }));
  await until(() => ring.readers.size === 1, 'it follows');
  const stop = client.unary('ServiceStop', { id: 'osd' });
  await until(() => rig.init.bodies('controlService').length === 1, 'it is under way');
  const closing = rig.server.close(5000);
  t.match(await follow, { code: status.UNAVAILABLE, details: 'the node is going down' });
  t.equal((await stop).messages?.[0]?.resp, 'stopped');
  client.grpc.close();
  await closing;
  t.equal(rig.server.frontDoor.connections.total, 0);
});
