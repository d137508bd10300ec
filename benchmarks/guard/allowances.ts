/**
 * Slow-downs that are wanted: a commit that knows what it costs says so in a trailer of its message, and the guard lets that much through for as long as the commit lies between
 * base and working folder. Pure.
 *
 *     Guard-allows: osctl-time 1.6 the config is checked against its schema at once
 */

/** The name of the trailer. */
export const TRAILER = 'Guard-allows';

export interface Allowance {
  readonly metric: string;
  readonly limit: number;
  readonly reason: string;
}

const FORM = /^(\S+)\s+(\d+(?:\.\d+)?)\s+(\S.*)$/;
/** Whoever costs more than that has something else in mind. */
const LARGEST = 10;

/**
 * @param trailers  their values, a line each, newest commit first
 * @param known  names of metrics
 * @throws RangeError what is wrong with one, in a sentence
 */
export function parseAllowances(trailers: string, known: readonly string[]): Allowance[] {
  return trailers
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => {
      const [, metric = '', factor, reason = ''] = FORM.exec(line.trim()) ?? [];
      const limit = Number(factor);
      if (!known.includes(metric) || !(limit > 1 && limit <= LARGEST)) {
        throw new RangeError(
          `"${TRAILER}: ${line.trim()}" must be a metric, a factor above 1 and up to ${LARGEST}, and a reason; there are ${known.join(', ')}`,
        );
      }
      return { metric, limit, reason };
    });
}

/** The largest allowance of a metric, if there is one. */
export function allowanceFor(metric: string, allowances: readonly Allowance[]): Allowance | undefined {
  return allowances.filter((each) => each.metric === metric).sort((left, right) => right.limit - left.limit)[0];
}
