/** Work for many things, a few at a time. */
import t from 'tap';
import { eachAtMost } from '../../../lib/osctl/at-most.js';

/** Work that ends when it is told to. */
function bench() {
  const begun: number[] = [];
  const ends = new Map<number, { done: () => void; failed: (error: Error) => void }>();
  const work = (thing: number) => {
    begun.push(thing);
    return new Promise<void>((done, failed) => ends.set(thing, { done, failed }));
  };
  const settled = () => new Promise((resolve) => setImmediate(resolve));
  return { begun, ends, work, settled };
}

t.test('the next begins when one has ended, in their order', async (t) => {
  const { begun, ends, work, settled } = bench();
  const over = eachAtMost([1, 2, 3, 4], 2, work);
  t.same(begun, [1, 2]);
  ends.get(2)?.done();
  await settled();
  t.same(begun, [1, 2, 3]);
  for (const thing of [1, 3, 4]) {
    ends.get(thing)?.done();
    await settled();
  }
  await over;
  t.same(begun, [1, 2, 3, 4]);
  await eachAtMost([], 2, work);
  const all = eachAtMost([5, 6], 10, work);
  t.same(begun.slice(4), [5, 6], 'fewer than that');
  for (const thing of [5, 6]) ends.get(thing)?.done();
  await all;
});

t.test('after a failure none is begun', async (t) => {
  const { begun, ends, work, settled } = bench();
  const over = t.rejects(eachAtMost([1, 2, 3], 2, work), { message: 'no' });
  ends.get(1)?.failed(new Error('no'));
  await over;
  ends.get(2)?.done();
  await settled();
  t.same(begun, [1, 2]);
});
