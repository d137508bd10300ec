/**
 * What does an orphan cost PID 1 in CPU time, and how long after the last exit of a wave is the last zombie gone?
 *
 * Rivals: tini, dumb-init and catatonit of Debian, each PID 1 of a PID namespace of its own, with the same storm as its child; ours is
 * a Node process whose reaper thread does the work.
 * What would change our mind: more CPU time an orphan than tini, or a wave that is not gone 50 ms after its last exit. (That no status of our
 * own children is lost is tested: test/in-guest/reaper.test.ts.)
 *
 * Each sample is a fresh namespace in which double-forked orphans are made and end in waves of 250 (test/helpers/reaper/storm.cc, which
 * measures the CPU time of its parent from outside of it). Checked: all have been reaped, no zombie is left, and ours has counted
 * them. Needs root. The rivals are fetched with the image's own machinery and never installed.
 *
 * Usage: npm run bench -- reaper [--samples N] [--orphans N]
 */
import { execFileSync } from 'node:child_process';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { cached } from '../lib/base/build-cache.js';
import { PrivateApt, unpackPackage } from '../lib/image/apt.js';
import { compileStaticProgram } from '../lib/image/compile.js';
import { IMAGE_SUITES } from '../lib/image/packages.js';
import { loadNative } from '../lib/native/index.js';
import { countOf } from './lib/count-of.js';
import { checkout, publish } from './lib/report.js';
import { quantile } from './lib/statistics.js';

const { values } = parseArgs({
  options: {
    samples: { type: 'string', default: '10' },
    orphans: { type: 'string', default: '5000' },
    'pid-1': { type: 'string' },
  },
});
const orphanCount = countOf('orphans', values.orphans);
const sampleCount = countOf('samples', values.samples);
const self = fileURLToPath(import.meta.url);

/** What the storm prints. */
interface StormReport {
  orphans: number;
  zombies: number;
  medianMs: number;
  worstMs: number;
  tookMs: number;
  cpuMs: number;
}

/** Runs the storm as our child, in a namespace in which this is PID 1. */
async function bePid1(storm: string): Promise<void> {
  const { process: processes } = loadNative();
  processes.startReaper({ subreaper: false });
  const options = { file: storm, argv: ['reaper-storm', 'orphans', values.orphans], env: {} };
  const child = processes.spawn({ ...options, stdin: 'null', stdout: 'inherit', stderr: 'inherit' });
  const status = await child.exited;
  const { orphansReaped } = processes.reaperStats();
  if (status.kind !== 'exited' || status.code !== 0) throw new Error(JSON.stringify(status));
  if (orphansReaped !== orphanCount) throw new Error(`${orphansReaped} orphans counted`);
}

/** Folder with the rivals, one below the name of each package. */
function fetchRivals(): Promise<string> {
  const names = ['catatonit', 'dumb-init', 'tini'];
  return cached({
    kind: 'rival-inits',
    inputs: { names, suites: IMAGE_SUITES },
    onProgress: (text) => process.stderr.write(`${text}\n`),
    make: async (folder) => {
      const [apt, archives] = [join(folder, 'apt'), join(folder, 'archives')];
      await mkdir(archives, { recursive: true });
      const packages = await (await PrivateApt.open(apt, IMAGE_SUITES, 'amd64')).download(names, archives);
      for (const { name, file } of packages) await unpackPackage(file, join(folder, name));
      await rm(apt, { recursive: true });
    },
  });
}

function sample(pid1: string[], storm: string[]): StormReport {
  const argv = ['--pid', '--fork', '--mount-proc', '--kill-child', ...pid1, ...storm];
  const report = JSON.parse(execFileSync('unshare', argv, { encoding: 'utf8' })) as StormReport;
  if (report.zombies !== 0 || report.orphans < orphanCount || !(report.cpuMs > 0)) {
    throw new Error(`${pid1[0]}: ${JSON.stringify(report)}`);
  }
  return report;
}

async function main(): Promise<void> {
  const storm = join(checkout, 'out', 'reaper-storm');
  await compileStaticProgram('amd64', [join(checkout, 'test/helpers/reaper/storm.cc')], [], storm);
  const rivals = await fetchRivals();
  const argv = [storm, 'orphans', values.orphans];
  const contestants: Record<string, [pid1: string[], storm: string[]]> = {
    ours: [[process.execPath, self, '--orphans', values.orphans, '--pid-1', storm], []],
    tini: [[join(rivals, 'tini/usr/bin/tini-static'), '--'], argv],
    'dumb-init': [[join(rivals, 'dumb-init/usr/bin/dumb-init'), '--'], argv],
    catatonit: [[join(rivals, 'catatonit/usr/bin/catatonit'), '--'], argv],
  };
  const results = Object.keys(contestants).map((name) => ({ name, reports: [] as StormReport[] }));
  for (let number = 0; number < sampleCount; number++) {
    // In turn, so that whatever else the machine does meets all of them.
    for (const { name, reports } of results) {
      const [pid1, rest] = contestants[name] as [string[], string[]];
      reports.push(sample(pid1, rest));
    }
  }
  const microseconds = (reports: StormReport[]) => reports.map(({ cpuMs, orphans }) => (cpuMs * 1000) / orphans);
  const median = (position: number) =>
    quantile(
      microseconds(results[position]?.reports ?? []).sort((left, right) => left - right),
      0.5,
    );
  const ratio = median(0) / median(1);
  process.stderr.write(`CPU time an orphan: ${ratio.toFixed(2)} × that of tini\n`);
  await publish({
    benchmark: 'reaper',
    question: 'what an orphan costs PID 1, and how long zombies stay',
    parameters: { orphans: orphanCount, wave: 250, ratioToTini: ratio },
    measurements: results.flatMap(({ name, reports }) => [
      { name: `${name}: CPU time an orphan`, unit: 'µs', samples: microseconds(reports) },
      {
        name: `${name}: last exit to no zombie, median wave`,
        unit: 'ms',
        samples: reports.map((each) => each.medianMs),
      },
      { name: `${name}: last exit to no zombie, worst wave`, unit: 'ms', samples: reports.map((each) => each.worstMs) },
      { name: `${name}: the whole storm`, unit: 'ms', samples: reports.map((each) => each.tookMs) },
    ]),
  });
}

await (values['pid-1'] === undefined ? main() : bePid1(values['pid-1']));
