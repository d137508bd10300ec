/** The guard of performance: this working folder against a base commit, metric by metric. tools/bench-guard.mjs has built it and chosen the base. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import type { Progress } from '../../lib/base/build-cache.js';
import { runCommand } from '../../lib/image/run-command.js';
import { helperProgram } from '../lib/guest.js';
import { circumstances } from '../lib/report.js';
import { type Allowance, allowanceFor, parseAllowances, TRAILER } from './allowances.js';
import { buildBase } from './base-build.js';
import { type Build, makeBundles, nodeOf } from './build.js';
import { compare, type Finding } from './compare.js';
import { type Metric, PROBES, type Probe, SIZES } from './metrics.js';
import { sizesOf } from './sizes.js';
import { judgeExact } from './verdict.js';

const STORM = '../../test/helpers/reaper/storm.cc';
/** However long building took; seven pairs take a minute on two idle processors. */
const LEAST_MEASURING_MS = 60_000;
/** What is not decided by then is too noisy. */
const MOST_MEASURING_MS = 110_000;
/** Findings with all samples, for whoever wants to look closer. */
const RESULT = join('out', 'guard.json');

export interface GuardRequest {
  readonly root: string;
  /** A commit. */
  readonly base: string;
  /** Names of probes, or `sizes`; none: all. */
  readonly only: readonly string[];
  /** From the start of this process to the last sample, as far as building lets it. */
  readonly seconds: number;
  readonly logFile: string;
  readonly onProgress: Progress;
}

/** What can be named in `only`. */
export const PARTS: readonly string[] = [...PROBES.map(({ name }) => name), 'sizes'];

/** @throws TalosError ERR_GUARD_BASE · RangeError a trailer that cannot be read · Error a probe that fails on this build */
export async function guard(request: GuardRequest): Promise<Finding[]> {
  const { root, base: commit, only, seconds, onProgress } = request;
  const isWanted = (name: string) => only.length === 0 || only.includes(name);
  const allowances = await allowancesSince(root, commit);
  const allowed = (metric: string, facts: Metric): Metric => {
    const allowance = allowanceFor(metric, allowances);
    return allowance === undefined ? facts : { ...facts, limit: Math.max(facts.limit, allowance.limit) };
  };
  const scratch = await mkdtemp(join(tmpdir(), 'talos-guard-'));
  try {
    const head: Build = { checkout: root, bundles: join(scratch, 'bundles'), node: nodeOf(root) };
    if (isWanted('sizes') || PROBES.some(({ script, name }) => script === 'role' && isWanted(name))) {
      onProgress('bundling the roles');
      await makeBundles(root, head.bundles, onProgress);
    }
    onProgress(`building the base ${commit.slice(0, 9)}`);
    const base = await buildBase({ root, commit, logFile: request.logFile, onProgress });
    const probes = PROBES.filter(({ name }) => isWanted(name)).map(
      (probe): Probe => ({
        ...probe,
        metrics: Object.fromEntries(Object.entries(probe.metrics).map(([name, facts]) => [name, allowed(name, facts)])),
      }),
    );
    const findings = [
      ...(isWanted('sizes') ? await sizeFindings(base, head, allowed) : []),
      ...(await compare({
        base,
        head,
        probes,
        scripts: join(root, 'out', 'js', 'benchmarks', 'guard', 'probes'),
        storm: isWanted('reaper') ? join(await helperProgram(STORM), basename(STORM, '.cc')) : '',
        limitMs: measuringMs(seconds),
        onProgress,
      })),
    ];
    const facts = { base: commit, seconds, circumstances: await circumstances(), allowances, findings };
    await mkdir(join(root, 'out'), { recursive: true });
    await writeFile(join(root, RESULT), `${JSON.stringify(facts, null, 2)}\n`);
    return findings;
  } finally {
    await rm(scratch, { recursive: true });
  }
}

/** What is left for measuring. */
function measuringMs(seconds: number): number {
  return Math.min(Math.max(seconds * 1000 - performance.now(), LEAST_MEASURING_MS), MOST_MEASURING_MS);
}

async function allowancesSince(root: string, commit: string): Promise<Allowance[]> {
  const format = `--format=%(trailers:key=${TRAILER},valueonly)`;
  const trailers = await runCommand(['git', '-C', root, 'log', format, `${commit}..HEAD`]);
  return parseAllowances(trailers, [...PROBES.flatMap(({ metrics }) => Object.keys(metrics)), ...Object.keys(SIZES)]);
}

async function sizeFindings(
  base: Build,
  head: Build,
  allowed: (metric: string, facts: Metric) => Metric,
): Promise<Finding[]> {
  const [before, now] = await Promise.all([sizesOf(base), sizesOf(head)]);
  return Object.entries(SIZES).map(([metric, size]) => {
    const facts = allowed(metric, size);
    const samples = { base: [before[metric] as number], head: [now[metric] as number] };
    return {
      metric,
      facts,
      samples,
      verdict: judgeExact(before[metric] as number, now[metric] as number, facts.limit),
    };
  });
}
