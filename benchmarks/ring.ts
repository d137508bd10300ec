/**
 * What does it cost to put records of 100 bytes and of 4 KiB into a log ring, and to get them out again, with nobody, one and four reading along?
 *
 * Rival: node:fs writing the same records to a file on tmpfs, a record a writeSync and 64 KiB of them a writeSync, and reading them back with readSync. That is what a supervisor without an
 * addon would do; it keeps everything, so the file is started over after the size of the ring.
 * What would change our mind: appending or reading slower than the file in the same pieces; or readers that slow the writer down to less than a quarter on a machine with a core for each.
 *
 * Both write bytes from the JavaScript thread: the ring takes many records at once (`LogRing.write`), as it takes a pipe's. From pipes: benchmarks/ingest.ts.
 * Readers are threads that wait for their doorbell and read what is there; at the end each must have read or missed every record, and what it has read must be what was written. Each sample is
 * a fresh process: a while that does not count, then 0.4 s.
 *
 * Usage: npm run bench -- ring [--samples N]
 */
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readSync, unlinkSync, writeSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { loadNative } from '../lib/native/index.js';
import { countOf } from './lib/count-of.js';
import { type Measurement, publish } from './lib/report.js';
import type { Ratio } from './lib/statistics.js';

const RING_BYTES = 1 << 20;
/** Text handed over at once, as by a pipe. */
const SLAB_BYTES = 64_000;
const WARM_UP_MS = 100;
const MEASURED_MS = 400;

interface Case {
  recordBytes: number;
  readers: number;
  contestant: 'ring' | 'file, slabs' | 'file, records';
  action: 'append' | 'read';
}

const fileCases: Pick<Case, 'contestant' | 'action'>[] = [
  { contestant: 'file, slabs', action: 'append' },
  { contestant: 'file, records', action: 'append' },
  { contestant: 'file, slabs', action: 'read' },
];
const cases: Case[] = [100, 4096].flatMap((recordBytes) => [
  ...[0, 1, 4].map((readers) => ({ recordBytes, readers, contestant: 'ring' as const, action: 'append' as const })),
  { recordBytes, readers: 1, contestant: 'ring' as const, action: 'read' as const },
  ...fileCases.map((each) => ({ recordBytes, readers: 0, ...each })),
]);

function nameOf({ recordBytes, readers, contestant, action }: Case): string {
  const among = contestant === 'ring' && action === 'append' ? `, ${readers} readers` : '';
  return `${contestant}: ${action} ${recordBytes} B${among}`;
}

/** One slab of records that all look the same but for their first letter. */
function slabOf(recordBytes: number): { text: string; records: number } {
  const records = Math.floor(SLAB_BYTES / recordBytes);
  const lines = Array.from({ length: records }, (_, number) =>
    `${String.fromCharCode(97 + (number % 26))}`.padEnd(recordBytes - 1, 'x'),
  );
  return { text: `${lines.join('\n')}\n`, records };
}

/** Runs `step`, which moves so many bytes, for a while. @returns MB/s */
function rate(bytesPerStep: number, step: () => void): number {
  for (const end = performance.now() + WARM_UP_MS; performance.now() < end; ) step();
  const started = performance.now();
  let moved = 0;
  for (; performance.now() < started + MEASURED_MS; moved += bytesPerStep) step();
  return moved / 1e3 / (performance.now() - started);
}

interface ReaderReport {
  records: number;
  missed: number;
  isIntact: boolean;
}

/** A reader in a thread of its own: reads until it has seen, or missed, all of `total` records. */
async function readAlong(): Promise<void> {
  const { memory, doorbell, recordBytes } = workerData as { memory: number; doorbell: number; recordBytes: number };
  const native = loadNative();
  const reader = native.ring.openReader({
    memory: native.descriptor.adopt(memory),
    doorbell: native.descriptor.adopt(doorbell),
  });
  const buffer = Buffer.alloc(1 << 18);
  const report: ReaderReport = { records: 0, missed: 0, isIntact: true };
  let total = Number.POSITIVE_INFINITY;
  parentPort?.once('message', (count: number) => {
    total = count;
  });
  parentPort?.postMessage('ready');
  while (report.records + report.missed < total) {
    const { bytes, records, missedRecords } = reader.read(buffer);
    report.records += records;
    report.missed += missedRecords;
    report.isIntact &&= bytes === records * recordBytes && (bytes === 0 || buffer[bytes - 1] === 10);
    // Told of the total by a message: that needs a turn of the loop. While there is nothing new, so does the doorbell.
    if (bytes === 0) await Promise.race([reader.wait(), new Promise(setImmediate)]);
  }
  reader.close();
  parentPort?.postMessage(report);
}

async function appendToRing({ recordBytes, readers }: Case): Promise<number> {
  const log = loadNative().ring.create({ name: 'bench', sizeBytes: RING_BYTES });
  const workers = await Promise.all(
    Array.from({ length: readers }, async () => {
      const { memory, doorbell } = log.subscribe();
      const descriptors = { memory: memory.releaseNumber(), doorbell: doorbell.releaseNumber() };
      const worker = new Worker(fileURLToPath(import.meta.url), { workerData: { ...descriptors, recordBytes } });
      await once(worker, 'message');
      return worker;
    }),
  );
  const slab = Buffer.from(slabOf(recordBytes).text);
  const megabytes = rate(slab.length, () => log.write(slab));
  const { records, bytes } = log.stats;
  if (bytes !== records * recordBytes) throw new Error('not all was written');
  const reports = workers.map((worker) => once(worker, 'message'));
  for (const worker of workers) worker.postMessage(records);
  for (const [report] of (await Promise.all(reports)) as [ReaderReport][]) {
    if (!report.isIntact || report.records + report.missed !== records)
      throw new Error(`a reader saw ${JSON.stringify(report)}`);
  }
  return megabytes;
}

/** A full ring is read from its start, again and again. */
function readFromRing({ recordBytes }: Case): number {
  const native = loadNative();
  const log = native.ring.create({ name: 'bench', sizeBytes: RING_BYTES });
  const { text } = slabOf(recordBytes);
  for (let written = 0; written < 2 * RING_BYTES; written += text.length) log.write(text);
  const reader = native.ring.openReader({ memory: log.subscribe().memory });
  const buffer = Buffer.alloc(RING_BYTES);
  const whole = reader.read(buffer);
  if (whole.bytes !== whole.records * recordBytes || whole.bytes < RING_BYTES / 2) throw new Error('not whole records');
  return rate(whole.bytes, () => {
    reader.seekStart();
    for (let read = 0; read < whole.bytes; ) read += reader.read(buffer).bytes;
  });
}

/** The same with a file on tmpfs; nobody reads along, for a file that is started over tells nobody what was lost. */
function useFile({ recordBytes, contestant, action }: Case): number {
  const path = `/dev/shm/talos-bench-ring-${process.pid}`;
  const file = openSync(path, 'w+');
  unlinkSync(path);
  try {
    const { text, records } = slabOf(recordBytes);
    const slab = Buffer.from(text);
    const pieces =
      contestant === 'file, slabs'
        ? [slab]
        : Array.from({ length: records }, (_, number) =>
            slab.subarray(number * recordBytes, (number + 1) * recordBytes),
          );
    let position = 0;
    const append = () => {
      for (const piece of pieces) position += writeSync(file, piece, 0, piece.length, position);
      if (position >= RING_BYTES) position = 0;
    };
    if (action === 'append') return rate(slab.length, append);
    while (position < RING_BYTES - slab.length) append();
    const bytes = position;
    const buffer = Buffer.alloc(RING_BYTES);
    return rate(bytes, () => {
      if (readSync(file, buffer, 0, bytes, 0) !== bytes) throw new Error('a short read');
    });
  } finally {
    closeSync(file);
  }
}

async function sample(each: Case): Promise<number> {
  if (each.contestant !== 'ring') return useFile(each);
  return each.action === 'read' ? readFromRing(each) : await appendToRing(each);
}

async function main(samples: number): Promise<void> {
  const measurements: Measurement[] = cases.map((each) => ({ name: nameOf(each), unit: 'MB/s', samples: [] }));
  // In turn, so that whatever else the machine does meets all of them.
  for (let number = 0; number < samples; number++) {
    for (const [index, { samples }] of measurements.entries()) {
      const argv = [fileURLToPath(import.meta.url), '--case', String(index)];
      samples.push(Number(execFileSync(process.execPath, argv, { encoding: 'utf8' })));
    }
  }
  const named = (each: Omit<Case, 'recordBytes'>, recordBytes: number) => nameOf({ ...each, recordBytes });
  const append = (readers: number) => ({ readers, contestant: 'ring', action: 'append' }) as const;
  const file = (contestant: 'file, slabs' | 'file, records', action: Case['action']) => ({
    readers: 0,
    contestant,
    action,
  });
  const ratios: Ratio[] = [100, 4096].flatMap((bytes) => [
    {
      name: `append ${bytes} B: ring to file, a record a call`,
      of: named(append(0), bytes),
      by: named(file('file, records', 'append'), bytes),
      atLeast: 1,
    },
    {
      name: `append ${bytes} B: ring to file in slabs`,
      of: named(append(0), bytes),
      by: named(file('file, slabs', 'append'), bytes),
    },
    { name: `append ${bytes} B: with 1 reader to none`, of: named(append(1), bytes), by: named(append(0), bytes) },
    { name: `append ${bytes} B: with 4 readers to none`, of: named(append(4), bytes), by: named(append(0), bytes) },
    {
      name: `read ${bytes} B: ring to file`,
      of: named({ readers: 1, contestant: 'ring', action: 'read' }, bytes),
      by: named(file('file, slabs', 'read'), bytes),
    },
  ]);
  await publish({
    benchmark: 'ring',
    question: 'appending to and reading from a log ring, against a file on tmpfs',
    parameters: { ringBytes: RING_BYTES, slabBytes: SLAB_BYTES, measuredMs: MEASURED_MS, samples },
    measurements,
    ratios,
  });
}

if (isMainThread) {
  const { values } = parseArgs({ options: { samples: { type: 'string', default: '10' }, case: { type: 'string' } } });
  const chosen = cases[Number(values.case)];
  if (chosen === undefined) await main(countOf('samples', values.samples));
  else console.log(await sample(chosen));
} else {
  await readAlong();
}
