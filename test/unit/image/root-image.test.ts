// The image that is shipped, as it was built: is there exactly what the manifest lists, and nothing that must not be?
import { createHash } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { repositoryRoot } from '../../../lib/image/paths.js';
import { buildRootImage, type ImageManifest, readManifests } from '../../../lib/image/root-image.js';
import { sourceIdentity } from '../../../lib/image/sources.js';
import { listSquashfs, unpackSquashfs } from '../../helpers/squashfs.js';

const MIB = 1024 * 1024;
/** PEM with a body: the header alone is in every program that reads keys. */
const PRIVATE_KEY = /-----BEGIN [A-Z ]*PRIVATE KEY-----(?:\r?\n|\\n)[A-Za-z0-9+/=]{32,}/;
const CERTIFICATE = /-----BEGIN CERTIFICATE-----(?:\r?\n|\\n)[A-Za-z0-9+/=]{32,}/;
const root = repositoryRoot();
const identity = await sourceIdentity(root);
const built = await buildRootImage({ root, arch: 'amd64', layer: undefined, identity, onProgress: () => {} });
const manifest = JSON.parse(readFileSync(built.manifest, 'utf8')) as ImageManifest;
const tree = path.join(t.testdir(), 'tree');
unpackSquashfs(built.image, tree);

function octal(mode: string): string {
  const bits = [...mode.slice(1)].map((letter) => (letter === '-' ? 0 : 1));
  return `0${Number.parseInt(bits.join(''), 2).toString(8).padStart(3, '0')}`;
}

t.test('every path is listed in the manifest, and every listed path is there', async (t) => {
  const wanted = await readManifests(root, undefined);
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

t.test('image-manifest.json tells what is inside', async (t) => {
  t.match(manifest, { version: identity.tag, architecture: 'amd64', layer: 'none' });
  t.same(
    manifest.packages.map((each) => each.name),
    ['libatomic1', 'libc6', 'libgcc-s1', 'libstdc++6'],
  );
  for (const each of manifest.packages) t.match(each.sha256, /^[0-9a-f]{64}$/, each.name);
  for (const entry of manifest.entries) {
    if (entry.kind !== 'file') continue;
    const content = readFileSync(path.join(tree, entry.path));
    t.equal(content.length, entry.size, entry.path);
    t.equal(createHash('sha256').update(content).digest('hex'), entry.sha256, entry.path);
  }
});

t.test('no key, no certificate, no shell, no test code', async (t) => {
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
    programs.map((entry) => entry.path).filter((file) => !file.startsWith('/usr/lib/x86_64-linux-gnu/')),
    ['/usr/bin/talos'],
    'one program',
  );
});

t.test('os-release', async (t) => {
  const text = readFileSync(path.join(tree, 'etc', 'os-release'), 'utf8');
  t.match(text, /^NAME="Talos"$/m);
  t.match(text, /^ID=talos$/m);
  t.ok(text.includes(`PRETTY_NAME="Talos (${identity.tag})"`));
  t.notMatch(text, /@[A-Z]+@/, 'no gap of the template is left');
});

t.test('size', async (t) => {
  const sizeMib = statSync(built.image).size / MIB;
  t.ok(sizeMib < 120, `the root image has ${sizeMib.toFixed(1)} MiB, the budget is 120 MB`);
});
