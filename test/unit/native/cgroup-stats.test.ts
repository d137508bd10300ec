import t from 'tap';
import { decodeStats, rowSizeOf, toSetBits } from '../../../lib/native/cgroup-stats.js';

t.test('names are bits', async (t) => {
  t.equal(toSetBits(['cpu']), 1);
  t.equal(toSetBits(['pids', 'cpu', 'cpu']), 0b101);
  t.equal(toSetBits(['ioPressure']), 1 << 9);
  for (const wrong of [undefined, [], 'cpu', ['cpus'], [1]]) t.throws(() => toSetBits(wrong), { name: 'TypeError' });
});

t.test('rows are as long as the table of the addon says', async (t) => {
  t.equal(rowSizeOf(0b111), 8);
  t.equal(rowSizeOf((1 << 10) - 1), 57);
});

t.test('rows become objects, and what is not there is left out', async (t) => {
  const bits = toSetBits(['cpu', 'pids', 'memoryEvents', 'io', 'memoryPressure']);
  const size = rowSizeOf(bits);
  const values = Float64Array.from({ length: 2 * size }, (_, position) => (position < size ? position : Number.NaN));
  // The second group has no io and no memory controller, but pids.
  values[size + 6] = 99;
  t.same(decodeStats(values, bits, 2), [
    {
      cpu: { usageUsec: 0, userUsec: 1, systemUsec: 2, periods: 3, throttledPeriods: 4, throttledUsec: 5 },
      pids: 6,
      memoryEvents: { low: 7, high: 8, max: 9, oom: 10, oomKill: 11, oomGroupKill: 12 },
      io: { readBytes: 13, writtenBytes: 14, reads: 15, writes: 16, discardedBytes: 17, discards: 18 },
      memoryPressure: {
        some: { avg10: 19, avg60: 20, avg300: 21, totalUsec: 22 },
        full: { avg10: 23, avg60: 24, avg300: 25, totalUsec: 26 },
      },
    },
    { pids: 99 },
  ]);
  t.same(decodeStats(new Float64Array(0), bits, 0), []);
});
