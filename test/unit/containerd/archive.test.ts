/** Archives of images as they are read, and what is put into containerd out of them. */
import { createHash } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import {
  ContainerdConnection,
  ensureNamespace,
  findImage,
  ImageArchive,
  snapshotOfImage,
  storeArchive,
} from '../../../lib/containerd/index.js';
import { ContentDefinition } from '../../../lib/gen/containerd/service.js';
import { writeOciArchive } from '../../../lib/image/oci-archive.js';
import { RealContainerd, runtimes } from './real-containerd.js';

const architecture = process.arch === 'arm64' ? 'arm64' : 'amd64';
const namespace = 'k8s.io';
const name = 'talos.local/large:1';
/** More than a piece, and no whole number of them. */
const LARGE_BYTES = 3 * 1024 * 1024 + 4321;

async function largeArchive(t: Test): Promise<string> {
  const tree = t.testdir({ large: Buffer.alloc(LARGE_BYTES, 'large ').toString('latin1') });
  const path = join(tree, 'image.tar');
  await writeOciArchive(path, { architecture, tree, names: ['large'] });
  return path;
}

t.test('what is in it', async (t) => {
  const path = await largeArchive(t);
  const archive = await ImageArchive.open(path);
  const manifest = await archive.manifest();
  t.equal(manifest.layers.length, 1);
  for (const blob of [...manifest.layers, manifest.config, manifest]) {
    const hash = createHash('sha256');
    let size = 0;
    for await (const piece of archive.blob(blob, 1000)) {
      size += piece.length;
      hash.update(piece);
    }
    t.strictSame([`sha256:${hash.digest('hex')}`, size], [blob.digest, blob.size]);
  }
  await archive.close();
});

t.test('what is no archive, or not of one image', async (t) => {
  const path = await largeArchive(t);
  const whole = await readFile(path);
  const index = whole.indexOf('{"schemaVersion":2,"manifests"');
  const changed = (change: (bytes: Buffer) => void) => {
    const bytes = Buffer.from(whole);
    change(bytes);
    return bytes;
  };
  const cases: [string, Buffer, RegExp][] = [
    ['text', Buffer.alloc(4096, 'x'), /a size in it cannot be read/],
    ['nothing', Buffer.alloc(0), /it has no index\.json/],
    ['zeroes', Buffer.alloc(4096), /it has no index\.json/],
    ['an index that is no JSON', changed((bytes) => void bytes.write('[', index)), /its index\.json cannot be read/],
    [
      'an index without images',
      changed((bytes) => void bytes.write('{"schemaVersion":2,"manifestx"', index)),
      /does not name one image/,
    ],
    [
      'a digest that is none',
      changed((bytes) => void bytes.write('x', bytes.indexOf('sha256:', index) + 10)),
      /not named as it should be/,
    ],
    [
      'a manifest that is not there',
      changed((bytes) => void bytes.write('0000', bytes.indexOf('sha256:', index) + 7)),
      /it has no blobs\/sha256\/0000/,
    ],
  ];
  for (const [what, bytes, why] of cases) {
    await writeFile(path, bytes);
    const read = async () => {
      const archive = await ImageArchive.open(path);
      try {
        await archive.manifest();
      } finally {
        await archive.close();
      }
    };
    await t.rejects(read(), { code: 'ERR_ARCHIVE', message: why }, what);
  }
});

for (const { name: runtime } of runtimes) {
  t.test(`in ${runtime}`, async (t) => {
    const containerd = await RealContainerd.start(runtime);
    t.teardown(() => containerd[Symbol.asyncDispose]());
    const connection = new ContainerdConnection(containerd.socketPath);
    t.teardown(() => connection.close());
    await ensureNamespace(connection, namespace);
    const path = await largeArchive(t);
    const archive = await ImageArchive.open(path);
    t.teardown(() => archive.close());
    const manifest = await archive.manifest();

    await t.test('all of it is there, and what the image needs is kept', async (t) => {
      for (const label of ['one', 'two']) {
        await storeArchive(connection, { namespace, name, labels: { label }, archive });
        const image = await findImage(connection, namespace, name);
        t.match(image, { name, digest: manifest.digest, labels: { label } }, 'the second takes the place of the first');
        if (image)
          t.match(await snapshotOfImage(connection, namespace, image), /^sha256:/, 'its documents can be read');
      }
      const { info } = await connection.unary(ContentDefinition.Info, { digest: manifest.digest }, { namespace });
      t.match(info?.labels, {
        'containerd.io/gc.ref.content.config': manifest.config.digest,
        'containerd.io/gc.ref.content.l.0': manifest.layers[0]?.digest,
      });
    });

    await t.test('bytes that are not what they are called are refused', async (t) => {
      const bytes = await readFile(path);
      const at = bytes.indexOf('large large large');
      bytes.write('Large', at);
      const wrong = join(t.testdir(), 'wrong.tar');
      await writeFile(wrong, bytes);
      const other = await ImageArchive.open(wrong);
      t.teardown(() => other.close());
      // In another namespace: here the right ones are there, and nothing is written.
      await ensureNamespace(connection, 'other');
      const layer = (await other.manifest()).layers[0];
      t.equal(layer?.digest, manifest.layers[0]?.digest);
      const fresh = await RealContainerd.start(runtime);
      t.teardown(() => fresh[Symbol.asyncDispose]());
      const own = new ContainerdConnection(fresh.socketPath);
      t.teardown(() => own.close());
      await ensureNamespace(own, namespace);
      await t.rejects(storeArchive(own, { namespace, name, archive: other }), {
        code: 'ERR_CONTAINERD',
        message: /unexpected commit digest/,
      });
      t.equal(await findImage(own, namespace, name), undefined);
    });
  });
}
