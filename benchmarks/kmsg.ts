/**
 * How long does it take to read a full kernel log of 1 MiB: from the open to the last record decoded?
 *
 * Rival: dmesg of util-linux (Debian trixie) in the same guest, without times and colours: --raw, into a pipe that is read; and once more by syslog(2). It pays for the start of a process,
 * which a reader does not; so the same program's `--version` is measured as well, and only the rest counts for the ratio. Ours makes a JavaScript object of every record, as osd does; the process is
 * warm, for osd is, too.
 * What would change our mind: slower than dmesg's reading; then records would have to stay bytes.
 *
 * Each sample is a fresh process in one boot of the guest, in turn. Both must see the same records.
 *
 * Usage: npm run bench -- kmsg [--samples N]
 */
import { parseArgs } from 'node:util';
import { rivalPackages, runInGuest } from './lib/guest.js';
import type { KmsgSamples } from './lib/kmsg-in-guest.js';
import { publish } from './lib/report.js';
import { quantile } from './lib/statistics.js';

const { values } = parseArgs({ options: { samples: { type: 'string', default: '15' } } });

const packages = await rivalPackages(['util-linux', 'libtinfo6']);
const output = await runInGuest({
  script: 'benchmarks/lib/kmsg-in-guest.ts',
  scriptArguments: ['--packages', packages, '--samples', values.samples],
  shares: [packages],
  kernelParameters: ['log_buf_len=1M'],
  deadlineSeconds: 300,
});
const samples = JSON.parse(output) as KmsgSamples;
const startMs = quantile(
  [...samples.dmesgStart].sort((left, right) => left - right),
  0.5,
);
const reading = (times: number[]) => times.map((ms) => ms - startMs);
const names = {
  ours: 'native reader',
  dmesg: 'dmesg --raw',
  start: 'dmesg --version',
  reading: 'dmesg, reading only',
  syslog: 'dmesg --syslog --raw, reading only',
};
await publish({
  benchmark: 'kmsg',
  question: 'milliseconds to read a full kernel log of 1 MiB, in the emulated test guest',
  parameters: { records: samples.records, textBytes: samples.textBytes, logBytes: 1 << 20, place: 'test guest' },
  measurements: [
    { name: names.ours, unit: 'ms', samples: samples.ours },
    { name: names.dmesg, unit: 'ms', samples: samples.dmesg },
    { name: names.start, unit: 'ms', samples: samples.dmesgStart },
    { name: names.reading, unit: 'ms', samples: reading(samples.dmesg) },
    { name: names.syslog, unit: 'ms', samples: reading(samples.dmesgSyslog) },
  ],
  ratios: [
    { name: 'dmesg, reading only, to ours', of: names.reading, by: names.ours, atLeast: 1 },
    { name: 'dmesg by syslog(2), reading only, to ours', of: names.syslog, by: names.ours },
    { name: 'dmesg as a command to ours', of: names.dmesg, by: names.ours },
  ],
});
