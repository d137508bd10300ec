/** The client against the real containerd: version, health, namespaces, images. What needs runc is tested on a booted node (test/vm/containers.test.ts). */
import { createReadStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { KIB } from '../../../lib/base/units.js';
import {
  ContainerdConnection,
  chainId,
  containerdVersion,
  ensureNamespace,
  findImage,
  findTask,
  importArchive,
  isServing,
  isUnavailable,
  listContainers,
  listImages,
  removeContainer,
  removeImage,
  snapshotOfImage,
  taskEvents,
  waitForTask,
} from '../../../lib/containerd/index.js';
import { SnapshotsDefinition } from '../../../lib/gen/containerd/service.js';
import { writeOciArchive } from '../../../lib/image/oci-archive.js';
import { writeServiceImage } from '../../../lib/image/service-image.js';
import { RealContainerd, runtimes } from './real-containerd.js';

const namespace = 'system';
const name = 'talos.local/test:1';

for (const { name: runtime } of runtimes) {
  // 'containerd-1.7' is 1.7 and whatever comes behind it, 'containerd-2.x' is 2.
  const isVersion = new RegExp(`^${runtime.replace('containerd-', '').replace(/\.x$/, '').replaceAll('.', '\\.')}\\.`);
  t.test(runtime, async (t) => {
    const containerd = await RealContainerd.start(runtime);
    t.teardown(() => containerd[Symbol.asyncDispose]());
    const connection = new ContainerdConnection(containerd.socketPath);
    t.teardown(() => connection.close());
    const archive = join(t.testdir(), 'image.tar');
    await writeServiceImage(archive, process.arch === 'arm64' ? 'arm64' : 'amd64');

    await t.test('version and health', async (t) => {
      t.match(await containerdVersion(connection), isVersion);
      t.equal(await isServing(connection), true);
    });

    await t.test('an archive becomes an image with an unpacked snapshot', async (t) => {
      await ensureNamespace(connection, namespace);
      await ensureNamespace(connection, namespace);
      t.equal(await findImage(connection, namespace, name), undefined);
      for (const label of ['one', 'two']) {
        const labels = { 'talos.dev/archive': label };
        await importArchive(connection, { namespace, name, labels, archive: createReadStream(archive) });
        const image = await findImage(connection, namespace, name);
        t.match(image, { name, labels }, 'the second takes the place of the first');
      }
      const [image, ...others] = await listImages(connection, namespace);
      t.strictSame(others, []);
      if (!image) return;
      const snapshot = await snapshotOfImage(connection, namespace, image);
      const key = { snapshotter: 'overlayfs', key: snapshot };
      const { info } = await connection.unary(SnapshotsDefinition.Stat, key, { namespace });
      t.equal(info?.kind, 3, 'committed');
      t.strictSame(await listImages(connection, 'k8s.io'), [], 'another namespace does not see it');
    });

    await t.test('a layer that is compressed by zstd is unpacked, and the same tree is the same archive', async (t) => {
      const folder = t.testdir({ tree: { program: 'the same again and '.repeat(100_000) } });
      const tree = join(folder, 'tree');
      const architecture = process.arch === 'arm64' ? 'arm64' : 'amd64';
      const files = ['one', 'two'].map((each) => join(folder, `${each}.tar`)) as [string, string];
      for (const file of files)
        await writeOciArchive(file, { architecture, tree, names: ['program'], compression: 'zstd' });
      const bytes = await readFile(files[0]);
      t.ok(bytes.length < 64 * KIB);
      t.ok(bytes.equals(await readFile(files[1])));
      const compressed = 'talos.local/compressed:1';
      await importArchive(connection, { namespace, name: compressed, archive: createReadStream(files[0]) });
      const image = await findImage(connection, namespace, compressed);
      const snapshot = image && (await snapshotOfImage(connection, namespace, image));
      const key = { snapshotter: 'overlayfs', key: snapshot ?? 'none' };
      const { info } = await connection.unary(SnapshotsDefinition.Stat, key, { namespace });
      t.equal(info?.kind, 3, 'committed, under the digest of what is in the layer');
      await removeImage(connection, namespace, compressed);
    });

    await t.test('an archive that is none, cannot be read, or is cut off leaves nothing', async (t) => {
      const whole = await readFile(archive);
      const cases: [string, () => AsyncIterable<Uint8Array>, RegExp][] = [
        [
          'none',
          async function* () {
            yield Buffer.alloc(8192, 'x');
          },
          /invalid tar header/,
        ],
        ['empty', async function* () {}, /./],
        [
          'cut off',
          async function* () {
            yield whole.subarray(0, 5000);
          },
          /./,
        ],
        [
          'unreadable',
          async function* () {
            yield whole.subarray(0, 512);
            throw new Error('EIO');
          },
          /EIO/,
        ],
      ];
      for (const [what, bytes, why] of cases) {
        const request = importArchive(connection, { namespace, name: 'bad', archive: bytes() });
        await t.rejects(request, { message: why }, what);
      }
      t.strictSame(
        (await listImages(connection, namespace)).map((image) => image.name),
        [name],
      );
    });

    await t.test('what is not there', async (t) => {
      t.strictSame(await listContainers(connection, namespace), []);
      t.equal(await findTask(connection, namespace, 'nope'), undefined);
      t.equal(await waitForTask(connection, namespace, 'nope'), undefined);
      await removeContainer(connection, namespace, 'nope');
      await removeImage(connection, namespace, 'nope');
    });

    await t.test('after it was killed: calls fail as unavailable, and the next one answers again', async (t) => {
      const stop = new AbortController();
      const events = taskEvents(connection, stop.signal).next();
      const lost = events.then(
        () => undefined,
        (error) => error,
      );
      await containerd.end();
      t.ok(isUnavailable(await lost), 'a stream tells that it is over');
      t.ok(isUnavailable(await containerdVersion(connection).catch((error) => error)));
      await t.rejects(connection.connected(100), /deadline/i, 'nobody listens');
      await containerd.startAgain();
      await connection.connected();
      t.match(await containerdVersion(connection), isVersion, 'whoever waits for the connection has an answer');
      t.equal((await listImages(connection, namespace)).length, 1, 'with what was there');
      await removeImage(connection, namespace, name);
      t.strictSame(await listImages(connection, namespace), []);
    });
  });
}

t.test('chain ids, as the image specification has them', (t) => {
  t.equal(chainId(['sha256:a']), 'sha256:a');
  t.equal(chainId(['sha256:a', 'sha256:b']), 'sha256:970a948bffa8de94d6e22d747ba8c95030e6e546909f98f54e99a13005e173a8');
  t.equal(
    chainId(['sha256:a', 'sha256:b', 'sha256:c']),
    'sha256:dee159b33409cefa3f6eda71539f006014283e9d9130c18a1dea7bd8a33c9b1b',
  );
  t.end();
});
