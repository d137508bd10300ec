/**
 * How many megabytes a second of log lines go from a log ring through osd, mutual TLS and osctl into a pipe, and what do they cost?
 *
 * Rival: a grpc-go server and client of Debian trixie with mutual TLS that stream the same bytes from memory into the same pipe, in messages of 1 KiB as the
 * reference implementation does, and of 64 KiB. (It reads no ring and knows no losses: less work than ours.)
 * What would change our mind: less than 1.2 times the rival at 1 KiB; stretch: less than the rival at 64 KiB.
 *
 * Each sample is a fresh client. The lines are numbered and carry a checksum; what came is kept on tmpfs by the stopwatch (benchmarks/lib/log_lines.cc) and
 * checked, line for line, when the time has been taken. Contestants take turns. osd runs under the Node of the image, osctl under the one that runs this.
 * The round trip is made longer by netem on the loopback device of the test guest.
 *
 * Peak memory of osd holds the pages of the log ring, which all readers share, as that of the rival holds its file. An emulated guest is several times slower.
 *
 * Usage: npm run bench -- logs [--samples N] [--megabytes N] [--line-bytes N] [--services N] [--clients N]   one row, on this host
 *        npm run bench -- logs --grid      line sizes, numbers of services and of clients on this host; 0, 20 and 100 ms of round trip in the test guest
 */
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { countOf } from './lib/count-of.js';
import { grpcRival } from './lib/grpc-rival.js';
import { helperProgram, rivalPackages, runInGuest } from './lib/guest.js';
import { measureRow, type RowOptions, type RowSample, rowMeasurements, rowRatios } from './lib/log-row.js';
import { publish } from './lib/report.js';

const { values } = parseArgs({
  options: {
    samples: { type: 'string', default: '5' },
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
  lineBytes: countOf('line-bytes', values['line-bytes']),
  megabytes: countOf('megabytes', values.megabytes),
  services: countOf('services', values.services),
  clients: countOf('clients', values.clients),
  samples: countOf('samples', values.samples),
  tool,
  rival,
};

/** An emulated guest is several times slower. */
const GUEST_ROWS = { samples: 5, megabytes: 64, 'line-bytes': 100 };

interface Row {
  label: string;
  results: Record<string, RowSample[]>;
}

/** On this host. */
async function rowsOfHost(): Promise<Row[]> {
  const sizes = [32, 100, 1024, 16_384, 1 << 20].map((lineBytes) => ({ lineBytes, services: 1, clients: 1 }));
  const wide = [
    { lineBytes: 100, services: 10, clients: 1 },
    { lineBytes: 100, services: 100, clients: 1 },
    { lineBytes: 100, services: 1, clients: 8 },
    { lineBytes: 1024, services: 1, clients: 8 },
  ];
  const rows: Row[] = [];
  for (const shape of [...sizes, ...wide]) {
    const label = `${shape.lineBytes} B, services ${shape.services}, clients ${shape.clients}: `;
    process.stderr.write(`${label}\n`);
    rows.push({ label, results: await measureRow({ ...row, ...shape }) });
  }
  return rows;
}

/** A boot of the guest each. The less there is to send the more the start of a stream counts, so there is more of it for a longer way. */
async function rowsOfGuest(): Promise<Row[]> {
  const libraries = ['libbpf1', 'libelf1t64', 'libmnl0', 'libcap2', 'libxtables12', 'zlib1g', 'libzstd1'];
  const packages = await rivalPackages(['iproute2', ...libraries]);
  const rows: Row[] = [];
  for (const rtt of [0, 20, 100]) {
    const label = `in the guest, round trip + ${rtt} ms: `;
    process.stderr.write(`${label}\n`);
    const output = await runInGuest({
      script: 'benchmarks/lib/logs-in-guest.ts',
      scriptArguments: [
        ...['--packages', packages, '--tool', tool, '--rival', rival, '--rtt', String(rtt)],
        ...Object.entries(GUEST_ROWS).flatMap(([name, value]) => [`--${name}`, String(value)]),
      ],
      shares: [packages, dirname(tool), dirname(rival)],
      memoryMiB: 3072,
      deadlineSeconds: 1200,
    });
    rows.push({ label, results: JSON.parse(output) as Record<string, RowSample[]> });
  }
  return rows;
}

/** Stores the rows of one place; those of the next may fail. */
async function publishRows(
  benchmark: string,
  rows: readonly Row[],
  parameters: object,
  atLeast?: number,
): Promise<void> {
  await publish({
    benchmark,
    question: 'log ring to osctl over mutual TLS',
    parameters: { ...parameters },
    measurements: rows.flatMap(({ label, results }) => rowMeasurements(results, label)),
    ratios: rows.flatMap(({ label }) => rowRatios(label, atLeast)),
  });
}

if (values.grid) {
  await publishRows('logs-grid', await rowsOfHost(), { samples: row.samples, megabytes: row.megabytes });
  await publishRows('logs-round-trips', await rowsOfGuest(), GUEST_ROWS);
} else {
  const { tool: _tool, rival: _rival, ...parameters } = row;
  await publishRows('logs', [{ label: '', results: await measureRow(row) }], parameters, 1.2);
}
