/**
 * What does it cost to go through proxyd, compared with HAProxy?
 *
 * Rival: HAProxy of Debian trixie in its TCP mode, in the same guest, between the same server and the same client, both of them small C++ programs.
 * Measured are bytes a second over one connection and over eight, round trips of 1 KiB on a connection that lasts, and new connections with one round
 * trip. What a proxy adds is its 99th percentile less that of the way without any, taken in the same round.
 * What would change our mind: less than 0.8 times HAProxy's throughput, or more than twice what it adds to a round trip.
 *
 * Each sample is a fresh process, in turn, in one boot of the guest.
 *
 * Usage: npm run bench -- proxyd [--samples N] [--bytes N] [--pings N] [--connects N]
 */
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { countOf } from './lib/count-of.js';
import { helperProgram, rivalPackages, runInGuest } from './lib/guest.js';
import type { ProxySample, Way } from './lib/proxyd-in-guest.js';
import { publish } from './lib/report.js';

const { values } = parseArgs({
  options: {
    samples: { type: 'string', default: '10' },
    bytes: { type: 'string', default: '268435456' },
    pings: { type: 'string', default: '3000' },
    connects: { type: 'string', default: '500' },
  },
});
const counts = {
  bytes: countOf('bytes', values.bytes),
  pings: countOf('pings', values.pings),
  connects: countOf('connects', values.connects),
  samples: countOf('samples', values.samples),
};

/** HAProxy, and the libraries that it is linked to. */
const RIVAL = [
  ...['haproxy', 'libcrypt1', 'libjemalloc2', 'liblua5.4-0', 'libopentracing-c-wrapper0t64', 'libopentracing1'],
  ...['libpcre2-8-0', 'libssl3t64', 'libstdc++6', 'libgcc-s1', 'zlib1g', 'libzstd1'],
];

const packages = await rivalPackages(RIVAL);
const program = await helperProgram('tcp_load.cc');
const output = await runInGuest({
  script: 'benchmarks/lib/proxyd-in-guest.ts',
  scriptArguments: [
    ...['--packages', packages, '--load', join(program, 'tcp_load'), '--samples', values.samples],
    ...['--bytes', values.bytes, '--pings', values.pings, '--connects', values.connects],
  ],
  shares: [packages, program],
  deadlineSeconds: 1800,
});
const samples = JSON.parse(output) as Record<Way, ProxySample[]>;

/** In microseconds. */
const p99 = (sorted: readonly number[]) => (sorted[Math.floor(sorted.length * 0.99)] ?? 0) / 1e3;
const added = (way: Way, of: 'pings' | 'connects') =>
  samples[way].map((sample, round) => p99(sample[of]) - p99(samples.direct[round]?.[of] ?? []));

const measurements = (['direct', 'haproxy', 'proxyd'] as const).flatMap((way) => [
  { name: `${way}: one connection`, unit: 'MB/s', samples: samples[way].map(({ one }) => one / 1e6) },
  { name: `${way}: eight connections`, unit: 'MB/s', samples: samples[way].map(({ eight }) => eight / 1e6) },
  { name: `${way}: round trip, p99`, unit: 'µs', samples: samples[way].map(({ pings }) => p99(pings)) },
  { name: `${way}: new connection, p99`, unit: 'µs', samples: samples[way].map(({ connects }) => p99(connects)) },
  ...(way === 'direct'
    ? []
    : [
        { name: `${way}: CPU time`, unit: 's/GB', samples: samples[way].map(({ cpuPerGb }) => cpuPerGb) },
        { name: `${way}: added to a round trip, p99`, unit: 'µs', samples: added(way, 'pings') },
        { name: `${way}: added to a new connection, p99`, unit: 'µs', samples: added(way, 'connects') },
      ]),
]);
const ratio = (name: string, what: string, of: Way, by: Way, atLeast?: number) => ({
  name,
  of: `${of}: ${what}`,
  by: `${by}: ${what}`,
  ...(atLeast !== undefined && { atLeast }),
});
await publish({
  benchmark: 'proxyd',
  question: 'a TCP proxy on the loopback interface, in the emulated test guest',
  parameters: {
    ...counts,
    pingBytes: 1024,
    place: 'test guest',
  },
  measurements,
  ratios: [
    ratio('proxyd to HAProxy, one connection', 'one connection', 'proxyd', 'haproxy', 0.8),
    ratio('proxyd to HAProxy, eight connections', 'eight connections', 'proxyd', 'haproxy', 0.8),
    ratio('HAProxy to proxyd, added to a round trip', 'added to a round trip, p99', 'haproxy', 'proxyd', 0.5),
    ratio('HAProxy to proxyd, added to a new connection', 'added to a new connection, p99', 'haproxy', 'proxyd'),
    ratio('HAProxy to proxyd, CPU time', 'CPU time', 'haproxy', 'proxyd'),
  ],
});
