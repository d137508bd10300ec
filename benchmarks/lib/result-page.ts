/** A stored result for people: a table in Markdown, and the panels of its chart. Pure. */
import type { DotPanel } from './dot-chart.js';
import { short } from './dot-chart.js';
import { largestRatio } from './rank-test.js';
import type { Measurement } from './report.js';
import { quantile, type Ratio, summarise } from './statistics.js';

/** What publish() of report.ts stores, as far as it is used here. */
export interface StoredResult {
  readonly benchmark: string;
  readonly question: string;
  readonly parameters: Readonly<Record<string, string | number | boolean>>;
  readonly circumstances: Readonly<Record<string, string | number | boolean>>;
  readonly measurements: readonly Measurement[];
  readonly ratios?: readonly (Ratio & { readonly value: number })[];
}

/** Chance that a bound on a ratio is wrong, on either side. */
const DOUBT = 0.05;

/** Names of what is ours; everything else is there to compare with. */
const OURS =
  /\b(osctl (logs|ps|version|dmesg)|native|ours|log ring|ring:|API ready|QEMU until|until phase|follow latency|proxyd|Talos|osd,)/;

/** @returns false for rivals, floors and what is measured for orientation */
export const isOurs = (name: string) => OURS.test(name);

/** Whether a budget is kept, in a word; noise that reaches over the budget decides nothing. */
export function budgetState(
  { of, by, atLeast, value }: Ratio & { value: number },
  measurements: readonly Measurement[],
): string {
  if (atLeast === undefined) return '';
  const samples = (name: string) => measurements.find((each) => each.name === name)?.samples ?? [];
  const atMost = largestRatio(samples(of), samples(by), DOUBT);
  const atLeastSo = 1 / largestRatio(samples(by), samples(of), DOUBT);
  if (atLeastSo < atLeast && atLeast <= atMost) return 'too noisy to decide';
  return value >= atLeast ? 'kept' : '**missed**';
}

/** A panel a unit, in the order in which they come. */
export function panelsOf(measurements: readonly Measurement[]): DotPanel[] {
  const units = [...new Set(measurements.map(({ unit }) => unit))];
  return units.map((unit) => ({
    unit,
    rows: measurements
      .filter((each) => each.unit === unit)
      .map(({ name, samples }) => {
        const sorted = [...samples].sort((left, right) => left - right);
        const [from, median, to] = [0.05, 0.5, 0.95].map((share) => quantile(sorted, share)) as [
          number,
          number,
          number,
        ];
        return { label: name, median, from, to, isRival: !isOurs(name) };
      }),
  }));
}

const row = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
/** A bar would end the cell. */
const cell = (text: string) => text.replaceAll('|', '\\|');

function measurementRow({ name, unit, samples }: Measurement): string {
  const sorted = [...samples].sort((left, right) => left - right);
  const { median, p99, min, max, mean, deviation, count } = summarise(samples);
  const numbers = [median, quantile(sorted, 0.95), p99, min, max].map(short);
  const spread = mean === 0 ? '' : `${Math.round((100 * deviation) / Math.abs(mean))} %`;
  return row([cell(name), ...numbers, unit, spread, String(count)]);
}

function listed(facts: Readonly<Record<string, string | number | boolean>>): string {
  return Object.entries(facts)
    .map(([name, value]) => `${name} ${typeof value === 'number' ? Number(value.toPrecision(4)) : value}`)
    .join(', ');
}

/** The page. @param chart  file name of its picture */
export function resultPage(result: StoredResult, chart: string): string {
  const { benchmark, question, parameters, circumstances, measurements, ratios = [] } = result;
  const { date, commit, uncommittedChanges, ...machine } = circumstances;
  const source = `${String(commit).slice(0, 9)}${uncommittedChanges === true ? ' with uncommitted changes' : ''}`;
  const lines = [
    `# ${benchmark}`,
    '',
    `<!-- Written by npm run bench from ${benchmark}.json. -->`,
    '',
    `${question}. [Benchmark](../${benchmark.replace(/^(logs|boot)-.*/, '$1')}.ts), [all samples](${benchmark}.json).`,
    '',
    `![${benchmark}](${chart})`,
    '',
    row(['', 'median', 'p95', 'p99', 'min', 'max', 'unit', 'spread', 'samples']),
    row(['---', ...Array(5).fill('--:'), '---', '--:', '--:']),
    ...measurements.map(measurementRow),
    '',
    ...(ratios.length === 0
      ? []
      : [
          row(['ratio of medians', '', 'at least', '']),
          row(['---', '--:', '--:', '---']),
          ...ratios.map((ratio) =>
            row([
              cell(ratio.name),
              `${ratio.value.toFixed(2)} ×`,
              ratio.atLeast === undefined ? '' : short(ratio.atLeast),
              budgetState(ratio, measurements),
            ]),
          ),
          '',
        ]),
    `Measured on ${String(date).slice(0, 10)}, commit ${source}; ${listed(machine)}.`,
    ...(Object.keys(parameters).length === 0 ? [] : ['', `Parameters: ${listed(parameters)}.`]),
    '',
    'Spread is the standard deviation by the mean. The chart has the medians, and lines from the 5th to the 95th percentile.',
  ];
  return `${lines.join('\n')}\n`;
}
