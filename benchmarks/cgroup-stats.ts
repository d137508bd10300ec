/**
 * What does one round of statistics of 500 cgroups cost? Two questions: the small set (CPU usage, memory, number of processes: three files a
 * group), and all sets (ten files a group, with memory.stat and pressure).
 *
 * Rivals: the same files read and parsed by node:fs, synchronously and by promises (what a Node program does without an addon), and by node:fs with
 * descriptors kept open (what a careful one could do). Ours: `stats()`, which opens the files for each reading, and the sampler, which keeps them open.
 * What would change our mind: a sampler that is less than three times as fast as the faster of the first two rivals; then the module is not worth its code.
 *
 * Each sample is a fresh process that does some rounds that do not count, then the median of the others, and checks that the numbers are there. Needs
 * root and a cgroup2 mount. In the test guest, where all controllers are: test/guest run --deadline 600 -- benchmarks/cgroup-stats.ts; its
 * checkout is read-only, so the result is printed and not stored.
 *
 * Usage: npm run bench -- cgroup-stats [--samples N] [--groups N]
 */
import { closeSync, openSync, readFileSync, readSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { errorCode } from '../lib/base/errors.js';
import type { CgroupStatSet } from '../lib/native/contract.js';
import { loadNative } from '../lib/native/index.js';
import { countOf } from './lib/count-of.js';
import { type Measurement, publish } from './lib/report.js';
import { quantile } from './lib/statistics.js';

const { values } = parseArgs({
  options: {
    samples: { type: 'string', default: '10' },
    groups: { type: 'string', default: '500' },
    // Of the processes that take the samples.
    case: { type: 'string' },
    branch: { type: 'string' },
  },
});
const groupCount = countOf('groups', values.groups);

/** Ten files of 500 groups are more than a process may have open unless somebody lets it. */
const MAX_DESCRIPTORS = 1 << 16;

const { cgroup, descriptor, mount, process: processes } = loadNative();

interface Question {
  sets: CgroupStatSet[];
  files: string[];
  warmUpRounds: number;
  rounds: number;
}

const QUESTIONS: Record<string, Question> = {
  small: {
    sets: ['cpu', 'memoryBytes', 'pids'],
    files: ['cpu.stat', 'memory.current', 'pids.current'],
    warmUpRounds: 2,
    rounds: 6,
  },
  all: {
    sets: [
      ...(['cpu', 'memoryBytes', 'pids', 'memoryStat', 'memoryEvents', 'swapBytes', 'io'] as const),
      ...(['cpuPressure', 'memoryPressure', 'ioPressure'] as const),
    ],
    files: [
      ...[
        'cpu.stat',
        'memory.current',
        'pids.current',
        'memory.stat',
        'memory.events',
        'memory.swap.current',
        'io.stat',
      ],
      ...['cpu.pressure', 'memory.pressure', 'io.pressure'],
    ],
    warmUpRounds: 1,
    rounds: 2,
  },
};

/** What a round gives: pids of each group, by which the numbers of all contestants are compared. */
type Round = () => number[] | Promise<number[]>;

/** The keys that are wanted of each file; the others have one number, or are looked at line by line. */
const KEYS: Record<string, ReadonlySet<string>> = {
  'cpu.stat': new Set(['usage_usec', 'user_usec', 'system_usec', 'nr_periods', 'nr_throttled', 'throttled_usec']),
  'memory.stat': new Set([
    ...['anon', 'file', 'kernel', 'shmem', 'inactive_anon', 'active_anon', 'inactive_file', 'active_file'],
    ...['slab_reclaimable', 'slab_unreclaimable', 'pgfault', 'pgmajfault'],
  ]),
  'memory.events': new Set(['low', 'high', 'max', 'oom', 'oom_kill', 'oom_group_kill']),
};

/** As a Node program would write it that cares for speed: one walk over the text, and no more numbers than are wanted. */
function parse(file: string, text: string): number[] {
  const keys = KEYS[file];
  if (!keys && !text.includes(' ')) return [Number(text)];
  const numbers: number[] = [];
  for (let start = 0; start < text.length; ) {
    let end = text.indexOf('\n', start);
    if (end === -1) end = text.length;
    const space = text.indexOf(' ', start);
    if (!keys) {
      // Pressure and io: words key=value behind the first.
      for (const word of text.slice(space + 1, end).split(' ')) numbers.push(Number(word.slice(word.indexOf('=') + 1)));
    } else if (keys.has(text.slice(start, space))) {
      numbers.push(Number(text.slice(space + 1, end)));
    }
    start = end + 1;
  }
  return numbers;
}

/** Of the texts of one group, in the order of the files. */
function pidsOf(texts: (string | undefined)[], files: string[]): number {
  let pids = 0;
  for (const [position, file] of files.entries()) {
    const text = texts[position];
    const numbers = text === undefined ? [] : parse(file, text);
    if (file === 'pids.current') pids = numbers[0] ?? 0;
  }
  return pids;
}

function orNothing<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/** One round of each contestant over groups that are there. */
const CONTESTANTS: Record<string, (root: string, names: string[], question: Question) => Round> = {
  'native sampler': (root, names, { sets }) => {
    const sampler = cgroup.openSampler({ sets, maxDescriptors: sets.length * names.length });
    for (const name of names) {
      const group = cgroup.create(root, name);
      sampler.add(group);
      group.close();
    }
    return () => sampler.stats().map(({ pids = 0 }) => pids);
  },
  'native stats()': (root, names, { sets }) => {
    const groups = names.map((name) => cgroup.create(root, name));
    return () => cgroup.stats(groups, sets).map(({ pids = 0 }) => pids);
  },
  'node:fs, synchronous': (root, names, { files }) => {
    const read = (name: string) =>
      files.map((file) => orNothing(() => readFileSync(`${root}/${name}/${file}`, 'latin1')));
    return () => names.map((name) => pidsOf(read(name), files));
  },
  'node:fs, promises': (root, names, { files }) => {
    const read = (name: string) =>
      Promise.all(files.map((file) => readFile(`${root}/${name}/${file}`, 'latin1').catch(() => undefined)));
    return () => Promise.all(names.map(async (name) => pidsOf(await read(name), files)));
  },
  'node:fs, kept open': (root, names, { files }) => {
    const buffer = Buffer.alloc(64 * 1024);
    const open = names.map((name) => files.map((file) => orNothing(() => openSync(`${root}/${name}/${file}`, 'r'))));
    process.once('exit', () => {
      for (const fd of open.flat()) if (fd !== undefined) closeSync(fd);
    });
    const text = (fd: number) => buffer.toString('latin1', 0, readSync(fd, buffer, 0, buffer.length, 0));
    return () =>
      open.map((fds) =>
        pidsOf(
          fds.map((fd) => (fd === undefined ? undefined : text(fd))),
          files,
        ),
      );
  },
};
const RIVALS = ['node:fs, synchronous', 'node:fs, promises'];

function cgroupRoot(): string {
  const root = mount.mountInfo().findLast(({ fstype }) => fstype === 'cgroup2')?.mountPoint;
  if (root === undefined) throw new Error('no cgroup2 mount');
  return root;
}

/** Runs in a process of its own; prints milliseconds. */
async function sample(name: string, branch: string): Promise<void> {
  const [question, contestant] = name.split(': ') as [string, string];
  const facts = QUESTIONS[question];
  const start = CONTESTANTS[contestant];
  if (!facts || !start) throw new Error(`no case ${name}`);
  const round = start(cgroupRoot(), namesOf(branch), facts);
  const times: number[] = [];
  for (let number = 0; number < facts.warmUpRounds + facts.rounds; number++) {
    const startedMs = performance.now();
    const pids = await round();
    if (number >= facts.warmUpRounds) times.push(performance.now() - startedMs);
    if (pids.length !== groupCount || !pids.every((count) => count === 0)) throw new Error('wrong statistics');
  }
  times.sort((left, right) => left - right);
  process.stdout.write(`${quantile(times, 0.5)}\n`);
}

const namesOf = (branch: string) => Array.from({ length: groupCount }, (_, number) => `${branch}/${number}`);

/** A fresh process, and the number that it prints. */
async function runSample(argv: string[]): Promise<number> {
  const [output, stdout] = descriptor.pipe();
  const child = processes.spawn({
    file: process.execPath,
    argv: [process.execPath, fileURLToPath(import.meta.url), ...argv],
    env: process.env as Record<string, string>,
    rlimits: { nofile: { soft: MAX_DESCRIPTORS, hard: MAX_DESCRIPTORS } },
    stdin: 'null',
    stdout,
    stderr: 'inherit',
  });
  stdout.close();
  // To its end: nothing else goes on in here.
  const text = readFileSync(output.releaseNumber(), 'utf8');
  const status = await child.exited;
  if (status.kind !== 'exited' || status.code !== 0) throw new Error(`the sample ended with ${JSON.stringify(status)}`);
  return Number(text);
}

async function measure(): Promise<void> {
  processes.startReaper({ subreaper: false });
  const cases = Object.keys(QUESTIONS).flatMap((question) =>
    Object.keys(CONTESTANTS).map((contestant) => `${question}: ${contestant}`),
  );
  const measurements: Measurement[] = cases.map((name) => ({ name, unit: 'ms', samples: [] }));
  const [root, branch] = [cgroupRoot(), `talos-bench-${process.pid}`];
  const parent = cgroup.create(root, branch);
  cgroup.enableControllers(parent, ['cpu', 'memory', 'pids', 'io']);
  parent.close();
  for (const name of namesOf(branch)) cgroup.create(root, name).close();
  try {
    // In turn, so that whatever else the machine does meets all of them.
    for (let number = 0; number < countOf('samples', values.samples); number++) {
      for (const { name, samples } of measurements) {
        samples.push(await runSample(['--case', name, '--branch', branch, '--groups', values.groups]));
      }
    }
  } finally {
    for (const name of namesOf(branch)) cgroup.remove(root, name);
    cgroup.remove(root, branch);
  }
  try {
    await publish({
      benchmark: 'cgroup-stats',
      question: `milliseconds for the statistics of ${groupCount} cgroups`,
      parameters: { groups: groupCount, rounds: QUESTIONS.small?.rounds ?? 0, roundsOfAll: QUESTIONS.all?.rounds ?? 0 },
      measurements,
    });
  } catch (error) {
    if (errorCode(error) !== 'EROFS') throw error;
    for (const { name, samples } of measurements) {
      process.stdout.write(`${name}: median ${median(samples).toFixed(3)} ms of ${samples.length} samples\n`);
    }
  }
  for (const question of Object.keys(QUESTIONS)) process.stderr.write(`${ratios(question, measurements)}\n`);
}

const median = (samples: number[]) =>
  quantile(
    [...samples].sort((left, right) => left - right),
    0.5,
  );

/** How many times faster than the faster of the rivals. */
function ratios(question: string, measurements: Measurement[]): string {
  const of = (contestant: string) =>
    median(measurements.find(({ name }) => name === `${question}: ${contestant}`)?.samples ?? []);
  const rival = Math.min(...RIVALS.map(of));
  const times = (contestant: string, base: number) => `${(base / of(contestant)).toFixed(2)} x`;
  return (
    `${question}: sampler ${times('native sampler', rival)}, stats() ${times('native stats()', rival)} of pure Node; ` +
    `sampler ${times('native sampler', of('node:fs, kept open'))} of Node with files kept open`
  );
}

await (values.case === undefined ? measure() : sample(values.case, values.branch ?? ''));
