/**
 * How many processes a second can be started and collected, one after the other, on a small heap and on one of 200 MB?
 *
 * Rival: node:child_process, spawn('/bin/true') and its 'exit' event, in the same process shape. libuv forks, which copies the page
 * tables of the whole heap; ours shares them until exec.
 * What would change our mind: less than 1.5 times the rival on a small heap, or less than 4 times on a large one.
 *
 * Beside /bin/true, which the budget is about, both start a program that does nothing but end, so that one sees what is ours and what is
 * the program's own start (loader, libraries, and on a virtual machine the trapping CPUID instructions of the C library). The floor of each
 * is a small C++ program with vfork, exec and wait.
 *
 * Each sample is a fresh process: it fills its heap, does a warm-up that does not count, then starts and awaits /bin/true for a while. Every
 * exit code is checked, and the reaper must have seen as many children as were started.
 *
 * Usage: npm run bench -- spawn [--samples N] [--seconds S] [--file PROGRAM]
 */
import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { loadNative } from '../lib/native/index.js';
import { countOf } from './lib/count-of.js';
import { helperProgram } from './lib/guest.js';
import { publish } from './lib/report.js';
import { writeSmallestProgram } from './lib/smallest-program.js';
import { quantile } from './lib/statistics.js';

const { values } = parseArgs({
  options: {
    samples: { type: 'string', default: '10' },
    seconds: { type: 'string', default: '1' },
    case: { type: 'string' },
    heap: { type: 'string', default: '0' },
    file: { type: 'string', default: '/bin/true' },
  },
});
const WARM_UP = 20;
const FILE = values.file;
const LARGE_HEAP_MB = 200;

/** Starts one process and gives its exit code. */
type Contestant = () => { start(): Promise<number | null>; check(started: number): boolean };

const contestants: Record<string, Contestant> = {
  'native spawn': () => {
    const { process: processes } = loadNative();
    processes.startReaper({ subreaper: false });
    const stdio = { stdin: 'null', stdout: 'null', stderr: 'null' } as const;
    return {
      async start() {
        const status = await processes.spawn({ file: FILE, argv: ['true'], env: {}, ...stdio }).exited;
        return status.kind === 'exited' ? status.code : null;
      },
      check: (started) => processes.reaperStats().childrenReaped === started,
    };
  },
  'node:child_process': () => ({
    start: () =>
      new Promise((resolve, reject) => {
        const child = spawn(FILE, [], { env: {}, stdio: 'ignore' });
        child.once('exit', resolve);
        child.once('error', reject);
      }),
    check: () => true,
  }),
};

/** Memory that is really there: JavaScript objects, none of which can be collected. */
function fillHeap(megabytes: number): unknown[] {
  const kept: unknown[] = [];
  // A number array of 128 elements takes about a kilobyte.
  for (let count = 0; count < megabytes * 1024; count++) kept.push(Array.from({ length: 128 }, (_, index) => index));
  return kept;
}

/** Runs in a process of its own; prints starts a second. */
async function sample(name: string, heapMb: number): Promise<void> {
  const kept = fillHeap(heapMb);
  const contestant = contestants[name]?.();
  if (!contestant) throw new Error(`no such case: ${name}`);
  let started = 0;
  const once = async () => {
    started++;
    if ((await contestant.start()) !== 0) throw new Error('a wrong exit code');
  };
  for (let count = 0; count < WARM_UP; count++) await once();
  const begun = performance.now();
  const end = begun + Number(values.seconds) * 1000;
  while (performance.now() < end) await once();
  const perSecond = ((started - WARM_UP) * 1000) / (performance.now() - begun);
  if (!contestant.check(started)) throw new Error('a status was lost');
  if (kept.length !== heapMb * 1024) throw new Error('the heap was collected');
  console.log(perSecond);
}

interface Case {
  name: string;
  unit: string;
  samples: number[];
  measure(): number;
}

/** What is measured of one program: both contestants on both heaps, and the floor. */
function casesOf(label: string, file: string, floor: string): Case[] {
  const run = (program: string, argv: string[]) => Number(execFileSync(program, argv, { encoding: 'utf8' }));
  const of = (contestant: string, size: string, heapMb: number): Case => ({
    name: `${contestant}, ${size} heap, ${label}`,
    unit: '1/s',
    samples: [],
    measure: () =>
      run(process.execPath, [
        ...['--max-old-space-size=1024', fileURLToPath(import.meta.url), '--case', contestant, '--heap', `${heapMb}`],
        ...['--seconds', values.seconds, '--file', file],
      ]),
  });
  return [
    of('native spawn', 'small', 0),
    of('node:child_process', 'small', 0),
    of('native spawn', 'large', LARGE_HEAP_MB),
    of('node:child_process', 'large', LARGE_HEAP_MB),
    {
      name: `floor, ${label}`,
      unit: '1/s',
      samples: [],
      measure: () => run(floor, [file, values.seconds]),
    },
  ];
}

function ratiosOf(cases: Case[]) {
  const medians = cases.map(({ samples }) =>
    quantile(
      [...samples].sort((a, b) => a - b),
      0.5,
    ),
  );
  const [nativeSmall = 0, nodeSmall = 0, nativeLarge = 0, nodeLarge = 0, floor = 0] = medians;
  return { small: nativeSmall / nodeSmall, large: nativeLarge / nodeLarge, ceiling: floor / nodeLarge };
}

async function main(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'talos-spawn-'));
  const smallest = join(folder, 'smallest');
  await writeSmallestProgram(smallest);
  const floor = join(await helperProgram('spawn_floor.cc'), 'spawn_floor');
  const usual = casesOf('/bin/true', FILE, floor);
  const bare = casesOf('a program that only ends', smallest, floor);
  for (let number = 0; number < countOf('samples', values.samples); number++) {
    // In turn, so that whatever else the machine does meets all of them.
    for (const each of [...usual, ...bare]) each.samples.push(each.measure());
  }
  rmSync(folder, { recursive: true });
  const ratios = ratiosOf(usual);
  const bareRatios = ratiosOf(bare);
  for (const [label, { small, large, ceiling }] of [
    ['/bin/true', ratios],
    ['a program that only ends', bareRatios],
  ] as const) {
    process.stderr.write(
      `native spawn against node:child_process, ${label}: ${small.toFixed(2)} × on a small heap, ${large.toFixed(2)} × on ${LARGE_HEAP_MB} MB, where the floor would be ${ceiling.toFixed(2)} ×\n`,
    );
  }
  await publish({
    benchmark: 'spawn',
    question: 'processes started and collected a second',
    parameters: {
      file: FILE,
      seconds: Number(values.seconds),
      ratioSmallHeap: ratios.small,
      ratioLargeHeap: ratios.large,
      ratioLargeHeapOfFloor: ratios.ceiling,
      ratioSmallHeapBareProgram: bareRatios.small,
      ratioLargeHeapBareProgram: bareRatios.large,
    },
    measurements: [...usual, ...bare].map(({ name, unit, samples }) => ({ name, unit, samples })),
  });
}

await (values.case === undefined ? main() : sample(values.case, Number(values.heap)));
