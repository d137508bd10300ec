/** A file that may not grow any further takes what fits, as a disk that is full does: that is a failure, not half an image. */
import { execFileSync } from 'node:child_process';
import { copyFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { writeCpio } from '../../../lib/image/cpio.js';
import { appendVerityTree } from '../../../lib/image/verity.js';

const fixture = fileURLToPath(new URL('../../fixtures/short-write.js', import.meta.url));

/** @returns 'done', or the code of its error */
function within(limit: number, ...words: string[]): string {
  const argv = [`--fsize=${limit}`, process.execPath, fixture, ...words];
  return execFileSync('prlimit', argv, { encoding: 'utf8' });
}

t.test('a hash tree of which only a part can be written', async (t) => {
  const folder = t.testdir({ content: 'x'.repeat(600 * 4096) });
  const [content, whole, image] = ['content', 'whole', 'image'].map((name) => path.join(folder, name)) as [
    string,
    string,
    string,
  ];
  copyFileSync(content, whole);
  await appendVerityTree(whole);
  const { size } = statSync(whole);
  for (const [limit, outcome] of [
    [size, 'done'],
    [size - 1, 'EFBIG'],
    [size - 4097, 'EFBIG'],
  ] as const) {
    copyFileSync(content, image);
    t.equal(within(limit, 'verity', image), outcome, `${limit} of ${size} bytes`);
  }
});

t.test('an archive of which only a part can be written', async (t) => {
  const folder = t.testdir();
  const [content, archive] = [path.join(folder, 'content'), path.join(folder, 'archive')];
  writeFileSync(content, 'y'.repeat(3_000_000));
  await writeCpio(archive, [{ kind: 'file', path: 'init', mode: 0o755, file: content }]);
  const { size } = statSync(archive);
  for (const [limit, outcome] of [
    [size, 'done'],
    [size - 1, 'EFBIG'],
    [2_500_000, 'EFBIG'],
  ] as const) {
    t.equal(within(limit, 'cpio', archive, content), outcome, `${limit} of ${size} bytes`);
  }
});
