/**
 * How does a cost grow with the number of things: mounts, routes, control groups, services, clients, lines of a log?
 *
 * No rival: the question is the exponent, from the smallest to the largest of the upper decade. What would change our mind: one above 1.15, where the work is one round over all of
 * them and so should grow in proportion.
 *
 * Each sample is a fresh process, in namespaces of its own where it changes the machine's tables, and gives the CPU time of one round: of that process, or of an osd on the loopback
 * interface. Each round checks that all of them are in the answer. Sizes take turns. Needs root.
 *
 * Usage: npm run bench -- growth [--samples N] [--only CASE]
 */
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { countOf } from './lib/count-of.js';
import { GROWTH_CASES, type GrowthCase } from './lib/growth-cases.js';
import { type Measurement, publish } from './lib/report.js';
import { exponentOf, summarise } from './lib/statistics.js';

const LARGEST_EXPONENT = 1.15;

const { values } = parseArgs({
  options: {
    samples: { type: 'string', default: '10' },
    only: { type: 'string' },
    // Of the processes that take the samples.
    case: { type: 'string' },
    size: { type: 'string', default: '0' },
  },
});

/** Microseconds, from a process of its own. */
function sample(name: string, { namespaces }: GrowthCase, size: number): number {
  const argv = [process.execPath, fileURLToPath(import.meta.url), '--case', name, '--size', String(size)];
  const [program = '', ...words] = namespaces === undefined ? argv : ['unshare', ...namespaces, ...argv];
  return Number(execFileSync(program, words, { encoding: 'utf8' }));
}

async function measure(): Promise<void> {
  const samples = countOf('samples', values.samples);
  const cases = Object.entries(GROWTH_CASES).filter(([name]) => values.only === undefined || name === values.only);
  const measurements: Measurement[] = [];
  const exponents: Record<string, number> = {};
  for (const [name, growth] of cases) {
    const own = growth.sizes.map((size) => ({ size, name: `${name}: ${size}`, unit: 'µs', samples: [] as number[] }));
    // In turn, so that whatever else the machine does meets all of them.
    for (let number = 0; number < samples; number++) {
      for (const each of own) each.samples.push(sample(name, growth, each.size));
    }
    measurements.push(...own.map(({ size: _, ...measurement }) => measurement));
    const exponent = exponentOf(own.map((each) => ({ size: each.size, cost: summarise(each.samples).median })));
    exponents[`exponent of ${name}`] = Math.round(exponent * 100) / 100;
    const budget = exponent <= LARGEST_EXPONENT ? 'kept' : 'MISSED';
    process.stderr.write(`${name} (${growth.what}): grows with the power ${exponent.toFixed(2)}: ${budget}\n`);
  }
  await publish({
    benchmark: 'growth',
    question: 'CPU time of one round over all, by how many there are',
    parameters: { samples, budget: LARGEST_EXPONENT, ...exponents },
    measurements,
  });
}

if (values.case === undefined) await measure();
else {
  const growth = GROWTH_CASES[values.case];
  if (growth === undefined) throw new Error(`no case ${values.case}`);
  process.stdout.write(`${await growth.measure(Number(values.size))}\n`);
}
