/** What every benchmark writes: one JSON file that says what was measured, how, on what, and each sample. */
import { execFile } from 'node:child_process';
import { mkdir, rename, writeFile } from 'node:fs/promises';
import { arch, cpus, loadavg, release } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { errorCode } from '../../lib/base/errors.js';
import './bad-options.js';
import { type Ratio, ratiosOf, type Summary, summarise } from './statistics.js';

const execFileAsync = promisify(execFile);

/** The root of the checkout, seen from out/js/benchmarks/lib. */
export const checkout = resolve(dirname(fileURLToPath(import.meta.url)), '../../../..');

/** One thing that was measured several times. */
export interface Measurement {
  name: string;
  unit: string;
  samples: number[];
}

export interface Report {
  /** Name of the benchmark and of its file. */
  benchmark: string;
  question: string;
  parameters: Record<string, string | number | boolean>;
  measurements: Measurement[];
  /** How ours compares to the rivals; printed last. */
  ratios?: Ratio[];
}

async function git(...words: string[]): Promise<string> {
  const { stdout } = await execFileAsync('git', ['-C', checkout, ...words]).catch(() => ({ stdout: '' }));
  return stdout.trim();
}

/** Which code ran on which machine. */
export async function circumstances(): Promise<Record<string, string | number | boolean>> {
  return {
    date: new Date().toISOString(),
    commit: (await git('rev-parse', 'HEAD')) || 'unknown',
    uncommittedChanges: (await git('status', '--porcelain', '--untracked-files=no')) !== '',
    node: process.version,
    kernel: release(),
    arch: arch(),
    cpu: cpus()[0]?.model ?? 'unknown',
    cpus: cpus().length,
    // Of the last minute: above what the benchmark itself uses, somebody else was at work.
    loadAverage: loadavg()[0] ?? 0,
  };
}

/**
 * Stores the JSON, prints it on stdout, and on stderr a table for people and the ratios.
 * @param folder  of the results, relative to the checkout; in the test guest, where that is read-only, nothing is stored
 * @returns path of the file
 */
export async function publish(report: Report, folder = 'benchmarks/results'): Promise<string> {
  const measurements = report.measurements.map((each) => ({ ...each, summary: summarise(each.samples) }));
  const ratios = ratiosOf(report.ratios ?? [], measurements);
  const text = `${JSON.stringify({ ...report, circumstances: await circumstances(), measurements, ratios }, null, 2)}\n`;
  const path = join(checkout, folder, `${report.benchmark}.json`);
  await store(path, text);
  process.stdout.write(text);
  process.stderr.write(table(measurements));
  for (const { name, value, atLeast } of ratios) {
    const budget = atLeast === undefined ? '' : `, budget ${atLeast}: ${value >= atLeast ? 'kept' : 'MISSED'}`;
    process.stderr.write(`ratio: ${name}: ${value.toFixed(2)}${budget}\n`);
  }
  return path;
}

async function store(path: string, text: string): Promise<void> {
  try {
    await mkdir(dirname(path), { recursive: true });
    await writeFile(`${path}.new`, text);
    await rename(`${path}.new`, path);
  } catch (error) {
    if (errorCode(error) !== 'EROFS') throw error;
    process.stderr.write('not stored: the checkout is read-only here\n');
  }
}

function table(measurements: (Measurement & { summary: Summary })[]): string {
  const width = Math.max(...measurements.map((each) => each.name.length));
  const number = (value: number) => value.toFixed(3).padStart(12);
  const head = `${''.padEnd(width)} ${['median', 'p99', 'min', 'max'].map((word) => word.padStart(12)).join('')}  unit\n`;
  const rows = measurements.map(({ name, unit, summary }) => {
    const { median, p99, min, max } = summary;
    return `${name.padEnd(width)} ${[median, p99, min, max].map(number).join('')}  ${unit}\n`;
  });
  return head + rows.join('');
}
