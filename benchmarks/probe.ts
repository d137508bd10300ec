/**
 * What does it cost to learn what is on 16 disks?
 *
 * Rivals: blkid -p of util-linux, one process for all of them, and one process for each (what a program does that asks about disks
 * as they appear). They look into the same images, in the page cache.
 * What would change our mind: slower than a single blkid for all; then running it would do.
 *
 * Each sample is a fresh process that makes no images, does one round that does not count and gives the median of 20, after it
 * has checked that each image was recognised.
 *
 * Usage: npm run bench -- probe [--samples N] [--devices N]
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { loadNative } from '../lib/native/index.js';
import { countOf } from './lib/count-of.js';
import { type Measurement, publish } from './lib/report.js';
import { quantile } from './lib/statistics.js';

const { values } = parseArgs({
  options: {
    samples: { type: 'string', default: '10' },
    devices: { type: 'string', default: '16' },
    case: { type: 'string' },
    folder: { type: 'string' },
  },
});
const deviceCount = countOf('devices', values.devices);
const MIB = 1024 * 1024;
const ROUNDS = 20;
const NATIVE = 'native inspect()';

const paths = (folder: string) => Array.from({ length: deviceCount }, (_, number) => join(folder, `disk${number}`));
const blkid = (...images: string[]) => execFileSync('blkid', ['-p', '-o', 'export', ...images], { encoding: 'utf8' });

/** One round of each contestant: the labels that it found. */
const contestants: Record<string, (images: string[]) => Promise<string[]>> = {
  [NATIVE]: async (images) => {
    const { block } = loadNative();
    const found = await Promise.all(images.map((image) => block.inspect(image)));
    return found.map(({ filesystems }) => filesystems[0]?.label ?? '');
  },
  'blkid -p, one process': async (images) =>
    Array.from(blkid(...images).matchAll(/^LABEL=(.*)$/gm), (match) => match[1] ?? ''),
  'blkid -p, a process a disk': async (images) => images.map((image) => /^LABEL=(.*)$/m.exec(blkid(image))?.[1] ?? ''),
};

/** Runs in a process of its own; prints milliseconds. */
async function sample(name: string, folder: string): Promise<void> {
  const round = contestants[name];
  if (round === undefined) throw new Error('no such case');
  const images = paths(folder);
  const expected = images.map((_, number) => `DISK${number}`).join();
  const times: number[] = [];
  for (let number = 0; number <= ROUNDS; number++) {
    const startedMs = performance.now();
    const labels = await round(images);
    if (number > 0) times.push(performance.now() - startedMs);
    if (labels.join() !== expected) throw new Error(`wrong labels: ${labels.join()}`);
  }
  times.sort((left, right) => left - right);
  process.stdout.write(`${quantile(times, 0.5)}\n`);
}

async function measure(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'talos-bench-'));
  try {
    for (const [number, image] of paths(folder).entries()) {
      writeFileSync(image, '');
      truncateSync(image, 8 * MIB);
      execFileSync('mke2fs', ['-q', '-F', '-t', 'ext4', '-L', `DISK${number}`, image]);
    }
    const measurements: Measurement[] = Object.keys(contestants).map((name) => ({ name, unit: 'ms', samples: [] }));
    // In turn, so that whatever else the machine does meets all of them.
    for (let number = 0; number < countOf('samples', values.samples); number++) {
      for (const { name, samples } of measurements) {
        const argv = [fileURLToPath(import.meta.url), '--case', name, '--folder', folder, '--devices', values.devices];
        samples.push(Number(execFileSync(process.execPath, argv, { encoding: 'utf8' })));
      }
    }
    const median = ({ samples }: Measurement) =>
      quantile(
        [...samples].sort((left, right) => left - right),
        0.5,
      );
    const [ours, ...rivals] = measurements as [Measurement, ...Measurement[]];
    for (const rival of rivals) {
      process.stderr.write(`${(median(rival) / median(ours)).toFixed(1)} times as fast as ${rival.name}\n`);
    }
    await publish({
      benchmark: 'probe',
      question: `milliseconds to learn what is on ${deviceCount} disks`,
      parameters: { devices: deviceCount, rounds: ROUNDS },
      measurements,
    });
  } finally {
    rmSync(folder, { recursive: true });
  }
}

await (values.case === undefined ? measure() : sample(values.case, values.folder ?? ''));
