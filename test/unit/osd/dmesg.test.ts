import { Metadata } from '@grpc/grpc-js';
import t from 'tap';
import type { common } from '../../../lib/gen/machine/machine.js';
import { formatRecord } from '../../../lib/osd/handlers/dmesg.js';
import { FakeKmsg } from './support/fake-kmsg.js';
import { Rig, until } from './support/rig.js';

const text = (item: common.Data | undefined) => Buffer.from(item?.bytes ?? []).toString();

t.test('a record as text', async (t) => {
  const record = {
    facility: 0,
    level: 5,
    sequence: 1,
    timestampUs: 250_000,
    message: 'Linux version',
    isFragment: false,
  };
  const boot = Date.UTC(2026, 0, 2, 3, 4, 5) * 1000;
  t.equal(formatRecord(record, boot), 'kern:  notice: [2026-01-02T03:04:05.25Z]: Linux version\n');
  t.equal(
    formatRecord({ ...record, timestampUs: 0, level: 4, facility: 3 }, boot),
    'daemon: warning: [2026-01-02T03:04:05Z]: Linux version\n',
  );
  t.equal(
    formatRecord({ ...record, timestampUs: 1, facility: 23 }, boot),
    'local7:  notice: [2026-01-02T03:04:05.000001Z]: Linux version\n',
  );
  t.match(formatRecord({ ...record, facility: 99, level: 9 }, boot), /^facility99: +level9: /, 'numbers nobody knows');
  t.match(
    formatRecord({ ...record, message: 'a\nkern: emerg: b\x1b[2J\0\tc' }, boot),
    /: a\\x0akern: emerg: b\\x1b\[2J\\x00\tc\n$/,
  );
});

t.test('a record a message, or many', async (t) => {
  const kmsg = new FakeKmsg();
  const messages = Array.from({ length: 3000 }, (_, at) => `record ${at}`);
  kmsg.add(...messages);
  const rig = await Rig.start({ kmsg: kmsg.module });
  t.teardown(() => rig.stop());
  const client = await rig.clientWith(['os:reader']);
  const single = await client.collect('Dmesg', {});
  t.equal(single.length, 3000);
  t.match(text(single[7]), /^kern: {4}info: \[20.*Z\]: record 7\n$/);
  t.equal(single[0]?.metadata?.hostname, 'node-1');

  const batched = new Metadata();
  batched.set('x-osctl-batch', '1');
  const many = await client.collect('Dmesg', {}, batched);
  t.ok(many.length < 20, `${many.length} messages`);
  const lines = many.map(text).join('').trimEnd().split('\n');
  t.strictSame(
    lines.map((line) => line.slice(line.lastIndexOf('record'))),
    messages,
  );
  t.equal(kmsg.open, 0, 'readers are closed');
  t.strictSame(rig.init.bodies('openKmsg'), [{ tail: false }, { tail: false }]);
});

t.test('following, with a gap', async (t) => {
  const kmsg = new FakeKmsg();
  const rig = await Rig.start({ kmsg: kmsg.module });
  t.teardown(() => rig.stop());
  const client = await rig.clientWith(['os:reader']);
  const call = client.stream('Dmesg', { follow: true, tail: true });
  const items: common.Data[] = [];
  call.on('error', () => {}).on('data', (item: common.Data) => items.push(item));
  await until(() => kmsg.open === 1, 'it follows');
  kmsg.add('first');
  await until(() => items.length === 1, 'it came');
  kmsg.missed = 12;
  kmsg.add('second');
  await until(() => items.length === 3, 'a marker and a record');
  t.equal(items[1]?.metadata?.error, 'missed 12 records');
  t.equal(items[1]?.bytes.length, 0);
  t.match(text(items[2]), /second/);
  t.strictSame(rig.init.bodies('openKmsg'), [{ tail: true }]);
  call.cancel();
  await until(() => kmsg.open === 0, 'the reader is closed');
});
