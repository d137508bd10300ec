/** Images of the release into the real containerd, as both versions have it. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { ContainerdConnection, removeImage } from '../../../../lib/containerd/index.js';
import { writeOciArchive } from '../../../../lib/image/oci-archive.js';
import { writeServiceImage } from '../../../../lib/image/service-image.js';
import { importImages } from '../../../../lib/machined/kubernetes/images.js';
import { CriClient } from '../../../helpers/cri/client.js';
import { RealContainerd, runtimes } from '../../containerd/real-containerd.js';

const NAME = 'k8s.gcr.io/pause:3.2';
const arch = process.arch === 'arm64' ? 'arm64' : 'amd64';

for (const { name: runtime } of runtimes) {
  t.test(runtime, async (t) => {
    const containerd = await RealContainerd.start(runtime);
    t.teardown(() => containerd[Symbol.asyncDispose]());
    const connection = new ContainerdConnection(containerd.socketPath);
    t.teardown(() => connection.close());
    using cri = new CriClient(containerd.socketPath);
    await cri.ready();
    const folder = t.testdir();
    const archive = join(folder, 'pause.tar');
    await writeServiceImage(archive, arch);
    const seenByCri = async () => {
      const { images } = await cri.image<{ images: { repoTags: string[]; pinned: boolean }[] }>('ListImages');
      return images.filter(({ repoTags }) => repoTags.includes(NAME));
    };

    t.strictSame(await importImages(connection, [{ name: NAME, path: archive }]), [NAME]);
    let seen: Awaited<ReturnType<typeof seenByCri>> = [];
    while (seen.length === 0) seen = await seenByCri();
    t.match(seen, [{ pinned: true }], 'CRI sees it without a restart, and does not let it be removed');
    t.strictSame(await importImages(connection, [{ name: NAME, path: archive }]), [], 'what is there is left alone');
    await removeImage(connection, 'k8s.io', NAME);
    t.strictSame(
      await importImages(connection, [{ name: NAME, path: archive }]),
      [NAME],
      'what was removed comes back',
    );

    // Before its layer is, as a cut leaves it: the next one writes what is missing.
    const other = join(folder, 'other.tar');
    const bytes = await readFile(archive);
    await writeFile(other, bytes.subarray(0, 3 * 1024));
    await t.rejects(importImages(connection, [{ name: NAME, path: other }]), {
      code: 'ERR_ARCHIVE',
      message: /is no archive/,
    });
    await removeImage(connection, 'k8s.io', NAME);
    const stop = new AbortController();
    stop.abort(new Error('the node goes down'));
    const cut = importImages(connection, [{ name: NAME, path: archive }], stop.signal);
    await t.rejects(cut, { message: 'the node goes down' });
    t.strictSame(await seenByCri(), []);
    t.strictSame(await importImages(connection, [{ name: NAME, path: archive }]), [NAME]);

    // An archive with another image under the same name takes its place.
    await writeOciArchive(other, { architecture: arch, tree: folder, names: ['pause.tar'] });
    t.strictSame(await importImages(connection, [{ name: NAME, path: other }]), [NAME]);
    t.strictSame(await importImages(connection, [{ name: NAME, path: other }]), []);
    await t.rejects(importImages(connection, [{ name: NAME, path: join(folder, 'none.tar') }]), { code: 'ENOENT' });
  });
}
