// The image that is shipped, as it was built: is there exactly what the manifest lists, and nothing that must not be?
import { createHash } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { ARCHITECTURES, KNOWN_ARCHITECTURES } from '../../../lib/image/architecture.js';
import type { ImageManifest } from '../../../lib/image/image-manifest.js';
import { repositoryRoot } from '../../../lib/image/paths.js';
import { buildRootImage, readManifests } from '../../../lib/image/root-image.js';
import { findRuntime, readRuntimes } from '../../../lib/image/runtimes.js';
import { sourceIdentity } from '../../../lib/image/sources.js';
import { testArchitecture } from '../../helpers/architecture.js';
import { listSquashfs, unpackSquashfs } from '../../helpers/squashfs.js';

const MIB = 1024 * 1024;
/** PEM with a body: the header alone is in every program that reads keys. */
const PRIVATE_KEY = /-----BEGIN [A-Z ]*PRIVATE KEY-----(?:\r?\n|\\n)[A-Za-z0-9+/=]{32,}/;
const CERTIFICATE = /-----BEGIN CERTIFICATE-----(?:\r?\n|\\n)[A-Za-z0-9+/=]{32,}/;
const root = repositoryRoot();
const identity = await sourceIdentity(root);
function octal(mode: string): string {
  const bits = [...mode.slice(1)].map((letter) => (letter === '-' ? 0 : 1));
  return `0${Number.parseInt(bits.join(''), 2).toString(8).padStart(3, '0')}`;
}

const usual = await findRuntime(root);
const others = (await readRuntimes(root)).filter(({ isDefault }) => !isDefault);
const images = [
  ...KNOWN_ARCHITECTURES.map((arch) => ({ arch, runtime: usual })),
  ...others.map((runtime) => ({ arch: testArchitecture, runtime })),
];

for (const { arch, runtime } of images) {
  t.test(`${arch} with ${runtime.name}`, async (t) => {
    const request = { root, arch, layer: undefined, runtime: runtime.name, identity };
    const built = await buildRootImage({ ...request, onProgress: () => {} });
    const manifest = JSON.parse(readFileSync(built.manifest, 'utf8')) as ImageManifest;
    const tree = path.join(t.testdir(), 'tree');
    unpackSquashfs(built.image, tree);

    await t.test('every path is listed in the manifest, and every listed path is there', async (t) => {
      const wanted = await readManifests(root, arch, undefined, runtime);
      const found = listSquashfs(built.image);
      t.same(found.map((entry) => entry.path).sort(), wanted.map((entry) => entry.path).sort());
      for (const entry of wanted) {
        const there = found.find((each) => each.path === entry.path);
        if (there === undefined) continue;
        if (entry.kind === 'link') t.equal(there.target, entry.target, entry.path);
        else t.equal(octal(there.mode), `0${entry.mode.toString(8).padStart(3, '0')}`, entry.path);
      }
      t.same([...new Set(found.map((entry) => entry.owner))], ['root/root'], 'everything belongs to root');
      t.equal(new Set(found.map((entry) => entry.date)).size, 1, 'everything has one time');
    });

    await t.test('image-manifest.json tells what is inside', async (t) => {
      t.match(manifest, { version: identity.tag, architecture: arch, layer: 'none', runtime: runtime.name });
      const used = (await readManifests(root, arch, undefined, runtime)).flatMap((entry) =>
        entry.kind === 'file' && entry.from.kind === 'package' ? [entry.from.package] : [],
      );
      t.same(
        manifest.packages.map((each) => each.name),
        [...new Set(used)].sort(),
      );
      for (const each of manifest.packages) t.match(each.sha256, /^[0-9a-f]{64}$/, each.name);
      for (const entry of manifest.entries) {
        if (entry.kind !== 'file') continue;
        const content = readFileSync(path.join(tree, entry.path));
        t.equal(content.length, entry.size, entry.path);
        t.equal(createHash('sha256').update(content).digest('hex'), entry.sha256, entry.path);
      }
    });

    await t.test('no key, no certificate, no shell, no test code', async (t) => {
      for (const entry of manifest.entries) {
        if (entry.kind !== 'file') continue;
        const name = entry.path;
        const content = readFileSync(path.join(tree, name), 'latin1');
        t.notOk(PRIVATE_KEY.test(content), `${name} has no private key`);
        // Node carries the public authorities of the web; nothing else has a certificate.
        t.notOk(name !== '/usr/bin/talos' && CERTIFICATE.test(content), `${name} has no certificate`);
        t.notOk(content.includes('/usr/lib/talos-test'), `${name} knows nothing of the test layer`);
      }
      const programs = manifest.entries.filter(
        (entry) => entry.kind === 'file' && Number.parseInt(entry.mode ?? '0', 8) & 0o111,
      );
      t.same(
        programs
          .map((entry) => entry.path)
          .filter((file) => !file.startsWith(`/usr/lib/${ARCHITECTURES[arch].gnuTriplet}/`)),
        [
          ...['/usr/bin/containerd', '/usr/bin/containerd-shim-runc-v2', '/usr/bin/talos'],
          ...['bridge', 'host-local', 'loopback', 'portmap'].map((name) => `/usr/lib/cni/${name}`),
          ...['/usr/sbin/mke2fs', '/usr/sbin/runc'],
        ],
        'our executable, what makes and grows file systems, and what runs containers',
      );
    });

    await t.test('os-release', async (t) => {
      const text = readFileSync(path.join(tree, 'etc', 'os-release'), 'utf8');
      t.match(text, /^NAME="Talos"$/m);
      t.match(text, /^ID=talos$/m);
      t.ok(text.includes(`PRETTY_NAME="Talos (${identity.tag})"`));
      t.notMatch(text, /@[A-Z]+@/, 'no gap of the template is left');
    });

    await t.test('size', async (t) => {
      const sizeMib = statSync(built.image).size / MIB;
      t.ok(sizeMib < 120, `the root image has ${sizeMib.toFixed(1)} MiB, the budget is 120 MB`);
      const budgets: Record<string, number> = JSON.parse(
        readFileSync(path.join(root, 'rootfs/size-budgets.json'), 'utf8'),
      );
      t.same(
        manifest.sizes.map((each) => each.component).sort(),
        Object.keys(budgets).sort(),
        'each part has a budget',
      );
      for (const { component, compressedBytes } of manifest.sizes) {
        const budget = (budgets[component] ?? 0) * 1e6;
        t.ok(compressedBytes <= budget, `${component} has ${compressedBytes} bytes, its budget is ${budget}`);
      }
      const sum = manifest.sizes.reduce((total, each) => total + each.compressedBytes, 0);
      const overhead = Math.abs(statSync(built.image).size / sum - 1);
      t.ok(overhead < 0.03, `the parts explain the whole: ${(100 * overhead).toFixed(1)} % are left`);
    });
  });
}
