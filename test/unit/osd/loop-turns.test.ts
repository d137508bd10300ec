import t from 'tap';
import { LoopTurns } from '../../../lib/osd/loop-turns.js';

const turn = () => new Promise((resolve) => setImmediate(resolve));

t.test('at once while there is time, then one a turn and in order', async (t) => {
  let nowMs = 0;
  const turns = new LoopTurns(() => nowMs);
  t.equal(turns.next(), undefined);
  nowMs = 4;
  t.equal(turns.next(), undefined, 'there is time left');
  nowMs = 5;
  const done: number[] = [];
  for (const number of [1, 2, 3]) void turns.next()?.then(() => done.push(number));
  t.strictSame(done, []);
  const seen: number[] = [];
  while (done.length < 3) {
    await turn();
    seen.push(done.length);
  }
  t.strictSame(done, [1, 2, 3]);
  t.strictSame(
    seen.filter((count) => count > 0),
    [1, 2, 3],
    'no two in one turn',
  );
  await turn();
  await turn();
  t.equal(turns.next(), undefined, 'and all is as before');
});

t.test('who comes later does not overtake', async (t) => {
  let nowMs = 0;
  const turns = new LoopTurns(() => nowMs);
  turns.next();
  nowMs = 6;
  const order: string[] = [];
  const first = turns.next()?.then(() => order.push('first'));
  await turn();
  nowMs = 6;
  const second = Promise.resolve(turns.next()).then(() => order.push('second'));
  await Promise.all([first, second]);
  t.strictSame(order, ['first', 'second']);
});
