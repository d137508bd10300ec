/**
 * How many megabytes a second of log lines go from a log ring through osd, mutual TLS and osctl into a pipe, and what do they cost?
 *
 * Rival: a grpc-go server and client of Debian trixie with mutual TLS that stream the same bytes from memory into the same pipe, in messages of 1 KiB as the
 * reference implementation does, and of 64 KiB. (It reads no ring and knows no losses: less work than ours.)
 * What would change our mind: less than 1.2 times the rival at 1 KiB; stretch: less than the rival at 64 KiB.
 *
 * Each sample is a fresh client. The lines are numbered and carry a checksum; what came is kept on tmpfs by the stopwatch (benchmarks/lib/log_lines.cc) and
 * checked, line for line, when the time has been taken. Contestants take turns. osd runs under the Node of the image, osctl under the one that runs this.
 * The figures of the guest are those of an emulated machine; there the round trip is made longer by netem on the loopback device.
 *
 * Usage: npm run bench -- logs [--samples N] [--megabytes N] [--line-bytes N] [--services N] [--clients N]   one row, on this host
 *        npm run bench -- logs --grid      every line size, number of services and of clients; then 0, 20 and 100 ms in the test guest
 */
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { grpcRival } from './lib/grpc-rival.js';
import { helperProgram } from './lib/guest.js';
import { measureRow, type RowOptions } from './lib/log-row.js';
import { publish } from './lib/report.js';

const { values } = parseArgs({
  options: {
    samples: { type: 'string', default: '7' },
    megabytes: { type: 'string', default: '256' },
    'line-bytes': { type: 'string', default: '100' },
    services: { type: 'string', default: '1' },
    clients: { type: 'string', default: '1' },
    grid: { type: 'boolean', default: false },
  },
});

const tool = join(await helperProgram('log_lines.cc'), 'log_lines');
const rival = await grpcRival();
const row: RowOptions = {
  lineBytes: Number(values['line-bytes']),
  megabytes: Number(values.megabytes),
  services: Number(values.services),
  clients: Number(values.clients),
  samples: Number(values.samples),
  tool,
  rival,
};

const results = await measureRow(row);
const measurements = Object.entries(results).flatMap(([name, samples]) => [
  { name: `${name}: throughput`, unit: 'MB/s', samples: samples.map((each) => each.megabytesPerSecond) },
  { name: `${name}: lines`, unit: 'lines/s', samples: samples.map((each) => each.linesPerSecond) },
  { name: `${name}: whole command`, unit: 's', samples: samples.map((each) => each.totalSeconds) },
  { name: `${name}: CPU time, server`, unit: 's/GB', samples: samples.map((each) => each.serverCpuSecondsPerGb) },
  { name: `${name}: CPU time, client`, unit: 's/GB', samples: samples.map((each) => each.clientCpuSecondsPerGb) },
  { name: `${name}: peak memory, server`, unit: 'MiB', samples: samples.map((each) => each.serverPeakMib) },
  { name: `${name}: peak memory, client`, unit: 'MiB', samples: samples.map((each) => each.clientPeakMib) },
]);
await publish({
  benchmark: 'logs',
  question: 'log ring to osctl over mutual TLS',
  parameters: { ...row, tool: 'log_lines', rival: 'grpc-go 1.64' },
  measurements,
  ratios: [
    {
      name: 'osctl logs to grpc-go at 1 KiB, MB/s',
      of: 'osctl logs: throughput',
      by: 'grpc-go, 1 KiB messages: throughput',
      atLeast: 1.2,
    },
    {
      name: 'osctl logs to grpc-go at 64 KiB, MB/s (stretch)',
      of: 'osctl logs: throughput',
      by: 'grpc-go, 64 KiB messages: throughput',
    },
  ],
});
