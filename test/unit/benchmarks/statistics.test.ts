import t from 'tap';
import { exponentOf, quantile, ratiosOf, summarise } from '../../../benchmarks/lib/statistics.js';

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

t.test('the power with which a cost grows, over the upper decade', async (t) => {
  const points = (cost: (size: number) => number) => [1, 10, 30, 100, 300].map((size) => ({ size, cost: cost(size) }));
  t.ok(Math.abs(exponentOf(points((size) => 7 * size)) - 1) < 1e-9);
  t.ok(Math.abs(exponentOf(points((size) => size * size)) - 2) < 1e-9);
  t.equal(exponentOf(points(() => 5)), 0);
  t.ok(exponentOf(points((size) => 10_000 + size)) < 0.1, 'what is the same for all counts less');
  t.throws(() => exponentOf([{ size: 1, cost: 1 }]), RangeError);
});
