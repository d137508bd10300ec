/**
 * How fast do 100-byte lines go from a service's standard output into its log ring, compared with journald?
 *
 * Rival: systemd-journald of Debian trixie, alone in the same guest, with a volatile journal and no limit of rate, fed by the same program through
 * its stream socket as systemd connects services. Its time ends when the last line is in the journal file; the ring's when the pipe has come to its end and all of it is
 * in the ring. Both are read back: every line of the journal, the count and the last 1,000 lines of the ring (which keeps one megabyte).
 * What would change our mind: less than 20 times journald, or less than the class of 500 MB/s on hardware (an emulated guest is several times slower).
 *
 * Each sample is a fresh process in one boot of the guest, ring and journald in turn. The numbers of lines differ, so that each takes about a second.
 *
 * Usage: npm run bench -- ingest [--samples N] [--ring-lines N] [--journal-lines N]
 */
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { countOf } from './lib/count-of.js';
import { helperProgram, rivalPackages, runInGuest } from './lib/guest.js';
import type { IngestSample } from './lib/ingest-in-guest.js';
import { publish } from './lib/report.js';

const { values } = parseArgs({
  options: {
    samples: { type: 'string', default: '10' },
    'ring-lines': { type: 'string', default: '2000000' },
    'journal-lines': { type: 'string', default: '10000' },
  },
});
const sampleCount = countOf('samples', values.samples);
const ringLines = countOf('ring-lines', values['ring-lines']);
const journalLines = countOf('journal-lines', values['journal-lines']);
const LINE_BYTES = 100;

/** journald, journalctl and the libraries that they are linked to. */
const RIVAL = [
  ...['systemd', 'libsystemd-shared', 'libacl1', 'libblkid1', 'libcap2', 'libcrypt1', 'libmount1', 'libssl3t64'],
  ...[
    'libpam0g',
    'libseccomp2',
    'libselinux1',
    'libpcre2-8-0',
    'libaudit1',
    'libcap-ng0',
    'libzstd1',
    'liblz4-1',
    'zlib1g',
  ],
];

const packages = await rivalPackages(RIVAL);
const generator = await helperProgram('line_generator.cc');
const output = await runInGuest({
  script: 'benchmarks/lib/ingest-in-guest.ts',
  scriptArguments: [
    ...['--packages', packages, '--generator', join(generator, 'line_generator'), '--samples', values.samples],
    ...['--ring-lines', values['ring-lines'], '--journal-lines', values['journal-lines']],
  ],
  shares: [packages, generator],
  deadlineSeconds: 600,
});
const samples = JSON.parse(output) as Record<'ring' | 'journal', IngestSample[]>;

const contestants = [
  { name: 'log ring', lines: ringLines, samples: samples.ring },
  { name: 'journald', lines: journalLines, samples: samples.journal },
];
const measurements = contestants.flatMap(({ name, lines, samples }) => [
  { name: `${name}: lines`, unit: 'lines/s', samples: samples.map(({ seconds }) => lines / seconds) },
  {
    name: `${name}: throughput`,
    unit: 'MB/s',
    samples: samples.map(({ seconds }) => (lines * LINE_BYTES) / seconds / 1e6),
  },
  {
    name: `${name}: CPU time`,
    unit: 'µs/line',
    samples: samples.map(({ cpuSeconds }) => (cpuSeconds / lines) * 1e6),
  },
]);
await publish({
  benchmark: 'ingest',
  question: 'service stdout to its log, 100-byte lines, in the emulated test guest',
  parameters: {
    lineBytes: LINE_BYTES,
    ringLines,
    journalLines,
    samples: sampleCount,
    place: 'test guest',
  },
  measurements,
  ratios: [
    { name: 'log ring to journald, MB/s', of: 'log ring: throughput', by: 'journald: throughput', atLeast: 20 },
    { name: 'journald to log ring, CPU time a line', of: 'journald: CPU time', by: 'log ring: CPU time' },
  ],
});
