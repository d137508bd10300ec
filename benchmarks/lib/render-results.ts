/** Writes the page and the chart of every stored result whose files are not those of its numbers. Run by npm run bench at its end. */
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { dotChart } from './dot-chart.js';
import { growthChart } from './growth-chart.js';
import { checkout, type Measurement } from './report.js';
import { panelsOf, resultPage, type StoredResult } from './result-page.js';
import { summarise } from './statistics.js';

/** Draw charts of their own kind when they are run. */
const OWN_CHART: ReadonlySet<string> = new Set(['boot', 'boot-arm64']);

/** Measurements of growth.ts are named `what: how many`. */
function growthLines(measurements: readonly Measurement[]) {
  const kinds = [...new Set(measurements.map(({ name }) => name.split(': ')[0] as string))];
  return kinds.map((label) => ({
    label,
    points: measurements
      .filter(({ name }) => name.startsWith(`${label}: `))
      .map(({ name, samples }) => ({ size: Number(name.split(': ')[1]), cost: summarise(samples).median })),
  }));
}

/** The picture of a result. */
function chartOf({ benchmark, question: title, measurements }: StoredResult): string {
  if (benchmark !== 'growth') return dotChart({ title, panels: panelsOf(measurements) });
  return growthChart({ title, unit: 'µs', lines: growthLines(measurements) });
}

/** What belongs beside the stored results of a folder: contents by file name. */
export async function renderedResults(folder: string): Promise<Map<string, string>> {
  const rendered = new Map<string, string>();
  for (const file of (await readdir(folder)).filter((name) => name.endsWith('.json')).sort()) {
    const result = JSON.parse(await readFile(join(folder, file), 'utf8')) as StoredResult;
    const { benchmark } = result;
    const chart = `${benchmark}.svg`;
    rendered.set(`${benchmark}.md`, resultPage(result, chart));
    if (!OWN_CHART.has(benchmark)) rendered.set(chart, chartOf(result));
  }
  return rendered;
}

/** Where the results are that are shown in the documents. */
export const RESULTS = join(checkout, 'benchmarks', 'results');

/** @returns names of the files that were written */
export async function renderResults(folder = RESULTS): Promise<string[]> {
  const written: string[] = [];
  for (const [name, content] of await renderedResults(folder)) {
    const file = join(folder, name);
    if ((await readFile(file, 'utf8').catch(() => undefined)) === content) continue;
    await writeFile(file, content);
    written.push(name);
  }
  return written;
}
