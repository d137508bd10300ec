/**
 * The Container Runtime Interface of the real containerd with the image's configuration: what a kubelet asks first. Pods need runc and cgroups and
 * are tested on a booted node (test/vm/containerd-2.test.ts).
 */
import { createReadStream } from 'node:fs';
import { join } from 'node:path';
import { status } from '@grpc/grpc-js';
import t from 'tap';
import { ContainerdConnection, ensureNamespace, importArchive, labelImage } from '../../../lib/containerd/index.js';
import { writeServiceImage } from '../../../lib/image/service-image.js';
import { CriClient } from '../../helpers/cri/client.js';
import { RealContainerd, runtimes } from './real-containerd.js';

interface Status {
  status: { conditions: { type: string; status: boolean; reason: string }[] };
  info: Record<string, string>;
}

for (const { name: runtime, configVersion } of runtimes) {
  t.test(runtime, async (t) => {
    const containerd = await RealContainerd.start(runtime);
    t.teardown(() => containerd[Symbol.asyncDispose]());
    const cri = new CriClient(containerd.socketPath);
    t.teardown(() => cri[Symbol.dispose]());

    await cri.ready();

    await t.test('it takes every line of its configuration, and loads what that asks for', async (t) => {
      const lines = (await containerd.log()).split('\n');
      t.ok(lines.length > 10);
      const complaints = lines.filter((line) => /unknown key|deprecated|failed to load plugin/i.test(line));
      t.strictSame(complaints, []);
    });

    await t.test('which versions of the interface it speaks', async (t) => {
      const version = await cri.runtime('Version');
      t.match(version, { runtimeName: 'containerd', runtimeApiVersion: 'v1' });
      const old = cri.runtime('Version', {}, 'v1alpha2');
      if (configVersion === 2) t.match(await old, { runtimeApiVersion: 'v1alpha2' });
      else await t.rejects(old, { code: status.UNIMPLEMENTED });
    });

    await t.test('it is ready, with the cgroup driver of the image', async (t) => {
      const { status: state, info } = await cri.runtime<Status>('Status', { verbose: true });
      const conditions = Object.fromEntries(state.conditions.map(({ type, status }) => [type, status]));
      t.match(conditions, { RuntimeReady: true, NetworkReady: false }, 'no network plugin is configured');
      // A kubelet that does not hear of it from here uses its own configuration.
      const driver = cri.runtime('RuntimeConfig');
      if (configVersion === 2) await t.rejects(driver, { code: status.UNIMPLEMENTED });
      else t.match(await driver, { linux: { cgroupDriver: 'CGROUPFS' } });
      const config = JSON.parse(info.config ?? '{}');
      t.match(config, { enableSelinux: false, disableApparmor: true, containerd: { defaultRuntimeName: 'runc' } });
      t.match(config.containerd.runtimes.runc, {
        runtimeType: 'io.containerd.runc.v2',
        options: { ShimCgroup: '/podruntime/shim', SystemdCgroup: false },
      });
    });

    await t.test('an image that was imported is one of its own', async (t) => {
      const connection = new ContainerdConnection(containerd.socketPath);
      t.teardown(() => connection.close());
      const archive = join(t.testdir(), 'image.tar');
      await writeServiceImage(archive, process.arch === 'arm64' ? 'arm64' : 'amd64');
      await ensureNamespace(connection, 'k8s.io');
      const name = 'talos.local/test:1';
      await importArchive(connection, { namespace: 'k8s.io', name, archive: createReadStream(archive) });
      // 1.7's transfer service makes no event of it, and CRI looks for itself only when it is started: a new label is told.
      await labelImage(connection, 'k8s.io', name, ['io.cri-containerd.image', 'managed']);
      let found: unknown;
      while (!found) found = (await cri.image('ImageStatus', { image: { image: name } })).image;
      t.match(found, { repoTags: [name] });
      t.match(await cri.image('ListImages'), { images: [{ repoTags: [name] }] });
      t.match(await cri.image('ImageFsInfo'), {
        imageFilesystems: [{ fsId: { mountpoint: /io\.containerd\.snapshotter\.v1\.overlayfs$/ } }],
      });
    });
  });
}
