import t from 'tap';
import { Backends } from '../../../lib/proxyd/backends.js';

function backends(): Backends {
  return new Backends({ maxFailures: 3, log: () => {}, changed: () => {} });
}
const server = { host: '10.5.0.2', port: 6443 };

t.test('one that is not named any more stays until its last connection is over', async (t) => {
  const all = backends();
  all.replace([server]);
  const [first] = all.order();
  if (!first) throw new Error('there is no backend');
  const release = [all.engage(first, () => {}), all.engage(first, () => {})];
  all.replace([]);
  t.same(all.order(), [], 'it gets no new ones');
  release[0]?.();
  t.equal(all.all.length, 1);
  release[1]?.();
  t.equal(all.all.length, 0);
});

t.test('one that is named again is not forgotten with what is left of the earlier one', async (t) => {
  const all = backends();
  all.replace([server]);
  const [first] = all.order();
  if (!first) throw new Error('there is no backend');
  const release = all.engage(first, () => {});
  all.replace([]);
  release();
  all.replace([server]);
  // Of a connection whose client took its time with the last bytes.
  release();
  t.equal(all.order().length, 1);
  t.not(all.order()[0], first);
});
