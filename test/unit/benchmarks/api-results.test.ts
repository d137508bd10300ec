import t from 'tap';
import { apiMeasurements, apiRatios } from '../../../benchmarks/lib/api-results.js';
import type { ApiTurn } from '../../../benchmarks/lib/api-turn.js';
import { isOurs } from '../../../benchmarks/lib/result-page.js';
import { ratiosOf, summarise } from '../../../benchmarks/lib/statistics.js';

/** A turn whose times are 1 to 100 ms, and whose figures are multiples of a factor. */
function turn(factor: number): ApiTurn {
  const times = Array.from({ length: 100 }, (_, index) => 100 - index);
  const load = (connections: number) => ({
    connections,
    callsPerSecond: 1000 * factor * connections,
    serverUsPerCall: 200 / factor,
    clientUsPerCall: 300 / factor,
  });
  return { callMs: times, newConnectionMs: times.map((ms) => ms * factor), loads: [load(1), load(4)] };
}

const TURNS = new Map([
  ['osd, Version', [turn(1), turn(2)]],
  ['grpc-go, Version', [turn(4), turn(4)]],
]);

t.test('a value a turn of each latency, and each load by its connections', async (t) => {
  const measurements = apiMeasurements(TURNS);
  const samplesOf = (name: string) => measurements.find((each) => each.name === name)?.samples;
  t.same(samplesOf('osd, Version: call, median'), [50.5, 50.5]);
  t.ok(Math.abs((samplesOf('osd, Version: call, p99')?.[0] ?? 0) - 99.01) < 1e-9);
  t.same(samplesOf('osd, Version: new connection and call, median'), [50.5, 101]);
  t.same(samplesOf('osd, Version: over 1 connection'), [1000, 2000]);
  t.same(samplesOf('osd, Version: over 4 connections'), [4000, 8000]);
  t.same(samplesOf('osd, Version: server over 4 connections'), [200, 100]);
  t.same(samplesOf('grpc-go, Version: client over 1 connection'), [75, 75]);
  t.equal(new Set(measurements.map(({ name }) => name)).size, measurements.length, 'each name once');
});

t.test('ratios are of what was measured, and above 1 where ours is better', async (t) => {
  const measurements = apiMeasurements(TURNS).map((each) => ({ ...each, summary: summarise(each.samples) }));
  const ratios = ratiosOf(apiRatios(['Version'], [1, 4]), measurements);
  const ratio = (name: string) => ratios.find((each) => each.name === name)?.value;
  t.equal(ratio('Version: over 4 connections, osd / grpc-go'), 6000 / 16_000);
  t.equal(ratio('Version: server over 1 connection, grpc-go / osd'), 50 / 150);
  t.equal(ratio('Version: new connection and call, median, grpc-go / osd'), 202 / 75.75);
});

t.test('on the chart osd is ours, and grpc-go is not', async (t) => {
  for (const { name } of apiMeasurements(TURNS)) t.equal(isOurs(name), name.startsWith('osd'), name);
});
