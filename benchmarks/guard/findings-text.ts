/** What the guard says of its findings, for people and as TAP. Pure. */
import { summarise } from '../lib/statistics.js';
import type { Finding } from './compare.js';
import type { Samples } from './verdict.js';

/** Whether this one makes the guard fail. */
export const isFailure = ({ verdict }: Finding) => verdict?.kind === 'slower';

const factor = (ratio: number) => (Number.isFinite(ratio) ? `${ratio.toFixed(2)} ×` : 'no bound');

/** Four significant digits: what is measured here is good to two. */
function rounded(value: number): string {
  return value >= 1000 ? String(Math.round(value)) : String(Number(value.toPrecision(4)));
}

function distribution(label: string, samples: readonly number[], unit: string): string {
  const { median } = summarise(samples);
  const sorted = [...samples].sort((left, right) => left - right).map(rounded);
  return `  ${label}: median ${rounded(median)} ${unit}, ${samples.length} samples: ${sorted.join(' ')}`;
}

/** Both distributions, a line each. */
export function distributions({ base, head }: Samples, unit: string): string[] {
  return [distribution('base', base, unit), distribution('here', head, unit)];
}

/** One line: the metric, what came of it, and how it is known. */
export function sentence({ metric, facts, verdict, why, samples }: Finding): string {
  const name = `${metric} (${facts.what})`;
  if (verdict === undefined) return `${name}: nothing to compare: ${why}`;
  const { kind, ratio, atMost, chance } = verdict;
  const limit = `limit ${factor(facts.limit)}`;
  const count = samples.head.length;
  if (kind === 'kept') return `${name}: ${factor(ratio)} the base, at most ${factor(atMost)}, ${limit}`;
  const how = `${factor(ratio)} the base, ${limit}`;
  if (kind === 'slower') return `${name}: SLOWER: ${how}; chance alone would show that once in ${odds(chance)}`;
  return `${name}: too noisy to decide: ${how}, at most ${factor(atMost)} after ${count} samples a side`;
}

const odds = (chance: number) => (chance > 0 ? Math.round(1 / chance).toLocaleString('en') : 'never');

/** What is printed of all: a line a metric, and both distributions of those that are not plainly kept. */
export function report(findings: readonly Finding[]): string {
  const lines = findings.flatMap((finding) => [
    sentence(finding),
    ...(finding.verdict === undefined || finding.verdict.kind === 'kept'
      ? []
      : distributions(finding.samples, finding.facts.unit)),
  ]);
  return `${lines.join('\n')}\n`;
}

/** The same as TAP: an assertion a metric. What could not be decided is not a failure, and its name says so. */
export function tap(findings: readonly Finding[]): string {
  const lines = findings.flatMap((finding, index) => [
    `${isFailure(finding) ? 'not ok' : 'ok'} ${index + 1} - ${sentence(finding).replaceAll('#', '')}`,
    ...(finding.verdict === undefined || finding.verdict.kind === 'kept'
      ? []
      : distributions(finding.samples, finding.facts.unit).map((line) => `#${line}`)),
  ]);
  return `TAP version 14\n1..${findings.length}\n${lines.join('\n')}\n`;
}
