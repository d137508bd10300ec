/** Numbers that describe a handful of samples. */

export interface Summary {
  count: number;
  min: number;
  median: number;
  p99: number;
  max: number;
  mean: number;
  /** Standard deviation of the sample; 0 for a single one. */
  deviation: number;
}

/** The value below which the given share (0 to 1) of the sorted numbers lies; linear between neighbours. */
export function quantile(sorted: readonly number[], share: number): number {
  const position = (sorted.length - 1) * share;
  const [low, high] = [sorted[Math.floor(position)] ?? Number.NaN, sorted[Math.ceil(position)] ?? Number.NaN];
  return low + (high - low) * (position - Math.floor(position));
}

/** @throws RangeError when there is no number */
export function summarise(numbers: readonly number[]): Summary {
  if (numbers.length === 0) throw new RangeError('no samples to summarise');
  const sorted = [...numbers].sort((a, b) => a - b);
  const mean = sorted.reduce((sum, value) => sum + value, 0) / sorted.length;
  const squares = sorted.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return {
    count: sorted.length,
    min: sorted[0] as number,
    median: quantile(sorted, 0.5),
    p99: quantile(sorted, 0.99),
    max: sorted.at(-1) as number,
    mean,
    deviation: sorted.length > 1 ? Math.sqrt(squares / (sorted.length - 1)) : 0,
  };
}

/** A comparison of two things that were measured in the same run, by their medians. */
export interface Ratio {
  name: string;
  /** Name of the measurement that is divided, and of the one that it is divided by. */
  of: string;
  by: string;
  /** The budget, where there is one. */
  atLeast?: number;
}

/** @throws RangeError when a measurement of that name is missing */
export function ratiosOf(
  ratios: readonly Ratio[],
  measurements: readonly { name: string; summary: Summary }[],
): (Ratio & { value: number })[] {
  const medianOf = (name: string): number => {
    const found = measurements.find((each) => each.name === name);
    if (found === undefined) throw new RangeError(`nothing was measured by the name of ${name}`);
    return found.summary.median;
  };
  return ratios.map((ratio) => ({ ...ratio, value: medianOf(ratio.of) / medianOf(ratio.by) }));
}

/**
 * With which power a cost grows over the upper decade: 1 is in proportion, 0 not at all.
 * @param points  by size, ascending; the slope is that from the last one that is at most a tenth of the largest, or else from the first
 * @throws RangeError with fewer than two
 */
export function exponentOf(points: readonly { size: number; cost: number }[]): number {
  const last = points.at(-1);
  const first = points.findLast(({ size }) => size <= (last?.size ?? 0) / 10) ?? points[0];
  if (last === undefined || first === undefined || first === last) throw new RangeError('an exponent needs two sizes');
  return Math.log(last.cost / first.cost) / Math.log(last.size / first.size);
}
