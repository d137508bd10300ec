import t from 'tap';
import type { ServerConnection } from '../../../../lib/control/server.js';
import { MAX_UPLOAD_BYTES, Uploads } from '../../../../lib/machined/queries/uploads.js';

function connection() {
  const listeners: (() => void)[] = [];
  const own = { onClose: (listener: () => void) => void listeners.push(listener) } as unknown as ServerConnection;
  return { own, close: () => listeners.map((listener) => listener()) };
}
const query = (upload: number) => ({ path: '/a/b', request: Buffer.from('inline'), caller: '', upload });

t.test('pieces are put together in order, once, and for their own connection', async (t) => {
  const uploads = new Uploads();
  const [one, two] = [connection(), connection()];
  for (const piece of ['a', 'b', 'c']) uploads.add(one.own, 7, Buffer.from(piece));
  uploads.add(two.own, 7, Buffer.from('other'));
  t.equal(Buffer.from(uploads.requestOf(one.own, query(0))).toString(), 'inline');
  t.equal(Buffer.from(uploads.requestOf(one.own, query(7))).toString(), 'abc');
  t.throws(() => uploads.requestOf(one.own, query(7)), { kind: 'INVALID_ARGUMENT', message: 'there is no upload 7' });
  two.close();
  t.throws(() => uploads.requestOf(two.own, query(7)), { name: 'ControlError', kind: 'INVALID_ARGUMENT' });
});

t.test('bounds: size, number, and names', async (t) => {
  const uploads = new Uploads();
  const { own } = connection();
  t.throws(() => uploads.add(own, 0, Buffer.from('a')), { name: 'ControlError', kind: 'INVALID_ARGUMENT' });
  for (const number of [1, 2, 3, 4]) uploads.add(own, number, Buffer.from('a'));
  t.throws(() => uploads.add(own, 5, Buffer.from('a')), { name: 'ControlError', kind: 'RESOURCE_EXHAUSTED' });
  t.throws(() => uploads.add(own, 1, Buffer.alloc(MAX_UPLOAD_BYTES)), {
    kind: 'RESOURCE_EXHAUSTED',
    message: /larger than 1028 KiB/,
  });
  uploads.add(own, 5, Buffer.from('a'));
  t.throws(
    () => uploads.requestOf(own, query(1)),
    { message: 'there is no upload 1' },
    'what was too large is dropped',
  );
});
