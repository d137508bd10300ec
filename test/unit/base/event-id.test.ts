import t from 'tap';
import { counterOf, eventId, isEventId, isSameBoot } from '../../../lib/base/event-id.js';

t.test('the form is that of xid', async (t) => {
  // The example of xid's own documentation: time 1300816219, machine 60 f4 86, process e4 28, counter 4271561.
  t.equal(eventId(0x4d88e15b, 0x60f486e428n, 4271561), '9m4e2mr0ui3e8a215n4g');
  t.equal(counterOf('9m4e2mr0ui3e8a215n4g'), 4271561);
});

t.test('order, boots, and what is none', async (t) => {
  const ids = [
    [5, 1],
    [5, 2],
    [6, 3],
    [2 ** 31, 2 ** 24 + 4],
  ].map(([seconds = 0, counter = 0]) => eventId(seconds, 7n, counter));
  t.same([...ids].sort(), ids);
  t.ok(ids.every(isEventId));
  t.same(ids.map(counterOf), [1, 2, 3, 4]);
  t.ok(isSameBoot(ids[0] ?? '', ids[3] ?? ''));
  t.notOk(isSameBoot(ids[0] ?? '', eventId(5, 8n, 1)));
  for (const text of ['', 'x', '9m4e2mr0ui3e8a215n41', '9M4E2MR0UI3E8A215N4G', '9m4e2mr0ui3e8a215n4', '10m']) {
    t.notOk(isEventId(text), text);
  }
});
