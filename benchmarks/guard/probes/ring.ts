/** Appending records of 100 bytes to a log ring, and reading them, from the JavaScript thread. */
import { costOfRound, nativeOf, probeInput, tell } from '../probe.js';

const RING_BYTES = 1 << 20;
const RECORD_BYTES = 100;
const SLAB_RECORDS = 640;
const DURATION = { warmUpMs: 60, measuredMs: 120 };

const native = await nativeOf(probeInput());
const log = native.ring.create({ name: 'guard', sizeBytes: RING_BYTES });
const slab = Buffer.from(`${'x'.repeat(RECORD_BYTES - 1)}\n`.repeat(SLAB_RECORDS));

const append = costOfRound(() => log.write(slab), DURATION);
const { records, bytes } = log.stats;
if (bytes !== records * RECORD_BYTES || records % SLAB_RECORDS !== 0) throw new Error('not all was written');

const reader = native.ring.openReader({ memory: log.subscribe().memory });
const buffer = Buffer.alloc(RING_BYTES);
const whole = reader.read(buffer);
if (whole.bytes !== whole.records * RECORD_BYTES || whole.bytes < RING_BYTES / 2) throw new Error('not whole records');
if (!buffer.subarray(0, RECORD_BYTES).equals(slab.subarray(0, RECORD_BYTES))) throw new Error('not what was written');
const read = costOfRound(() => {
  reader.seekStart();
  if (reader.read(buffer).bytes !== whole.bytes) throw new Error('not all was read');
}, DURATION);

tell({
  'ring-append': (append.cpuUs * 1000) / SLAB_RECORDS,
  'ring-read': (read.cpuUs * 1000) / whole.records,
});
