import { stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { folderMoveStore } from '../../../../lib/machined/containers/folder-move.js';
import { loadNative } from '../../../../lib/native/index.js';

const { files } = loadNative();

t.test('what one machined writes the next one reads', async (t) => {
  const folder = join(t.testdir(), 'machined');
  t.equal(await folderMoveStore(files, folder).read(), undefined, 'the first one of a boot');
  await folderMoveStore(files, folder).write({ kind: 'setting-aside', restarts: 4 });
  await folderMoveStore(files, folder).write({ kind: 'moved', restarts: 4 });
  t.strictSame(await folderMoveStore(files, folder).read(), { kind: 'moved', restarts: 4 });
  t.equal((await stat(folder)).mode & 0o777, 0o700);
  t.equal((await stat(join(folder, 'containerd-folder.json'))).mode & 0o777, 0o600);
});

t.test('what is no step is told, and not gone by', async (t) => {
  const folder = t.testdir();
  for (const text of ['{"kind":"moving","restarts":4}', '{"kind":"moved"}', 'no JSON']) {
    await writeFile(join(folder, 'containerd-folder.json'), text);
    await t.rejects(folderMoveStore(files, folder).read(), { message: /unknown step|JSON/ });
  }
});
