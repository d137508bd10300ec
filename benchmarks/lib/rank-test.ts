/**
 * Whether the numbers of one set tend to be larger than those of another, without a word about how either is distributed: the test of Mann and
 * Whitney ("On a test of whether one of two random variables is stochastically larger than the other", 1947), exact, and the bound on a ratio that
 * goes with it (Hodges and Lehmann, "Estimates of location based on rank tests", 1963). Pure. Meant for a few dozen numbers: work grows with the
 * fourth power.
 */

/**
 * In how many ways each sum comes about when `size` of the ranks are taken.
 * @returns by the sum; all whole numbers, exact up to 2^53 and good to fifteen digits above
 */
function waysOfSums(ranks: readonly number[], size: number): Float64Array {
  const largest = ranks.reduce((sum, rank) => sum + rank, 0);
  const ways = Array.from({ length: size + 1 }, () => new Float64Array(largest + 1));
  (ways[0] as Float64Array)[0] = 1;
  for (const rank of ranks) {
    // Downwards, so that no rank is taken twice.
    for (let taken = size; taken >= 1; taken--) {
      const [more, fewer] = [ways[taken] as Float64Array, ways[taken - 1] as Float64Array];
      for (let sum = largest; sum >= rank; sum--) more[sum] = (more[sum] as number) + (fewer[sum - rank] as number);
    }
  }
  return ways[size] as Float64Array;
}

const total = (counts: Float64Array) => counts.reduce((sum, count) => sum + count, 0);

/** Twice the rank of each number, so that equal ones, which share the mean of their ranks, have whole numbers as well. */
function doubledRanks(numbers: readonly number[]): number[] {
  const sorted = [...numbers].sort((left, right) => left - right);
  return numbers.map((number) => sorted.indexOf(number) + sorted.lastIndexOf(number) + 2);
}

/**
 * How often chance alone would put `numbers` as far above `others` as they are, or further: the one-sided p-value. Ties are accounted for.
 * @throws RangeError when either is empty
 */
export function chanceOfLarger(numbers: readonly number[], others: readonly number[]): number {
  if (numbers.length === 0 || others.length === 0) throw new RangeError('a rank test needs numbers on both sides');
  const ranks = doubledRanks([...numbers, ...others]);
  const observed = ranks.slice(0, numbers.length).reduce((sum, rank) => sum + rank, 0);
  const ways = waysOfSums(ranks, numbers.length);
  return total(ways.slice(observed)) / total(ways);
}

/**
 * The largest factor between `numbers` and `others` that cannot be ruled out.
 * @param doubt  chance that the true one is larger still, such as 0.05
 * @returns Infinity when there are too few numbers to say anything
 * @throws RangeError when either is empty, or when a number is not above 0
 */
export function largestRatio(numbers: readonly number[], others: readonly number[], doubt: number): number {
  if (numbers.length === 0 || others.length === 0) throw new RangeError('a ratio needs numbers on both sides');
  if ([...numbers, ...others].some((each) => !(each > 0))) throw new RangeError('a ratio needs numbers above 0');
  const ratios = numbers.flatMap((number) => others.map((other) => number / other)).sort((a, b) => a - b);
  const size = numbers.length;
  const ways = waysOfSums(
    Array.from({ length: size + others.length }, (_, index) => index + 1),
    size,
  );
  const allowed = doubt * total(ways);
  // So many of the largest can be left out.
  let left = 0;
  const smallest = (size * (size + 1)) / 2;
  for (let seen = ways[smallest] as number; seen <= allowed; seen += ways[smallest + left] as number) left++;
  return left === 0 ? Number.POSITIVE_INFINITY : (ratios[ratios.length - left] as number);
}
