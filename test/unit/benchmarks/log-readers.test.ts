import t from 'tap';
import { LogReaders, untilLine } from '../../../benchmarks/lib/log-readers.js';
import type { MachineClient } from '../../../lib/client/index.js';

const lines = (first: number, last: number) =>
  Array.from({ length: last - first + 1 }, (_, index) => `chatty ${first + index} 1700000000000000 ....\n`).join('');

/** A client whose every stream is this text, in pieces that do not end with lines. */
function clientOf(text: string) {
  const requests: unknown[] = [];
  async function* stream(_method: unknown, request: unknown) {
    requests.push(request);
    for (let start = 0; start < text.length; start += 70) {
      yield [{ bytes: Buffer.from(text.slice(start, start + 70)) }, { metadata: {} }];
    }
  }
  return { requests, stream: stream as unknown as MachineClient['stream'] };
}

t.test('each reads the whole log again and again, until it is told to stop', async (t) => {
  const clients = [clientOf(lines(5, 40)), clientOf(lines(5, 40))];
  const readers = new LogReaders(clients, 'chatty-burst');
  await readers.until(3);
  t.ok(clients.every(({ requests }) => requests.length >= 3));
  t.ok((await readers.stop()) > 0);
  const counts = clients.map(({ requests }) => requests.length);
  t.same(clients[0]?.requests[0], { namespace: 'system', id: 'chatty-burst', follow: false, tailLines: -1 });
  await new Promise((resolve) => setImmediate(resolve));
  t.same(
    clients.map(({ requests }) => requests.length),
    counts,
    'nothing is asked any more',
  );
});

t.test('a log with a gap, with another line or with none fails whoever waits', async (t) => {
  for (const [text, why] of [
    [lines(1, 5) + lines(7, 9), /are missing/],
    ['', /are missing/],
    [`${lines(1, 2)}hello\n`, /not a line of chatty/],
  ] as const) {
    const readers = new LogReaders([clientOf(lines(1, 9)), clientOf(text)], 'chatty');
    await t.rejects(readers.until(1), why);
    await t.rejects(readers.stop(), why);
  }
});

t.test('waits for a line, or one behind it where it was overwritten', async (t) => {
  const client = clientOf(lines(1, 20));
  await untilLine(client, 'chatty', 20);
  t.match(client.requests, [{ follow: true }]);
  await untilLine(clientOf(lines(1, 3) + lines(30, 31)), 'chatty', 20);
  await t.rejects(untilLine(client, 'chatty', 21), /ended before line 21/);
});
