import t from 'tap';
import { quantile, ratiosOf, summarise } from '../../../benchmarks/lib/statistics.js';

t.test('quantiles lie between their neighbours', async (t) => {
  t.equal(quantile([1, 2, 3], 0), 1);
  t.equal(quantile([1, 2, 3], 1), 3);
  t.equal(quantile([1, 2, 3], 0.5), 2);
  t.equal(quantile([1, 2, 3, 4], 0.5), 2.5);
  t.equal(quantile([7], 0.99), 7);
});

t.test('a summary of samples', async (t) => {
  t.same(summarise([4, 2, 6]), { count: 3, min: 2, median: 4, p99: 5.96, max: 6, mean: 4, deviation: 2 });
  t.equal(summarise([5]).deviation, 0);
  t.throws(() => summarise([]), RangeError);
});

t.test('ratios of medians', async (t) => {
  const measurements = [
    { name: 'ours', summary: summarise([10, 20, 90]) },
    { name: 'rival', summary: summarise([2, 4, 6]) },
  ];
  t.same(ratiosOf([{ name: 'x', of: 'ours', by: 'rival', atLeast: 3 }], measurements), [
    { name: 'x', of: 'ours', by: 'rival', atLeast: 3, value: 5 },
  ]);
  t.throws(() => ratiosOf([{ name: 'x', of: 'ours', by: 'nobody' }], measurements), RangeError);
});
