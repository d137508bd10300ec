import t from 'tap';
import { formatBytes } from '../../../lib/base/units.js';

t.test('sizes for people', async (t) => {
  const sizes = [
    [0, '0 B'],
    [999, '999 B'],
    [1000, '1.0 kB'],
    [9949, '9.9 kB'],
    [9951, '10 kB'],
    [999_499, '999 kB'],
    [999_600, '1.0 MB'],
    [57_901_056, '58 MB'],
    [8.59e9, '8.6 GB'],
    [1.92e12, '1.9 TB'],
    [5e18, '5000 PB'],
  ] as const;
  for (const [bytes, text] of sizes) t.equal(formatBytes(bytes), text, String(bytes));
});
