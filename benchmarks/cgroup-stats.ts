/**
 * What does one round of statistics of 500 cgroups cost: CPU usage, memory and number of processes of each?
 *
 * Rivals: the same three files a group read by node:fs, synchronously and by promises (what a Node program does without an addon).
 * What would change our mind: less than three times as fast as the faster of the two; then the module is not worth its code.
 *
 * Each sample is a fresh process that makes 500 groups beneath the first cgroup2 mount, does ten rounds that do not count, then the
 * median of 50, and checks that the numbers are there. Needs root. In the test guest, where all controllers are:
 * test/guest run -- benchmarks/cgroup-stats.ts; its checkout is read-only, so the result is printed and not stored.
 *
 * Usage: npm run bench -- cgroup-stats [--samples N] [--groups N]
 */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { errorCode } from '../lib/base/errors.js';
import type { CgroupStats } from '../lib/native/contract.js';
import { loadNative } from '../lib/native/index.js';
import { type Measurement, publish } from './lib/report.js';
import { quantile } from './lib/statistics.js';

const { values } = parseArgs({
  options: {
    samples: { type: 'string', default: '10' },
    groups: { type: 'string', default: '500' },
    case: { type: 'string' },
  },
});
const groupCount = Number(values.groups);
const WARM_UP_ROUNDS = 10;
const ROUNDS = 50;

const { cgroup, mount } = loadNative();

function toStats(cpu: string, memory: string, pids: string): CgroupStats {
  const usage = /^usage_usec (\d+)$/m.exec(cpu)?.[1] ?? '0';
  return { cpuUsageUsec: Number(usage), memoryCurrentBytes: Number(memory), pidsCurrent: Number(pids) };
}

function readOr0(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return '0';
    throw error;
  }
}

/** One round of each contestant over groups that are there. */
const contestants: Record<string, (paths: string[]) => () => CgroupStats[] | Promise<CgroupStats[]>> = {
  'native stats()': (paths) => {
    const groups = paths.map((path) => cgroup.create(path.replace(/\/[^/]+$/, ''), path.replace(/^.*\//, '')));
    return () => cgroup.stats(groups);
  },
  'node:fs, synchronous': (paths) => () =>
    paths.map((path) => {
      const files = ['cpu.stat', 'memory.current', 'pids.current'].map((file) => readOr0(`${path}/${file}`));
      return toStats(...(files as [string, string, string]));
    }),
  'node:fs, promises': (paths) => () =>
    Promise.all(
      paths.map(async (path) => {
        const files = ['cpu.stat', 'memory.current', 'pids.current'].map((file) =>
          readFile(`${path}/${file}`, 'utf8').catch(() => '0'),
        );
        return toStats(...((await Promise.all(files)) as [string, string, string]));
      }),
    ),
};

/** Runs in a process of its own; prints milliseconds. */
async function sample(name: string): Promise<void> {
  const root = mount.mountInfo().findLast(({ fstype }) => fstype === 'cgroup2')?.mountPoint;
  const start = contestants[name];
  if (root === undefined || start === undefined) throw new Error('no cgroup2 mount, or no such case');
  const names = Array.from({ length: groupCount }, (_, number) => `talos-bench-${process.pid}-${number}`);
  for (const each of names) cgroup.create(root, each).close();
  try {
    const round = start(names.map((each) => `${root}/${each}`));
    const times: number[] = [];
    for (let number = 0; number < WARM_UP_ROUNDS + ROUNDS; number++) {
      const startedMs = performance.now();
      const stats = await round();
      if (number >= WARM_UP_ROUNDS) times.push(performance.now() - startedMs);
      const isComplete =
        stats.length === groupCount && stats.every(({ cpuUsageUsec }) => Number.isInteger(cpuUsageUsec));
      if (!isComplete) throw new Error('wrong statistics');
    }
    times.sort((left, right) => left - right);
    process.stdout.write(`${quantile(times, 0.5)}\n`);
  } finally {
    for (const each of names) cgroup.remove(root, each);
  }
}

async function measure(): Promise<void> {
  const measurements: Measurement[] = Object.keys(contestants).map((name) => ({ name, unit: 'ms', samples: [] }));
  // In turn, so that whatever else the machine does meets all of them.
  for (let number = 0; number < Number(values.samples); number++) {
    for (const { name, samples } of measurements) {
      const argv = [fileURLToPath(import.meta.url), '--case', name, '--groups', values.groups];
      samples.push(Number(execFileSync(process.execPath, argv, { encoding: 'utf8' })));
    }
  }
  const report = {
    benchmark: 'cgroup-stats',
    question: `milliseconds for the statistics of ${groupCount} cgroups`,
    parameters: { groups: groupCount, rounds: ROUNDS },
    measurements,
  };
  try {
    await publish(report);
  } catch (error) {
    if (errorCode(error) !== 'EROFS') throw error;
    for (const { name, samples } of measurements) {
      const sorted = [...samples].sort((left, right) => left - right);
      process.stdout.write(`${name}: median ${quantile(sorted, 0.5).toFixed(3)} ms of ${samples.length} samples\n`);
    }
  }
}

await (values.case === undefined ? measure() : sample(values.case));
