import { closeSync, openSync, readFileSync, writeFileSync, writeSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import type { LogReader, LogRing } from '../../lib/native/contract.js';
import { loadNative } from '../../lib/native/index.js';
import { MAX_RECORD_BYTES, RING_STREAMS } from '../../lib/native/ring.js';
import { QUIET } from './collect.js';
import { openDescriptors } from './open-descriptors.js';

const native = loadNative();
const { ring: rings, descriptor } = native;
const buffer = Buffer.alloc(1 << 16);

native.process.startReaper({ subreaper: false });

function create(sizeBytes = 1 << 20): { log: LogRing; reader: LogReader } {
  const log = rings.create({ name: 'test', sizeBytes });
  const { memory, doorbell } = log.subscribe();
  return { log, reader: rings.openReader({ memory, doorbell }) };
}

/** Everything up to now, if nothing of it was missed. */
function readText(reader: LogReader): string {
  const chunks: string[] = [];
  for (;;) {
    const { bytes, missedRecords } = reader.read(buffer);
    if (missedRecords > 0) throw new Error(`${missedRecords} records were missed`);
    if (bytes === 0) return chunks.join('');
    chunks.push(buffer.toString('latin1', 0, bytes));
  }
}

t.test('what a service writes is there byte for byte, ended by a newline', async (t) => {
  // The first wait makes the reactor, whose own descriptor stays.
  const early = create();
  early.log.write('x');
  await early.reader.wait();
  early.reader.close();
  early.log.close();
  const before = openDescriptors();
  const { log, reader } = create();
  const [read, write] = descriptor.pipe();
  log.attach(read, 'stdout');
  t.equal(read.isOpen, false, 'the ring owns the pipe now');
  const number = write.releaseNumber();
  const long = 'x'.repeat(3 * MAX_RECORD_BYTES + 5);
  // All bytes but the newline, in pieces that cut lines anywhere.
  const odd = Buffer.from(Array.from({ length: 255 }, (_, byte) => (byte < 10 ? byte : byte + 1)));
  const all = Buffer.concat([Buffer.from(`one\n\n${long}\n`), odd, Buffer.from('\nlast')]);
  for (let start = 0; start < all.length; start += 1000) writeSync(number, all.subarray(start, start + 1000));
  closeSync(number);
  await log.drained();
  t.ok(Buffer.from(readText(reader), 'latin1').equals(Buffer.concat([all, Buffer.from('\n')])));
  t.equal(log.stats.bytes, all.length + 1);
  t.equal(log.lastLine(100), 'last');
  reader.close();
  log.close();
  log.close();
  t.equal(openDescriptors(), before);
});

t.test('two streams, and lines of our own', async (t) => {
  const { log, reader } = create();
  const [out, err] = [descriptor.pipe(), descriptor.pipe()];
  log.attach(out[0], 'stdout');
  log.attach(err[0], 'stderr');
  const child = native.process.spawn({
    ...QUIET,
    file: '/bin/sh',
    argv: ['sh', '-c', 'echo out; echo err >&2; printf unfinished'],
    stdout: out[1],
    stderr: err[1],
  });
  out[1].close();
  let drained = false;
  const wait = log.drained().then(() => {
    drained = true;
  });
  await child.exited;
  await new Promise((resolve) => setImmediate(resolve));
  t.equal(drained, false, 'the other pipe is still open');
  err[1].close();
  await wait;
  await log.drained();
  log.write('ours\nand more');
  t.same(readText(reader).split('\n').sort(), ['', 'and more', 'err', 'ours', 'out', 'unfinished']);
  log.close();
  reader.close();
});

t.test('the end of the log by lines', async (t) => {
  const { log, reader } = create(4096);
  log.write('one\ntwo\nthree\n');
  const tail = (lines: number) => {
    reader.seekTail(lines);
    return readText(reader);
  };
  t.same([0, 1, 2, 3, 100].map(tail), ['', 'three\n', 'two\nthree\n', 'one\ntwo\nthree\n', 'one\ntwo\nthree\n']);
  reader.seekStart();
  t.equal(readText(reader), 'one\ntwo\nthree\n');
  reader.seekTail(1);
  reader.stopAtHead();
  log.write('four\n');
  t.equal(readText(reader), 'three\n', 'not what came after the moment');
  t.equal(readText(reader), '');
  reader.close();
  t.throws(() => reader.stopAtHead(), { code: 'ECANCELED' });
});

t.test('bytes as they are', async (t) => {
  const { log, reader } = create(4096);
  const bytes = Buffer.from([0x66, 0, 0xff, 10, 0x67]);
  log.write(bytes.subarray(1));
  log.write(new Uint8Array(0));
  t.equal(readText(reader), '\0\xff\ng\n');
});

t.test('every subscriber is rung by its own doorbell', async (t) => {
  const log = rings.create({ name: 'bells', sizeBytes: 4096 });
  const subscriptions = [log.subscribe(), log.subscribe(), log.subscribe()];
  const readers = subscriptions.map((subscription) => rings.openReader(subscription));
  for (let round = 0; round < 100; round++) {
    const waits = readers.map((reader) => reader.wait());
    log.write(`round ${round}`);
    await Promise.all(waits);
    t.same(new Set(readers.map(readText)), new Set([`round ${round}\n`]));
  }
  // Written between the last look and the wait: the wait ends at once.
  log.write('early');
  await readers[0]?.wait();
  subscriptions[1]?.end();
  subscriptions[1]?.end();
  log.write('ended');
  t.equal(readers[1] && readText(readers[1]), 'early\nended\n', 'the memory can still be read');
  const pending = readers[2]?.wait();
  if (readers[2]) readText(readers[2]);
  await pending;
  const closed = readers[2]?.wait();
  readers[2]?.close();
  await t.rejects(closed ?? Promise.resolve(), { code: 'ECANCELED' });
  await t.rejects(readers[2]?.wait() ?? Promise.resolve(), { code: 'ECANCELED' });
  t.throws(() => readers[2]?.read(buffer), { code: 'ECANCELED' });
  const { memory, doorbell } = log.subscribe();
  doorbell.close();
  await t.rejects(rings.openReader({ memory }).wait(), { code: 'EINVAL' });
});

t.test('a flood is counted to the last record and byte', async (t) => {
  const { log, reader } = create(1 << 16);
  const [read, write] = descriptor.pipe();
  log.attach(read, 'stdout');
  const last = 1_000_000;
  const child = native.process.spawn({
    ...QUIET,
    file: '/usr/bin/seq',
    argv: ['seq', String(last)],
    stdout: write,
  });
  write.close();
  let next = 1;
  let missed = 0;
  let ended = false;
  const drained = log.drained().then(() => {
    ended = true;
  });
  for (;;) {
    const wasEnded = ended;
    const slab = reader.read(buffer);
    let missedBytes = 0;
    for (let i = 0; i < slab.missedRecords; i++) missedBytes += String(next++).length + 1;
    if (missedBytes !== slab.missedBytes) t.fail(`${slab.missedBytes} bytes missed instead of ${missedBytes}`);
    missed += slab.missedRecords;
    const lines = buffer.toString('latin1', 0, slab.bytes).split('\n').slice(0, -1);
    if (lines.length !== slab.records) t.fail(`${slab.records} records, ${lines.length} lines`);
    for (const line of lines) {
      if (line !== String(next++)) t.fail(`${line} instead of ${next - 1}`);
    }
    if (slab.bytes > 0) continue;
    if (wasEnded) break;
    await Promise.race([reader.wait(), drained]);
  }
  await child.exited;
  t.equal(next - 1, last);
  t.equal(log.stats.records, last);
  t.comment(`${missed} of ${last} missed`);
  reader.close();
  log.close();
});

t.test('time and stream of each record', async (t) => {
  const { log, reader } = create();
  const [out, err] = [descriptor.pipe(), descriptor.pipe()];
  log.attach(out[0], 'stdout');
  log.attach(err[0], 'stderr');
  const before = Date.now();
  for (const [[, end], text] of [[out, 'one\n'] as const, [err, 'problem\n'] as const]) {
    const number = end.releaseNumber();
    writeSync(number, text);
    closeSync(number);
  }
  await log.drained();
  log.write('ours');
  const index = new Float64Array(3 * 2 + 1);
  const seen: [string, number][] = [];
  for (;;) {
    const { records, bytes } = reader.read(buffer, index);
    if (records === 0) break;
    t.ok(records <= 2, 'no more than the index has room for');
    let start = 0;
    for (let at = 0; at < records * 3; at += 3) {
      const [timeMs = 0, stream = 0, end = 0] = index.subarray(at, at + 3);
      t.ok(timeMs >= before && timeMs <= Date.now() + 1, 'a time of now');
      seen.push([buffer.toString('latin1', start, end), stream]);
      start = end;
    }
    t.equal(start, bytes);
  }
  t.same(
    new Map(seen),
    new Map([
      ['one\n', RING_STREAMS.stdout],
      ['problem\n', RING_STREAMS.stderr],
      ['ours\n', RING_STREAMS.system],
    ]),
  );
  log.close();
  reader.close();
});

t.test('another process reads by descriptor, and cannot write', async (t) => {
  const log = rings.create({ name: 'shared', sizeBytes: 4096 });
  log.write('from PID 1');
  const { memory, doorbell } = log.subscribe();
  const loader = fileURLToPath(new URL('../../lib/native/index.js', import.meta.url));
  const script = `
    import { openSync, writeSync } from 'node:fs';
    const { loadNative } = await import(${JSON.stringify(loader)});
    const { ring, descriptor } = loadNative();
    for (const attempt of [() => writeSync(3, 'x'), () => writeSync(openSync('/proc/self/fd/3', 'r+'), 'x')]) {
      try { attempt(); } catch (error) { console.log(error.code); }
    }
    const reader = ring.openReader({ memory: descriptor.adopt(3), doorbell: descriptor.adopt(4) });
    const buffer = Buffer.alloc(65536);
    let text = '';
    for (;;) {
      text += buffer.toString('utf8', 0, reader.read(buffer).bytes);
      if (text.includes('end')) break;
      console.log('ready');
      await reader.wait();
    }
    process.exit(text === 'from PID 1\\nend\\n' ? 0 : 1);`;
  const { log: output, reader } = create(4096);
  const [read, write] = descriptor.pipe();
  output.attach(read, 'stdout');
  const child = native.process.spawn({
    ...QUIET,
    file: process.execPath,
    argv: ['node', '--input-type=module', '-e', script],
    stdout: write,
    descriptors: [memory, doorbell],
  });
  write.close();
  const said: string[] = [];
  while (!said.join('').includes('ready')) {
    await reader.wait();
    said.push(readText(reader));
  }
  log.write('end');
  t.same(await child.exited, { kind: 'exited', code: 0 });
  t.equal(said.join(''), 'EBADF\nEPERM\nready\n');
});

t.test('what is no ring is refused', async (t) => {
  const before = openDescriptors();
  const file = t.testdir({ memory: '' });
  writeFileSync(`${file}/memory`, Buffer.alloc(8192));
  t.throws(() => rings.openReader({ memory: descriptor.open(`${file}/memory`, 'r') }), {
    code: 'EINVAL',
    syscall: 'fcntl',
  });
  const log = rings.create({ name: 'peek', sizeBytes: 4096 });
  const [noBell, otherEnd] = descriptor.pipe();
  otherEnd.close();
  t.throws(() => rings.openReader({ memory: log.subscribe().memory, doorbell: noBell }), { code: 'ENOTSOCK' });
  const number = log.subscribe().memory.releaseNumber();
  t.equal(readFileSync(`/proc/self/fd/${number}`).toString('latin1', 0, 8), 'taloslog');
  t.throws(() => openSync(`/proc/self/fd/${number}`, 'w'), { code: 'EPERM' }, 'truncating is refused');
  closeSync(number);
  log.close();
  t.throws(() => log.subscribe(), { code: 'ECANCELED' });
  t.throws(() => log.attach(descriptor.pipe()[0], 'stdout'), { code: 'ECANCELED' });
  t.same([log.lastLine(10), log.stats.sizeBytes], ['', 4096]);
  log.write('into the void');
  t.ok(openDescriptors() - before <= 5, 'nothing but what waits for collection');
});

t.test('wrong arguments are TypeErrors', async (t) => {
  const type = { name: 'TypeError', code: 'ERR_INVALID_ARG_TYPE' };
  const value = { name: 'TypeError', code: 'ERR_INVALID_ARG_VALUE' };
  for (const sizeBytes of [0, 2048, 5000, -4096, 2 ** 31, 4096.5]) {
    t.throws(() => rings.create({ name: 'x', sizeBytes }), value, String(sizeBytes));
  }
  t.throws(() => rings.create({ name: 'a/b', sizeBytes: 4096 }), value);
  const { log, reader } = create(4096);
  t.throws(() => reader.read(Buffer.alloc(100)), value, 'a buffer that might not take one record');
  t.throws(() => reader.read('' as never), type);
  t.throws(() => reader.read(buffer, [] as never), type);
  t.throws(() => reader.read(buffer, new Float64Array(2)), value, 'an index that has no room for one record');
  t.throws(() => reader.seekTail(-1), value);
  t.throws(() => log.attach(descriptor.pipe()[0], 'stdin' as never), value);
  t.throws(() => log.write(1 as never), type);
  t.throws(() => rings.openReader({ memory: 3 as never }), type);
});
