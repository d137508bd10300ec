/** From a service's standard output into its log ring: what the process that keeps the ring spends on lines of 100 bytes. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { nativeOf, probeInput, stopwatch, tell } from '../probe.js';

const RING_BYTES = 1 << 20;
const LINE_BYTES = 100;
const WARM_UP_LINES = 20_000;
const LINES = 250_000;
/** On tmpfs, so that no disk is measured. */
const SCRATCH = '/dev/shm';

const native = await nativeOf(probeInput());
native.process.startReaper({ subreaper: false });
const folder = mkdtempSync(join(SCRATCH, 'talos-guard-'));

const lineOf = (number: number) => `${String(number).padStart(LINE_BYTES - 1, '.')}\n`;

/** Lets cat(1) write so many lines; the ring is checked and gone afterwards. */
async function ingest(lines: number): Promise<number> {
  const file = join(folder, String(lines));
  writeFileSync(file, Array.from({ length: lines }, (_, number) => lineOf(number)).join(''));
  const log = native.ring.create({ name: 'guard', sizeBytes: RING_BYTES });
  const [read, write] = native.descriptor.pipe();
  const took = stopwatch();
  log.attach(read, 'stdout');
  const child = native.process.spawn({
    file: '/bin/cat',
    argv: ['cat', file],
    env: {},
    stdin: 'null',
    stdout: write,
    stderr: 'inherit',
  });
  write.close();
  const status = await child.exited;
  await log.drained();
  const { cpuUs } = took();
  if (status.kind !== 'exited' || status.code !== 0) throw new Error(`cat ended with ${JSON.stringify(status)}`);
  const { records, bytes } = log.stats;
  if (records !== lines || bytes !== lines * LINE_BYTES) throw new Error(`${records} records of ${bytes} bytes`);
  if (log.lastLine(LINE_BYTES) !== lineOf(lines - 1).trimEnd()) throw new Error('the last line is another');
  log.close();
  return cpuUs;
}

try {
  await ingest(WARM_UP_LINES);
  tell({ 'pipe-to-ring': ((await ingest(LINES)) * 1000) / LINES });
} finally {
  rmSync(folder, { recursive: true });
}
