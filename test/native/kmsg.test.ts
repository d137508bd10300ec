/** Needs a readable /dev/kmsg, and writes a few lines into it. Overwritten records: test/in-guest/kmsg.test.ts. */
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import t from 'tap';
import type { KmsgReader, KmsgRecord } from '../../lib/native/contract.js';
import { loadNative } from '../../lib/native/index.js';
import { openDescriptors } from './open-descriptors.js';

const { descriptor, kmsg } = loadNative();
const mark = `kmsg-test-${process.pid}`;
const loader = fileURLToPath(new URL('../../lib/native/index.js', import.meta.url));

/** The records with the mark of this test, as soon as there are `count`; other programs write into the same log. */
async function ownRecords(reader: KmsgReader, count: number): Promise<KmsgRecord[]> {
  const own: KmsgRecord[] = [];
  while (own.length < count) {
    own.push(...reader.read(1000).records.filter(({ message }) => message.includes(mark)));
    if (own.length < count) await reader.wait();
  }
  return own;
}

t.test('reads the log from its start, in batches', async (t) => {
  const reader = kmsg.openReader(kmsg.subscribe('start'));
  const first = reader.read(1);
  t.equal(first.records.length, 1);
  let records = first.records;
  for (let batch = reader.read(100); batch.records.length > 0; batch = reader.read(100)) {
    t.ok(batch.records.length <= 100);
    records = records.concat(batch.records);
  }
  reader.close();
  for (const [position, { sequence, level, facility, timestampUs }] of records.entries()) {
    const before = records[position - 1];
    if (before && sequence <= before.sequence) t.fail(`sequence ${sequence} after ${before.sequence}`);
    if (level > 7 || facility < 0 || !Number.isInteger(timestampUs)) t.fail(`record ${sequence}`);
  }
  const text = execFileSync('dmesg', ['--raw'], { encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 });
  const sample = records.find(({ message }) => message.length > 20 && /^[\w ,.:-]+$/.test(message));
  t.ok(sample && text.includes(sample.message), 'dmesg shows the same');
});

t.test('writes records that nobody can forge, and wakes the reader', async (t) => {
  const reader = kmsg.openReader(kmsg.subscribe('end'));
  const waited = reader.wait();
  kmsg.write(4, `${mark} one\n<0>${mark} \x1b[31mtwo\0\n\n`);
  await waited;
  t.match(await ownRecords(reader, 2), [
    { level: 4, facility: 3, message: `${mark} one` },
    { level: 4, facility: 3, message: `<0>${mark} \\x1b[31mtwo\\x00` },
  ]);
  kmsg.write(6, `${mark} ${'€'.repeat(500)}`);
  const parts: string[] = [];
  while (parts.join('').length < 500) {
    await reader.wait();
    parts.push(
      ...reader
        .read(100)
        .records.map(({ message }) => message)
        .filter((message) => message.includes('€')),
    );
  }
  t.equal(parts.join(''), `${mark} ${'€'.repeat(500)}`, 'a long line comes in parts, whole');
  reader.close();
});

t.test('two readers do not take records from each other', async (t) => {
  const [one, two] = [kmsg.openReader(kmsg.subscribe('end')), kmsg.openReader(kmsg.subscribe('end'))];
  kmsg.write(6, `${mark} for both`);
  t.equal((await ownRecords(one, 1)).length, 1);
  t.equal((await ownRecords(two, 1)).length, 1);
  one.close();
  two.close();
});

t.test('closing ends a pending wait', async (t) => {
  const reader = kmsg.openReader(kmsg.subscribe('end'));
  const waited = reader.wait();
  reader.close();
  reader.close();
  await t.rejects(waited, { code: 'ECANCELED' });
  await t.rejects(reader.wait(), { code: 'ECANCELED' });
  t.throws(() => reader.read(1), { code: 'ECANCELED' });
});

t.test('a reader owns its descriptor', async (t) => {
  const before = openDescriptors();
  const handle = kmsg.subscribe('end');
  const reader = kmsg.openReader(handle);
  t.notOk(handle.isOpen);
  t.throws(() => kmsg.openReader(handle), { code: 'ERR_INVALID_ARG_VALUE' });
  reader.close();
  t.equal(openDescriptors(), before);
  const [end, other] = descriptor.pipe();
  other.close();
  const notKmsg = kmsg.openReader(end);
  t.equal(notKmsg.read(1).records.length, 0, 'a descriptor of something else reads as empty');
  notKmsg.close();
  t.equal(openDescriptors(), before);
});

t.test('works in two threads at once', async (t) => {
  const program = `
    const { parentPort } = require('node:worker_threads');
    import(${JSON.stringify(loader)}).then(async ({ loadNative }) => {
      const { kmsg } = loadNative();
      const reader = kmsg.openReader(kmsg.subscribe('start'));
      let count = 0;
      for (let batch = reader.read(50); batch.records.length > 0; batch = reader.read(50)) count += batch.records.length;
      reader.wait().catch(() => {});
      parentPort.postMessage(count);
    });`;
  const workers = [new Worker(program, { eval: true }), new Worker(program, { eval: true })];
  const counts = await Promise.all(
    workers.map((worker) => new Promise((resolve, reject) => worker.once('message', resolve).once('error', reject))),
  );
  t.ok(counts.every((count) => (count as number) > 0));
  // While a wait is pending in each.
  await Promise.all(workers.map((worker) => worker.terminate()));
});

t.test('a process ends with a reader open and unread, or collected', async (t) => {
  const program = `
    const { kmsg } = (await import(${JSON.stringify(loader)})).loadNative();
    for (let n = 0; n < 50; n++) kmsg.openReader(kmsg.subscribe('start'));
    globalThis.gc();
    await new Promise(setImmediate);
    globalThis.reader = kmsg.openReader(kmsg.subscribe('start'));
    console.log('end');`;
  const output = execFileSync(process.execPath, ['--expose-gc', '--input-type=module', '-e', program], {
    timeout: 30_000,
  });
  t.equal(output.toString(), 'end\n');
});

t.test('wrong arguments never reach the kernel', async (t) => {
  const reader = kmsg.openReader(kmsg.subscribe('end'));
  const wrong: [() => unknown, code: string][] = [
    [() => kmsg.subscribe('middle' as never), 'ERR_INVALID_ARG_VALUE'],
    [() => kmsg.openReader({} as never), 'ERR_INVALID_ARG_TYPE'],
    [() => kmsg.write(8, 'x'), 'ERR_INVALID_ARG_VALUE'],
    [() => kmsg.write('6' as never, 'x'), 'ERR_INVALID_ARG_TYPE'],
    [() => kmsg.write(6, undefined as never), 'ERR_INVALID_ARG_TYPE'],
    [() => reader.read(0), 'ERR_INVALID_ARG_VALUE'],
    [() => reader.read(1e9), 'ERR_INVALID_ARG_VALUE'],
  ];
  for (const [call, code] of wrong) t.throws(call, { name: 'TypeError', code }, String(call));
  reader.close();
});
