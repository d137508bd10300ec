import { join } from 'node:path';
import t from 'tap';
import { readAttribute, readKernelFile } from '../../../../lib/os/proc/read.js';

t.test('files without a size, and bounds', async (t) => {
  t.match(await readKernelFile('/proc/meminfo'), /^MemTotal:/);
  const folder = t.testdir({ large: 'x'.repeat(200_000), exact: 'y'.repeat(100), empty: '' });
  t.equal((await readKernelFile(join(folder, 'large'))).length, 200_000);
  t.equal((await readKernelFile(join(folder, 'exact'), 100)).length, 100);
  t.equal(await readKernelFile(join(folder, 'empty')), '');
  const path = join(folder, 'large');
  await t.rejects(readKernelFile(path, 100_000), { code: 'EFBIG', errno: -27, path, message: new RegExp(path) });
  await t.rejects(readKernelFile(join(folder, 'none')), { code: 'ENOENT', path: join(folder, 'none') });
});

t.test('a file that comes in pieces of a page takes no more memory than it has text', async (t) => {
  const before = process.memoryUsage().arrayBuffers;
  const { length } = await readKernelFile('/proc/self/smaps');
  const taken = process.memoryUsage().arrayBuffers - before;
  t.ok(length > 50_000 && taken < 4 * length, `${taken} bytes for ${length}`);
});

t.test('attributes', async (t) => {
  const folder = t.testdir({ value: ' some text\n' });
  t.equal(await readAttribute(join(folder, 'value')), 'some text');
  t.equal(await readAttribute(join(folder, 'none')), undefined);
  t.equal(await readAttribute(folder), undefined, 'a folder has no value');
  await t.rejects(readAttribute(3 as unknown as string), TypeError);
});
