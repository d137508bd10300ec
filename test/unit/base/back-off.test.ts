import t from 'tap';
import { nextDelay } from '../../../lib/base/back-off.js';

t.test('the delay doubles with every short run, up to a bound', (t) => {
  const delays: number[] = [];
  for (let delay = nextDelay(0, 0); delays.length < 10; delay = nextDelay(delay, 100)) delays.push(delay);
  t.same(delays, [250, 500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000]);
  t.end();
});

t.test('a healthy run starts the series anew', (t) => {
  t.equal(nextDelay(16_000, 29_999), 30_000);
  t.equal(nextDelay(16_000, 30_000), 250);
  t.end();
});

t.test('nodes of tests have another bound', (t) => {
  t.equal(nextDelay(0, 0, 100), 100);
  t.equal(nextDelay(100, 30_000, 100), 100);
  t.equal(nextDelay(250, 0, 400), 400);
  t.end();
});
