/** The exact rank test, against tables that others have published and against counting every arrangement. */
import t from 'tap';
import { chanceOfLarger, largestRatio } from '../../../benchmarks/lib/rank-test.js';

/** How many of all choices of `size` of the numbers have at least the mean rank that `chosen` has: the slow way. */
function byCounting(chosen: readonly number[], others: readonly number[]): number {
  const all = [...chosen, ...others];
  const below = (number: number) =>
    all.filter((other) => other < number).length + all.filter((other) => other === number).length / 2;
  const sumOf = (numbers: readonly number[]) => numbers.reduce((sum, number) => sum + below(number), 0);
  let [asFar, choices] = [0, 0];
  for (let mask = 0; mask < 1 << all.length; mask++) {
    const picked = all.filter((_, index) => (mask >> index) & 1);
    if (picked.length !== chosen.length) continue;
    choices++;
    if (sumOf(picked) >= sumOf(chosen) - 1e-9) asFar++;
  }
  return asFar / choices;
}

t.test('all of one side above the other: one arrangement of all', async (t) => {
  t.equal(chanceOfLarger([4, 5, 6], [1, 2, 3]), 1 / 20);
  t.equal(chanceOfLarger([1, 2, 3], [4, 5, 6]), 1);
  t.equal(chanceOfLarger([8, 9, 10, 11, 12, 13, 14], [1, 2, 3, 4, 5, 6, 7]), 1 / 3432);
});

t.test('agrees with counting every arrangement, with ties and without', async (t) => {
  const cases: [number[], number[]][] = [
    [
      [3, 1, 4, 1, 5],
      [9, 2, 6, 5],
    ],
    [
      [2.5, 2.5, 2.5],
      [2.5, 2.5],
    ],
    [
      [10, 12, 11, 15, 10],
      [10, 9, 8, 12, 7, 10],
    ],
  ];
  for (const [numbers, others] of cases) {
    t.ok(Math.abs(chanceOfLarger(numbers, others) - byCounting(numbers, others)) < 1e-12, JSON.stringify(numbers));
    t.ok(Math.abs(chanceOfLarger(others, numbers) - byCounting(others, numbers)) < 1e-12);
  }
});

t.test('two of the same set are never told apart', async (t) => {
  t.ok(chanceOfLarger([5, 5, 5, 5], [5, 5, 5, 5]) === 1);
  const numbers = [1, 2, 3, 4, 5, 6, 7];
  t.ok(chanceOfLarger(numbers, numbers) > 0.5);
});

t.test('the bound on a ratio leaves out as many pairs as the table of critical values allows', async (t) => {
  // Seven and seven, one-sided 0.05: U may be 11 (Mann and Whitney's table), so the twelfth largest of the 49 ratios is the bound.
  const numbers = [1, 2, 3, 4, 5, 6, 7].map((each) => 100 + each);
  const others = [1, 2, 3, 4, 5, 6, 7].map((each) => 100 + each / 10);
  const ratios = numbers.flatMap((number) => others.map((other) => number / other)).sort((a, b) => a - b);
  t.equal(largestRatio(numbers, others, 0.05), ratios[49 - 12]);
});

t.test('the bound says nothing where there is too little to go by', async (t) => {
  t.equal(largestRatio([1, 2], [1, 2], 0.05), Number.POSITIVE_INFINITY);
  t.ok(largestRatio([1, 2, 3], [1, 2, 3], 0.05) < Number.POSITIVE_INFINITY, 'three and three: 1 of 20 is 0.05');
});

t.test('the bound holds about as often as it promises', async (t) => {
  // A generator of its own, so that every run is the same.
  let state = 12_345;
  const random = () => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    return state / 2_147_483_648;
  };
  const sample = (factor: number) => Array.from({ length: 7 }, () => factor * Math.exp(random() * 0.4));
  let exceeded = 0;
  for (let round = 0; round < 1000; round++) if (largestRatio(sample(1.3), sample(1), 0.05) < 1.3) exceeded++;
  t.ok(exceeded > 20 && exceeded < 80, `${exceeded} of 1000 bounds were below the truth; 50 are promised`);
});

t.test('nothing to compare is an error', async (t) => {
  t.throws(() => chanceOfLarger([], [1]), RangeError);
  t.throws(() => largestRatio([1], [], 0.05), RangeError);
  t.throws(() => largestRatio([0], [1], 0.05), RangeError);
});
