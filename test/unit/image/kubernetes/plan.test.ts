// Which Kubernetes an image gets, and what the image then has: decided and checked before anything is built.
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import t from 'tap';
import { KNOWN_ARCHITECTURES } from '../../../../lib/image/architecture.js';
import { withPauseImage, withPluginFolder } from '../../../../lib/image/kubernetes/node-files.js';
import { planImage, readReleases } from '../../../../lib/image/kubernetes/plan.js';
import { main } from '../../../../lib/image/main.js';
import { parseReleaseArguments } from '../../../../lib/image/release-main.js';
import { readManifests } from '../../../../lib/image/root-image.js';
import { findRuntime, readRuntimes } from '../../../../lib/image/runtimes.js';
import { COMPONENTS } from '../../../../lib/kube/release.js';
import { FOLDERS } from '../../../../lib/machined/kubernetes/folders.js';
import { checkout } from '../../../helpers/checkout.js';

const root = checkout;
const plan = async (request?: { version: string; source?: string; directory?: string }, runtime?: string) => {
  const { runtime: row, kubernetes } = await planImage(root, request, runtime);
  return [row.name, kubernetes?.release.version, kubernetes?.source.kind];
};

t.test('what is asked for, and what is preferred', async (t) => {
  t.same(await plan(), ['containerd-1.7', undefined, undefined]);
  t.same(await plan(undefined, 'containerd-2.x'), ['containerd-2.x', undefined, undefined]);
  t.same(await plan({ version: 'v1.20.2' }), ['containerd-1.7', 'v1.20.2', 'debian-source']);
  t.same(await plan({ version: 'v1.36.0' }), ['containerd-2.x', 'v1.36.0', 'official']);
  t.same(await plan({ version: 'v1.35.0' }, 'containerd-1.7'), ['containerd-1.7', 'v1.35.0', 'official']);
  t.same(await plan({ version: 'v1.20.2', directory: 'x' }), ['containerd-1.7', 'v1.20.2', 'directory']);
  const { kubernetes } = await planImage(root, { version: 'v1.21.14', directory: 'x' }, undefined);
  t.match(kubernetes, { rowOf: 'v1.20.2', release: { version: 'v1.21.14' }, source: { kind: 'directory' } });
});

t.test('what does not go together', async (t) => {
  const refused = (
    message: RegExp,
    request: { version: string; source?: string; directory?: string },
    runtime?: string,
  ) => t.rejects(planImage(root, request, runtime), { code: /ERR_KUBERNETES|ERR_RUNTIME/, message });
  await refused(/no such Kubernetes version: v1\.19\.0; there is v1\.20\.2/, { version: 'v1.19.0' });
  await refused(/v1\.20\.2 runs on containerd-1\.7, not containerd-2\.x/, { version: 'v1.20.2' }, 'containerd-2.x');
  await refused(/no such container runtime: rkt/, { version: 'v1.20.2' }, 'rkt');
  await refused(/v1\.20\.2 comes from debian-source or directory, not official/, {
    version: 'v1.20.2',
    source: 'official',
  });
  await refused(/no row of releases\.json fits Kubernetes v1\.25\.0/, { version: 'v1.25.0', directory: 'x' });
  await refused(/v1\.34\.0 runs on containerd-2\.x, not/, { version: 'v1.34.0', directory: 'x' }, 'containerd-1.7');
  await refused(/needs a folder: --kubernetes-directory/, { version: 'v1.20.2', source: 'directory' });
  await refused(/leave out one of the two/, { version: 'v1.20.2', source: 'debian-source', directory: 'x' });
});

t.test('the command lines', async (t) => {
  const kubernetes = { version: 'v1.20.2', source: 'directory', directory: 'f' };
  const words = ['--kubernetes', 'v1.20.2', '--kubernetes-source', 'directory', '--kubernetes-directory', 'f'];
  t.match(parseReleaseArguments(words), { kubernetes });
  t.notOk('kubernetes' in (parseReleaseArguments([]) ?? {}));
  for (const option of ['--kubernetes-source', '--kubernetes-directory'])
    t.throws(() => parseReleaseArguments([option, 'directory']), { code: 'ERR_USAGE', message: /need a version/ });
  const said = t.capture(process.stderr, 'write', () => true);
  t.equal(await main(['all', '--kubernetes', 'v1.20.2', '--runtime', 'containerd-2.x']), 2);
  t.match(said.args().join(''), 'Kubernetes v1.20.2 runs on containerd-1.7, not containerd-2.x');
});

t.test('an image without Kubernetes has nothing of it, one with it all of the other', async (t) => {
  for (const arch of KNOWN_ARCHITECTURES) {
    for (const { version, runtimes } of await readReleases(root)) {
      const runtime = await findRuntime(root, runtimes[0]);
      const usual = await readManifests(root, arch, undefined, runtime);
      const entries = await readManifests(root, arch, undefined, runtime, { version, components: [...COMPONENTS] });
      const byPath = new Map(entries.map((entry) => [entry.path, entry]));
      const changed = usual.filter((entry) => JSON.stringify(entry) !== JSON.stringify(byPath.get(entry.path)));
      t.same(
        changed.map((entry) => entry.path),
        ['/etc/containerd/config.toml'],
      );
      t.same(
        entries.map((entry) => entry.path),
        entries.map((entry) => entry.path).sort(),
      );
      const more = entries.filter((entry) => !usual.some((each) => each.path === entry.path));
      for (const name of ['kubelet', 'kubeadm', 'mount', 'umount']) t.ok(byPath.has(`/usr/bin/${name}`), name);
      for (const name of COMPONENTS) t.ok(byPath.has(`/usr/share/talos/kubernetes/images/${name}.tar`), name);
      t.equal(byPath.has('/usr/bin/du'), version === 'v1.20.2', 'rows of one release alone');
      t.notOk(usual.some((entry) => /kube/.test(entry.path)));
      for (const entry of more) {
        t.ok(entry.why.length > 8, `${entry.path} has a reason`);
        if (entry.kind === 'file') t.ok([0o755, 0o644].includes(entry.mode), entry.path);
        t.notMatch(
          path.posix.basename(entry.path),
          /^((ba|da|a|z|k|c|tc)?sh|busybox|toybox|su|sudo|nsenter|systemctl)$/,
        );
      }
    }
  }
});

t.test('iptables can read what the kernel has: an extension for each match and target', async (t) => {
  const options = await readFile(path.join(root, 'kernel/base.config'), 'utf8');
  const entries = await readManifests(root, 'amd64', undefined, undefined, { version: 'v1.20.2', components: [] });
  const extensions = new Set(
    entries.flatMap(({ path: name }) => /xtables\/lib(?:xt|ipt|ip6t)_(\w+)\.so$/.exec(name)?.[1]?.toLowerCase() ?? []),
  );
  const option = /^CONFIG_(?:NETFILTER_XT_(?:TARGET|MATCH)|IP6?_NF_(?:TARGET|MATCH))_(\w+)=y/gm;
  const wanted = [...options.matchAll(option)].map(([, extension = '']) => extension.toLowerCase());
  t.ok(wanted.length > 15, 'the options were understood');
  t.same(
    wanted.filter((name) => !extensions.has(name)),
    [],
  );
});

t.test("containerd's configuration has the pause image of the release, in one place", async (t) => {
  for (const { configVersion } of await readRuntimes(root)) {
    const name = `config-v${configVersion}.toml`;
    const text = await readFile(path.join(root, 'rootfs/files/etc/containerd', name), 'utf8');
    const changed = withPauseImage(text, 'k8s.example/pause:3.2', name).split('\n');
    const lines = text.split('\n');
    const different = changed.filter((line, index) => line !== lines[index]);
    t.equal(changed.length, lines.length);
    t.same(
      different.map((line) => line.trim().replace(/^sandbox(_image)?/, 'sandbox')),
      ['sandbox = "k8s.example/pause:3.2"'],
    );
  }
  for (const text of ['', 'sandbox = "a"\nsandbox_image = "b"\n']) {
    t.throws(() => withPauseImage(text, 'x', 'config'), {
      code: 'ERR_MANIFEST',
      message: /names the image of sandboxes \d times/,
    });
  }
});

t.test("containerd's configuration has the folder of network plugins that is mounted, in one place", async (t) => {
  for (const { configVersion } of await readRuntimes(root)) {
    const name = `config-v${configVersion}.toml`;
    const text = await readFile(path.join(root, 'rootfs/files/etc/containerd', name), 'utf8');
    const lines = text.split('\n');
    const changed = withPluginFolder(text, name).split('\n');
    t.equal(changed.length, lines.length);
    const different = changed.filter((line, index) => line !== lines[index]).map((line) => line.trim());
    t.same(different, [configVersion === 2 ? `bin_dir = "${FOLDERS.plugins}"` : `bin_dirs = ["${FOLDERS.plugins}"]`]);
    t.ok(text.includes(`"${FOLDERS.ownPlugins}"`), 'where those of the image are');
  }
  for (const text of ['', 'bin_dir = "a"\nbin_dirs = ["b"]\n']) {
    t.throws(() => withPluginFolder(text, 'config'), {
      code: 'ERR_MANIFEST',
      message: /names the folder of network plugins \d times/,
    });
  }
});
