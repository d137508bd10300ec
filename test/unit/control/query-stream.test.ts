/** Query items over real sockets: order, size, failures, both ends going away. */
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import t from 'tap';
import { ControlError } from '../../../lib/control/errors.js';
import { MAX_ITEM_BYTES, readQueryStream, writeQueryStream } from '../../../lib/control/query-stream.js';
import { loadNative } from '../../../lib/native/index.js';

const { descriptor } = loadNative();

async function collect(messages: AsyncIterable<Uint8Array>): Promise<Buffer[]> {
  const found: Buffer[] = [];
  for await (const message of messages) found.push(Buffer.from(message));
  return found;
}

t.test('messages of every size come out as they went in, in order', async (t) => {
  const sizes = [0, 1, 127, 128, 300, 16_383, 16_384, 65_536, 3_000_000, 5, 0];
  const sent = sizes.map((size, at) => Buffer.alloc(size, at + 1));
  const [read, write] = descriptor.streamPair();
  const written = writeQueryStream(write, sent, (error) => t.fail(String(error)));
  const found = await collect(readQueryStream(read));
  await written;
  t.strictSame(
    found.map((message) => message.length),
    sizes,
  );
  t.ok(found.every((message, at) => message.equals(sent[at] as Buffer)));
});

t.test('what the maker throws: its own words, or none', async (t) => {
  for (const [thrown, expected, faults] of [
    [new ControlError('NOT_FOUND', 'no file x'), { kind: 'NOT_FOUND', message: 'no file x' }, 0],
    [new Error('secret'), { kind: 'INTERNAL', message: 'it failed inside' }, 1],
  ] as const) {
    const [read, write] = descriptor.streamPair();
    const told: unknown[] = [];
    const messages = async function* () {
      yield Buffer.from('one');
      throw thrown;
    };
    const written = writeQueryStream(write, messages(), (error) => told.push(error));
    const found: string[] = [];
    await t.rejects(async () => {
      for await (const message of readQueryStream(read)) found.push(Buffer.from(message).toString());
    }, expected);
    await written;
    t.strictSame(found, ['one']);
    t.equal(told.length, faults);
  }
});

t.test('a reader that leaves ends the maker, also while it waits for room', async (t) => {
  const [read, write] = descriptor.streamPair();
  let isEnded = false;
  const endless = async function* () {
    try {
      for (;;) yield Buffer.alloc(100_000);
    } finally {
      isEnded = true;
    }
  };
  const written = writeQueryStream(write, endless(), (error) => t.fail(String(error)));
  for await (const message of readQueryStream(read)) {
    t.equal(message.length, 100_000);
    break;
  }
  await written;
  t.ok(isEnded);
});

t.test('a maker that has nothing to say hears at once that its reader has left', async (t) => {
  const [read, write] = descriptor.streamPair();
  const stop = new AbortController();
  const silent = async function* () {
    yield Buffer.from('hello');
    await once(stop.signal, 'abort');
  };
  const written = writeQueryStream(
    write,
    silent(),
    (error) => t.fail(String(error)),
    () => stop.abort(),
  );
  for await (const message of readQueryStream(read)) {
    t.equal(Buffer.from(message).toString(), 'hello');
    break;
  }
  await written;
  t.ok(stop.signal.aborted);
});

t.test('a maker does not run ahead of its reader', async (t) => {
  const [read, write] = descriptor.streamPair();
  let made = 0;
  const many = async function* () {
    for (; made < 1000; made++) yield Buffer.alloc(10_000);
  };
  const written = writeQueryStream(write, many(), (error) => t.fail(String(error)));
  const reader = readQueryStream(read);
  await reader.next();
  // Not a wait for something: time in which a maker without bounds would have made all of them.
  await delay(100);
  t.ok(made < 100, `${made} made`);
  await reader.return(undefined);
  await written;
});

t.test('a stream that waits for its reader again and again holds nothing of it', async (t) => {
  setFlagsFromString('--expose-gc');
  const collectGarbage = runInNewContext('gc') as () => void;
  const [ITEMS, SETTLED] = [12_000, 2000];
  const item = Buffer.alloc(65_536);
  const heap: number[] = [];
  const many = async function* () {
    for (let at = 0; at <= ITEMS; at++) {
      if (at === SETTLED || at === ITEMS) {
        collectGarbage();
        heap.push(process.memoryUsage().heapUsed);
      }
      yield item;
    }
  };
  const [read, write] = descriptor.streamPair();
  const written = writeQueryStream(write, many(), (error) => t.fail(String(error)));
  for await (const message of readQueryStream(read)) if (message.length !== item.length) t.fail('cut');
  await written;
  const [before = 0, after = 0] = heap;
  const kept = (after - before) / (ITEMS - SETTLED);
  t.ok(kept < 30, `${kept.toFixed(1)} bytes are kept of each item`);
});

t.test('an end that is none, and what is no item', async (t) => {
  const item = async (bytes: Buffer) => {
    const [read, write] = descriptor.streamPair();
    const { Socket } = await import('node:net');
    new Socket({ fd: write.releaseNumber(), readable: false, writable: true }).on('error', () => {}).end(bytes);
    return collect(readQueryStream(read));
  };
  await t.rejects(item(Buffer.alloc(0)), { name: 'ControlError', kind: 'UNAVAILABLE' }, 'nothing at all');
  await t.rejects(item(Buffer.from([5, 10, 1])), { name: 'ControlError', kind: 'UNAVAILABLE' }, 'cut');
  await t.rejects(
    item(Buffer.from([3, 10, 9, 1])),
    { name: 'ControlError', kind: 'INTERNAL' },
    'a field longer than its item',
  );
  await t.rejects(item(Buffer.alloc(6, 0xff)), { name: 'ControlError', kind: 'INTERNAL' }, 'no length');
  const tooLong = Buffer.from([0, 0, 0, 0, 0]);
  for (let at = 0, rest = MAX_ITEM_BYTES + 1; at < 5; at++, rest = Math.floor(rest / 128)) {
    tooLong[at] = (rest % 128) | (at < 4 ? 0x80 : 0);
  }
  await t.rejects(item(tooLong), { kind: 'INTERNAL', message: /33554433 bytes/ });
});

t.test('the abort of a reader is its reason', async (t) => {
  const [read, write] = descriptor.streamPair();
  const never = async function* () {
    await delay(60_000, undefined, { ref: false });
    yield Buffer.alloc(0);
  };
  void writeQueryStream(write, never(), () => {});
  const stop = new AbortController();
  const found = collect(readQueryStream(read, stop.signal));
  stop.abort(new Error('enough'));
  await t.rejects(found, { message: 'enough' });
});
