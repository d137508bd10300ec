/**
 * How many megabytes a second of 100-byte lines go from a service's stdout into its log ring, and what do they cost in CPU time?
 *
 * Rival: the same pipe read by a Node stream and cut into lines that are kept in an array of the same size, which is what a supervisor
 * without an addon would do. The other rival, journald, is in benchmarks/ingest.ts, in the test guest.
 * What would change our mind: less than 500 MB/s on an idle machine, or less than three times the rival for the same CPU time.
 *
 * Each sample is a fresh process that starts yes(1), lets it run for a while that does not count, then measures for a second. At the
 * end it checks that what is in the ring is whole lines of what was written, and that their number fits the bytes.
 *
 * Usage: npm run bench -- ring-pipe [--samples N]
 */
import { execFileSync } from 'node:child_process';
import { createReadStream } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import type { FileDescriptor } from '../lib/native/contract.js';
import { loadNative } from '../lib/native/index.js';
import { countOf } from './lib/count-of.js';
import { publish } from './lib/report.js';

const { values } = parseArgs({ options: { samples: { type: 'string', default: '10' }, case: { type: 'string' } } });
const LINE = `${'0123456789'.repeat(9)}abcdefghi`;
const RING_BYTES = 1 << 20;
const WARM_UP_MS = 300;
const MEASURE_MS = 1000;

const native = loadNative();

/** Takes the pipe over; tells how many bytes it has got so far, and checks at the end that they are the right ones. */
type Contestant = (pipe: FileDescriptor) => { bytes(): number; check(): Promise<boolean> };

const contestants: Record<string, Contestant> = {
  'log ring': (pipe) => {
    const ring = native.ring.create({ name: 'bench', sizeBytes: RING_BYTES });
    ring.attach(pipe, 'stdout');
    return {
      bytes: () => ring.stats.bytes,
      async check() {
        await ring.drained();
        const { records, bytes } = ring.stats;
        const reader = native.ring.openReader({ memory: ring.subscribe().memory });
        reader.seekTail(1000);
        const buffer = Buffer.alloc(RING_BYTES);
        const tail = buffer.toString('latin1', 0, reader.read(buffer).bytes).split('\n').slice(0, -2);
        // yes is killed in the middle of a write: only its last line may be shorter.
        return (
          Math.ceil(bytes / (LINE.length + 1)) === records && tail.length === 999 && tail.every((line) => line === LINE)
        );
      },
    };
  },
  'Node stream': (pipe) => {
    const stream = createReadStream('', { fd: pipe.releaseNumber(), highWaterMark: 64 * 1024 });
    const kept: Buffer[] = new Array(Math.floor(RING_BYTES / (LINE.length + 1)));
    const ended = new Promise<void>((resolve) => stream.once('close', () => resolve()));
    let total = 0;
    let count = 0;
    let rest: Buffer = Buffer.alloc(0);
    stream.on('data', (chunk) => {
      total += chunk.length;
      const text = Buffer.concat([rest, chunk as Buffer]);
      let start = 0;
      for (let end = text.indexOf(10); end !== -1; end = text.indexOf(10, start)) {
        kept[count++ % kept.length] = Buffer.from(text.subarray(start, end + 1));
        start = end + 1;
      }
      rest = text.subarray(start);
    });
    return {
      bytes: () => total,
      async check() {
        await ended;
        return kept.every((line) => line.toString('latin1') === `${LINE}\n`);
      },
    };
  },
};

/** Runs in a process of its own; prints MB/s and seconds of CPU time a gigabyte. */
async function sample(name: string): Promise<void> {
  native.process.startReaper({ subreaper: false });
  const [read, write] = native.descriptor.pipe();
  const contestant = contestants[name]?.(read);
  if (!contestant) throw new Error(`no such case: ${name}`);
  const child = native.process.spawn({
    file: '/usr/bin/yes',
    argv: ['yes', LINE],
    env: {},
    stdin: 'null',
    stdout: write,
    stderr: 'inherit',
  });
  write.close();
  await sleep(WARM_UP_MS);
  const [bytes, time, cpu] = [contestant.bytes(), performance.now(), process.cpuUsage()];
  await sleep(MEASURE_MS);
  const megabytes = (contestant.bytes() - bytes) / 1e6;
  const seconds = (performance.now() - time) / 1000;
  const { user, system } = process.cpuUsage(cpu);
  child.kill('SIGKILL');
  await child.exited;
  if (!(await contestant.check())) throw new Error('the lines are not those that were written');
  console.log(JSON.stringify([megabytes / seconds, (user + system) / 1e6 / (megabytes / 1000)]));
}

async function main(): Promise<void> {
  const samples = countOf('samples', values.samples);
  const measurements = Object.keys(contestants).flatMap((name) => {
    const results = Array.from({ length: samples }, () => {
      const argv = [fileURLToPath(import.meta.url), '--case', name];
      return JSON.parse(execFileSync(process.execPath, argv, { encoding: 'utf8' })) as [number, number];
    });
    return [
      { name: `${name}: throughput`, unit: 'MB/s', samples: results.map(([speed]) => speed) },
      { name: `${name}: CPU time`, unit: 's/GB', samples: results.map(([, cpu]) => cpu) },
    ];
  });
  await publish({
    benchmark: 'ring-pipe',
    question: 'service stdout to log ring, 100-byte lines',
    parameters: { lineBytes: LINE.length + 1, ringBytes: RING_BYTES, samples },
    measurements,
    ratios: [
      {
        name: 'log ring to Node stream, MB/s',
        of: 'log ring: throughput',
        by: 'Node stream: throughput',
        atLeast: 3,
      },
      { name: 'Node stream to log ring, CPU time', of: 'Node stream: CPU time', by: 'log ring: CPU time', atLeast: 3 },
    ],
  });
}

await (values.case === undefined ? main() : sample(values.case));
