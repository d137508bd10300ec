/** Rings and readers in several threads, and what is left when nobody holds them any more. */
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import t from 'tap';
import { loadNative } from '../../lib/native/index.js';

const { ring: rings, descriptor } = loadNative();
const loader = JSON.stringify(fileURLToPath(new URL('../../lib/native/index.js', import.meta.url)));

/** Follows a log until a line says "end", then goes on waiting. */
const follower = `
  const { parentPort, workerData } = require('node:worker_threads');
  import(${loader}).then(async ({ loadNative }) => {
    const { ring, descriptor } = loadNative();
    const [memory, doorbell] = workerData.map((number) => descriptor.adopt(number));
    const reader = ring.openReader({ memory, doorbell });
    const buffer = Buffer.alloc(65536);
    let records = 0;
    parentPort.postMessage('ready');
    for (;;) {
      const slab = reader.read(buffer);
      records += slab.records + slab.missedRecords;
      const text = buffer.toString('latin1', 0, slab.bytes);
      if (text.includes('end')) parentPort.postMessage(records);
      if (slab.bytes === 0) await reader.wait();
    }
  });`;

t.test('readers in threads follow, and are ended while they wait', async (t) => {
  const log = rings.create({ name: 'threads', sizeBytes: 1 << 16 });
  const workers = [1, 2, 3].map(() => {
    const { memory, doorbell } = log.subscribe();
    return new Worker(follower, { eval: true, workerData: [memory.releaseNumber(), doorbell.releaseNumber()] });
  });
  await Promise.all(workers.map((worker) => once(worker, 'message')));
  const counts = workers.map((worker) => once(worker, 'message'));
  for (let line = 0; line < 10_000; line++) log.write(`line ${line}`);
  log.write('end');
  t.same(await Promise.all(counts), [[10_001], [10_001], [10_001]]);
  await Promise.all(workers.map((worker) => worker.terminate()));
  log.write('nobody is left');
  log.close();
});

t.test('what nobody holds is closed', async (t) => {
  const program = `
    import { readdirSync, writeSync } from 'node:fs';
    const { ring, descriptor } = (await import(${loader})).loadNative();
    const turn = () => new Promise(setImmediate);
    const open = () => readdirSync('/proc/self/fd').length;
    async function use() {
      const log = ring.create({ name: 'collected', sizeBytes: 4096 });
      const { memory, doorbell } = log.subscribe();
      const reader = ring.openReader({ memory, doorbell });
      const [read, write] = descriptor.pipe();
      log.attach(read, 'stdout');
      const waited = reader.wait();
      log.write('x');
      await waited;
      reader.read(Buffer.alloc(65536), new Float64Array(30));
      log.subscribe();
      void log.drained().catch(() => {});
      write.close();
      await log.drained();
    }
    await use();
    globalThis.gc();
    await turn();
    const before = open();
    for (let round = 0; round < 30; round++) await use();
    for (let round = 0; round < 10 && open() > before; round++) {
      globalThis.gc();
      await turn();
    }
    console.log(open() - before);`;
  const argv = ['--expose-gc', '--input-type=module', '-e', program];
  t.equal(execFileSync(process.execPath, argv, { encoding: 'utf8', timeout: 30_000 }), '0\n');
});

t.test('a reader outlives its log', async (t) => {
  const log = rings.create({ name: 'gone', sizeBytes: 4096 });
  const reader = rings.openReader(log.subscribe());
  log.write('last words');
  const waited = reader.wait();
  log.close();
  await waited;
  const buffer = Buffer.alloc(1 << 16);
  t.equal(buffer.toString('latin1', 0, reader.read(buffer).bytes), 'last words\n');
  t.equal(reader.read(buffer).bytes, 0);
  reader.close();
});

t.test('a descriptor that only looks like one is refused by the addon itself', async (t) => {
  const log = rings.create({ name: 'fake', sizeBytes: 4096 });
  const { memory } = log.subscribe();
  const fake = Object.create(memory, { isOpen: { value: true } });
  t.throws(() => rings.openReader({ memory: fake }), { name: 'TypeError' });
  const [read, write] = descriptor.pipe();
  write.close();
  t.throws(() => rings.openReader({ memory: read }), { code: 'EINVAL', syscall: 'fcntl', errno: -22 });
  memory.close();
  log.close();
});

t.test('a ring that nobody holds but who waits for its end stays until then', async (t) => {
  const program = `
    const { ring, descriptor } = (await import(${loader})).loadNative();
    const [read, write] = descriptor.pipe();
    const drained = (() => {
      const log = ring.create({ name: 'awaited', sizeBytes: 4096 });
      log.attach(read, 'stdout');
      return Promise.all([log.drained(), log.drained()]);
    })();
    for (let round = 0; round < 10; round++) {
      globalThis.gc();
      await new Promise(setImmediate);
    }
    write.close();
    await drained;
    console.log('drained');`;
  const argv = ['--expose-gc', '--input-type=module', '-e', program];
  t.equal(execFileSync(process.execPath, argv, { encoding: 'utf8', timeout: 30_000 }), 'drained\n');
});
