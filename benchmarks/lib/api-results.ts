/** What benchmarks/api.ts publishes of its turns. Pure. */
import type { ApiLoad, ApiTurn } from './api-turn.js';
import type { Measurement } from './report.js';
import { quantile, type Ratio } from './statistics.js';

export const OURS = 'osd';
export const RIVAL = 'grpc-go';

/** Of latencies each turn gives one value a share. */
const SHARES = { median: 0.5, p95: 0.95, p99: 0.99 } as const;

const over = (connections: number) => `over ${connections} connection${connections === 1 ? '' : 's'}`;

function latencies(name: string, shares: readonly (keyof typeof SHARES)[], turns: readonly (readonly number[])[]) {
  const sorted = turns.map((times) => [...times].sort((left, right) => left - right));
  return shares.map((share) => ({
    name: `${name}, ${share}`,
    unit: 'ms',
    samples: sorted.map((times) => quantile(times, SHARES[share])),
  }));
}

function loadMeasurements(name: string, loads: readonly ApiLoad[]): Measurement[] {
  const where = over(loads[0]?.connections ?? 0);
  return [
    { name: `${name}: ${where}`, unit: 'calls/s', samples: loads.map((each) => each.callsPerSecond) },
    // Microseconds a call are milliseconds for a thousand of them.
    {
      name: `${name}: server ${where}`,
      unit: 'ms of CPU time/1000 calls',
      samples: loads.map((each) => each.serverUsPerCall),
    },
    {
      name: `${name}: client ${where}`,
      unit: 'ms of CPU time/1000 calls',
      samples: loads.map((each) => each.clientUsPerCall),
    },
  ];
}

/**
 * One measurement a question.
 * @param turns  by contestant and method, such as `osd, Version`
 */
export function apiMeasurements(turns: ReadonlyMap<string, readonly ApiTurn[]>): Measurement[] {
  return [...turns].flatMap(([name, taken]) => [
    ...latencies(
      `${name}: call`,
      ['median', 'p95', 'p99'],
      taken.map(({ callMs }) => callMs),
    ),
    // Too few a turn for the hundredth.
    ...latencies(
      `${name}: new connection and call`,
      ['median', 'p95'],
      taken.map(({ newConnectionMs }) => newConnectionMs),
    ),
    ...(taken[0]?.loads ?? []).flatMap((_, index) =>
      loadMeasurements(
        name,
        taken.map(({ loads }) => loads[index] as ApiLoad),
      ),
    ),
  ]);
}

/** How ours compares; above 1 is better than the rival. */
export function apiRatios(methods: readonly string[], connections: readonly number[]): Ratio[] {
  const ratio = (method: string, what: string, [of, by]: readonly [string, string]): Ratio => ({
    name: `${method}: ${what}, ${of} / ${by}`,
    of: `${of}, ${method}: ${what}`,
    by: `${by}, ${method}: ${what}`,
  });
  const [less, more] = [[RIVAL, OURS] as const, [OURS, RIVAL] as const];
  return methods.flatMap((method) => [
    ratio(method, 'call, median', less),
    ratio(method, 'call, p99', less),
    ratio(method, 'new connection and call, median', less),
    ...connections.flatMap((count) => [ratio(method, over(count), more), ratio(method, `server ${over(count)}`, less)]),
  ]);
}
