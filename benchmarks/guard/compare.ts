/**
 * Samples of two builds, a fresh process each, in turn: whatever else the machine does meets both. All metrics get a first round of samples; those that it does not clear
 * get more, as long as there is time. A slow-down is only ever declared from all samples that were taken at the end, so that looking in between makes no false alarm likelier.
 */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { Build } from './build.js';
import type { Metric, Probe } from './metrics.js';
import { judge, type Samples, type Verdict } from './verdict.js';

const execFileAsync = promisify(execFile);

/** Pairs of samples after which a metric may be done with; with fewer than seven no difference is beyond chance (verdict.ts). */
const LOOKS = [7, 12, 20];
const PROBE_TIMEOUT_MS = 90_000;

export interface Finding {
  readonly metric: string;
  readonly facts: Metric;
  readonly samples: Samples;
  /** Absent: the base cannot be asked, `why` says so. */
  readonly verdict?: Verdict;
  readonly why?: string;
}

export interface Comparison {
  readonly base: Build;
  readonly head: Build;
  readonly probes: readonly Probe[];
  /** Folder of the compiled probes. */
  readonly scripts: string;
  readonly storm: string;
  /** No sample is begun after that long. */
  readonly limitMs: number;
  readonly onProgress: (text: string, percent: number) => void;
}

type Costs = Readonly<Record<string, number>>;

interface Course {
  readonly probe: Probe;
  readonly base: Costs[];
  readonly head: Costs[];
  /** Why the base cannot be measured. */
  why?: string;
}

/**
 * Measures until everything is decided or the time is over.
 * @returns a finding for each metric
 * @throws Error when a probe fails on the build of the working folder: what it has answered is wrong, or it has not answered
 */
export async function compare(comparison: Comparison): Promise<Finding[]> {
  const end = performance.now() + comparison.limitMs;
  const courses: Course[] = [];
  for (const probe of comparison.probes) courses.push(await warmUp(probe, comparison));
  for (const look of LOOKS) {
    for (let pair = 0; pair < look; pair++) {
      for (const course of courses) {
        if (course.why !== undefined || course.head.length > pair || isCleared(course, look)) continue;
        if (performance.now() > end) return courses.flatMap(findingsOf);
        const done = courses.filter(({ head }) => head.length > pair).length;
        comparison.onProgress(
          `pair ${pair + 1}, ${course.probe.name} (${done} of ${courses.length})`,
          (100 * (comparison.limitMs - (end - performance.now()))) / comparison.limitMs,
        );
        await takePair(course, comparison);
      }
    }
  }
  return courses.flatMap(findingsOf);
}

/** A first run of both that does not count: it fills caches, and shows whether the base knows how. */
async function warmUp(probe: Probe, comparison: Comparison): Promise<Course> {
  const course: Course = { probe, base: [], head: [] };
  await measure(probe, comparison.head, comparison);
  try {
    await measure(probe, comparison.base, comparison);
  } catch (error) {
    course.why = firstLine(error);
  }
  return course;
}

async function takePair({ probe, base, head }: Course, comparison: Comparison): Promise<void> {
  const [first, second] = base.length % 2 === 0 ? (['base', 'head'] as const) : (['head', 'base'] as const);
  const costs = {
    [first]: await measure(probe, comparison[first], comparison),
    [second]: await measure(probe, comparison[second], comparison),
  } as { base: Costs; head: Costs };
  base.push(costs.base);
  head.push(costs.head);
}

/** One fresh process. */
async function measure(probe: Probe, build: Build, { scripts, storm }: Comparison): Promise<Costs> {
  const input = JSON.stringify({ checkout: build.checkout, bundles: build.bundles, storm });
  const argv = [build.node, `${scripts}/${probe.script}.js`, input, ...(probe.arguments ?? [])];
  const [program = '', ...words] = probe.namespaces === undefined ? argv : ['unshare', ...probe.namespaces, ...argv];
  const { stdout } = await execFileAsync(program, words, { timeout: PROBE_TIMEOUT_MS, killSignal: 'SIGKILL' }).catch(
    (error: Error & { stderr?: string }) => {
      const said = error.stderr?.split('\n').find((line) => /^\w*Error\b/.test(line)) ?? firstLine(error);
      throw new Error(`the probe ${probe.name} failed on ${build.checkout}: ${said}`, { cause: error });
    },
  );
  const costs = JSON.parse(stdout) as Costs;
  for (const name of Object.keys(probe.metrics)) {
    const cost = costs[name];
    if (cost === undefined || !(cost > 0)) throw new Error(`the probe ${probe.name} says that ${name} costs ${cost}`);
  }
  return costs;
}

/** Whether all of a probe's metrics are known to be within their limits, at a look before this one. */
function isCleared(course: Course, look: number): boolean {
  const looks = LOOKS.filter((each) => each < look);
  if (!looks.includes(course.head.length)) return false;
  return findingsOf(course).every(({ verdict }) => verdict?.kind === 'kept');
}

function findingsOf({ probe, base, head, why }: Course): Finding[] {
  return Object.entries(probe.metrics).map(([metric, facts]) => {
    const of = (costs: readonly Costs[]) => costs.map((cost) => cost[metric] as number);
    const samples = { base: of(base), head: of(head) };
    if (why !== undefined) return { metric, facts, samples, why };
    if (head.length === 0) return { metric, facts, samples, why: 'the time was over before it was measured' };
    return { metric, facts, samples, verdict: judge(samples, facts.limit) };
  });
}

function firstLine(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).split('\n')[0] ?? '';
}
