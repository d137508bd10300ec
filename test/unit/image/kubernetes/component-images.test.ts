// What the images of the components are made from, as it is written down; what was built is looked at in test/kubernetes.
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import t from 'tap';
import { KNOWN_ARCHITECTURES } from '../../../../lib/image/architecture.js';
import { imagesFor } from '../../../../lib/image/kubernetes/component-images.js';
import { parseManifest } from '../../../../lib/image/manifest.js';
import { COMPONENTS } from '../../../../lib/kube/release.js';
import { checkout } from '../../../helpers/checkout.js';

const SHELLS = /^((ba|da|a|z|k|c|tc)?sh|busybox|toybox)$/;

for (const arch of KNOWN_ARCHITECTURES) {
  t.test(arch, async (t) => {
    const images = imagesFor(arch);
    for (const name of COMPONENTS) {
      const { manifest, config } = images[name];
      const file = path.join(checkout, 'rootfs/kubernetes/images', manifest);
      const entries = parseManifest(await readFile(file, 'utf8'), manifest, arch, [], { component: name });
      const [program = ''] = config.Entrypoint ?? [];
      t.match(
        entries.find((entry) => entry.path === program),
        { kind: 'file', mode: 0o755 },
        `${name} has ${program}`,
      );
      t.same(
        entries.filter((entry) => SHELLS.test(path.posix.basename(entry.path))),
        [],
      );
      for (const { why, path: name } of entries) t.ok(why.length > 5, `${name} has a reason`);
    }
    t.match(images.pause.config, { User: '65535:65535' });
  });
}

t.test('etcd 3.4 is told that arm64 is meant, and nobody else is told anything', async (t) => {
  const told = (arch: (typeof KNOWN_ARCHITECTURES)[number]) =>
    COMPONENTS.flatMap((name) => imagesFor(arch)[name].config.Env?.filter((each) => !each.startsWith('PATH=')) ?? []);
  t.same(told('amd64'), []);
  t.same(told('arm64'), ['ETCD_UNSUPPORTED_ARCH=arm64']);
});
