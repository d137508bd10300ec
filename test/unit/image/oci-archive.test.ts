/** Container images as archives: where they are put together. */
import { readdirSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { writeOciArchive } from '../../../lib/image/oci-archive.js';
import { writeServiceImage } from '../../../lib/image/service-image.js';

t.test('nothing is written to /tmp, which may be smaller than a layer', async (t) => {
  const folder = t.testdir({ tree: { file: 'x' }, made: {} });
  const { TMPDIR } = process.env;
  t.teardown(() => {
    if (TMPDIR === undefined) delete process.env.TMPDIR;
    else process.env.TMPDIR = TMPDIR;
  });
  process.env.TMPDIR = path.join(folder, 'nowhere');
  const tree = path.join(folder, 'tree');
  const at = (name: string) => path.join(folder, 'made', name);
  await writeOciArchive(at('image.tar'), { architecture: 'amd64', tree, names: ['file'], compression: 'zstd' });
  await writeServiceImage(at('service.tar'), 'amd64');
  t.same(readdirSync(path.join(folder, 'made')).sort(), ['image.tar', 'service.tar']);
  await t.rejects(writeOciArchive(at('none.tar'), { architecture: 'amd64', tree, names: ['none'] }), {
    code: 'ENOENT',
  });
  t.same(readdirSync(path.join(folder, 'made')).sort(), ['image.tar', 'service.tar'], 'a failure leaves nothing');
});
