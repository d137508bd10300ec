import t from 'tap';
import { formatBytes, GIB, MIB, parseBytes } from '../../../lib/base/units.js';

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

t.test('sizes that people give', async (t) => {
  const sizes: [string, number | undefined][] = [
    ['0', 0],
    ['4096', 4096],
    ['10GiB', 10 * GIB],
    ['1.5 GiB', 1.5 * GIB],
    ['512MiB', 512 * MIB],
    ['10GB', 1e10],
    ['64kB', 64_000],
    ['64KB', 64_000],
    ['2TiB', 2048 * GIB],
    ['0.3B', undefined],
    ['', undefined],
    ['GiB', undefined],
    ['-1GiB', undefined],
    ['10G', undefined],
    ['1e3', undefined],
    ['99999999TiB', undefined],
  ];
  for (const [text, bytes] of sizes) t.equal(parseBytes(text), bytes, text);
});
