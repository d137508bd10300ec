import { once } from 'node:events';
import { closeSync, openSync, readSync, writeSync } from 'node:fs';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { constants } from 'node:os';
import { fileURLToPath } from 'node:url';
import { getSystemErrorName } from 'node:util';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { Worker } from 'node:worker_threads';
import t from 'tap';
import { loadNative } from '../../lib/native/index.js';
import { openDescriptors } from './open-descriptors.js';

const { descriptor } = loadNative();
const loader = fileURLToPath(new URL('../../lib/native/index.js', import.meta.url));

t.test('a handle is open until it is closed or released', async (t) => {
  const before = openDescriptors();
  const handle = descriptor.open('/dev/null', 'rw');
  const copy = descriptor.duplicate(handle);
  t.equal(handle.isOpen, true);
  handle.close();
  handle.close();
  t.equal(handle.isOpen, false);
  t.equal(copy.isOpen, true, 'a copy lives on its own');
  const number = copy.releaseNumber();
  t.equal(copy.isOpen, false);
  t.equal(copy.releaseNumber(), -1);
  closeSync(number);
  t.equal(openDescriptors(), before);
});

t.test('a pipe', async (t) => {
  const [read, write] = descriptor.pipe();
  const [readNumber, writeNumber] = [read.releaseNumber(), write.releaseNumber()];
  writeSync(writeNumber, 'through');
  const buffer = Buffer.alloc(10);
  t.equal(buffer.toString('utf8', 0, readSync(readNumber, buffer)), 'through');
  closeSync(readNumber);
  closeSync(writeNumber);
});

t.test('an adopted number has its owner', async (t) => {
  const number = openSync('/dev/null', 'r');
  const handle = descriptor.adopt(number);
  handle.close();
  t.throws(() => closeSync(number), { code: 'EBADF' });
});

t.test("errors have all the fields of Node's own", async (t) => {
  const path = '/nonexistent/file';
  const { name, code, errno, syscall, message } = catchError(() => descriptor.open(path, 'r'));
  t.same(
    { name, code, errno, syscall },
    { name: 'Error', code: 'ENOENT', errno: -constants.errno.ENOENT, syscall: 'open' },
  );
  t.equal(message, `ENOENT: No such file or directory, open '${path}'`);
  t.equal(getSystemErrorName(errno ?? 0), 'ENOENT');
  const node = catchError(() => openSync(path, 'r'));
  t.same(
    { code, errno, syscall, path },
    { code: node.code, errno: node.errno, syscall: node.syscall, path: node.path },
    'the same as of node:fs',
  );
  t.throws(() => descriptor.adopt(999_999), { code: 'EBADF', syscall: 'fcntl' });
});

t.test('wrong arguments are TypeErrors', async (t) => {
  const type = { name: 'TypeError', code: 'ERR_INVALID_ARG_TYPE' };
  const value = { name: 'TypeError', code: 'ERR_INVALID_ARG_VALUE' };
  t.throws(() => descriptor.adopt('3' as never), type);
  t.throws(() => descriptor.adopt(-1), value);
  t.throws(() => descriptor.open('relative', 'r'), value);
  t.throws(() => descriptor.open('/dev/null', 'a' as never), value);
  t.throws(() => descriptor.duplicate({} as never), type);
  t.throws(
    () => descriptor.duplicate({ isOpen: true, releaseNumber: () => 1 } as never),
    type,
    'one that only looks like it',
  );
});

t.test('a handle that nobody has any more is closed', async (t) => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const before = openDescriptors();
  (() => {
    for (let i = 0; i < 20; i++) descriptor.open('/dev/null', 'r');
  })();
  const deadline = Date.now() + 10_000;
  // Finalizers run between turns of the event loop.
  while (openDescriptors() > before && Date.now() < deadline) {
    collect();
    await new Promise((resolve) => setImmediate(resolve));
  }
  t.ok(openDescriptors() <= before);
});

t.test('two workers at once, one of them ended while it waits', async (t) => {
  const code = `
    const { parentPort } = require('node:worker_threads');
    import(${JSON.stringify(loader)}).then(async ({ loadNative }) => {
      const { descriptor, ring, channel } = loadNative();
      const log = ring.create({ name: 'worker', sizeBytes: 65536 });
      const [read, write] = descriptor.pipe();
      log.attach(read, 'stdout');
      const reader = ring.openReader(log.subscribe());
      const [one, two] = channel.pair();
      const handlers = { onMessage() { parentPort.postMessage('ready'); }, onClose() {} };
      const ends = [one, two].map((end) => channel.open(end, { maxMessageBytes: 10 }, handlers));
      ends[0].send(Buffer.from('x'));
      globalThis.kept = [log, write, reader, ends];
      await reader.wait();
    });`;
  const workers = [new Worker(code, { eval: true }), new Worker(code, { eval: true })];
  await Promise.all(workers.map((worker) => new Promise((resolve) => worker.once('message', resolve))));
  t.same(await Promise.all(workers.map((worker) => worker.terminate())), [1, 1]);
  t.equal(descriptor.open('/dev/null', 'r').isOpen, true, 'the main thread goes on');
});

function catchError(call: () => unknown): NodeJS.ErrnoException {
  try {
    call();
  } catch (error) {
    return error as NodeJS.ErrnoException;
  }
  throw new Error('nothing was thrown');
}

t.test('a socket to listen on, whose connections have a small buffer', async (t) => {
  const before = openDescriptors();
  const server = createServer();
  server.listen({ fd: descriptor.bindTcp(0, 8192).releaseNumber() });
  await once(server, 'listening');
  const { port, address } = server.address() as AddressInfo;
  t.match(address, /^(::|0\.0\.0\.0)$/, 'every address');
  t.throws(() => descriptor.bindTcp(port, 8192), { code: 'EADDRINUSE', syscall: 'bind' });
  const client = connect(port, '127.0.0.1');
  const [accepted] = (await once(server, 'connection')) as [Socket];
  // Either may close by itself, as soon as the other has ended.
  const closed = [client, accepted].map((socket) => once(socket, 'close'));
  let largest = 0;
  accepted.on('data', (bytes: Buffer) => {
    largest = Math.max(largest, bytes.length);
  });
  const sent = 4 * 1024 * 1024;
  client.end(Buffer.alloc(sent));
  await once(accepted, 'end');
  t.equal(accepted.bytesRead, sent, 'all of it comes');
  t.ok(largest <= 16384, `never more than the doubled buffer at once: ${largest}`);
  client.destroy();
  accepted.destroy();
  server.close();
  await Promise.all([...closed, once(server, 'close')]);
  t.equal(openDescriptors(), before);
});
