// Archives of images as others write them: read, and written anew with one image each.
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import t from 'tap';
import { type ArchivedImage, withImages, writeImage } from '../../../../lib/image/kubernetes/image-archive.js';
import { dockerArchive, type MadeImage, ociArchive, pack, readWritten } from '../../../helpers/image-archives.js';

const proxy: MadeImage = { name: 'k8s.example/kube-proxy:v1', architecture: 'amd64', layer: 'files of kube-proxy' };
const pause: MadeImage = { name: 'k8s.example/pause:3', architecture: 'amd64', layer: 'files of pause' };
const LAYER = 'application/vnd.oci.image.layer.v1.tar';

/** Names and architectures of what is inside, and what becomes of each image. */
async function rewritten(archive: string, work: string) {
  return withImages(archive, work, async (images: readonly ArchivedImage[]) => {
    const found = [];
    for (const image of images) {
      const target = path.join(work, 'written.tar');
      await writeImage(image, 'amd64', target);
      found.push({ names: image.names, ...readWritten(target) });
    }
    return found;
  });
}

t.test('docker save', async (t) => {
  const folder = t.testdir({ work: {} });
  const work = path.join(folder, 'work');
  const twin = { ...pause, name: 'k8s.example/twin:1' };
  const found = await rewritten(dockerArchive(path.join(folder, 'saved'), [proxy, pause, twin]), work);
  t.match(found, [
    { names: [proxy.name], architecture: 'amd64', layers: [proxy.layer], types: [LAYER] },
    { names: [pause.name], layers: [pause.layer] },
    { names: [twin.name], layers: [pause.layer] },
  ]);
  t.match(
    JSON.parse(found[0]?.config ?? ''),
    { os: 'linux', architecture: 'amd64' },
    'the configuration stays as it is',
  );
  t.same(readdirSync(work), ['written.tar'], 'what was unpacked is gone');
});

t.test('compressed layers stay compressed, and are said to be', async (t) => {
  const folder = t.testdir({ work: {} });
  const images = [
    { ...proxy, layer: gzipSync('files') },
    // The first bytes of any zstd frame (RFC 8878).
    { ...pause, layer: Buffer.from('28b52ffd00', 'hex') },
  ];
  const found = await rewritten(dockerArchive(path.join(folder, 'saved'), images), path.join(folder, 'work'));
  t.same(
    found.map(({ types }) => types),
    [[`${LAYER}+gzip`], [`${LAYER}+zstd`]],
  );
});

t.test('an export with several architectures, one that was left out, and attestations', async (t) => {
  const folder = t.testdir({ work: {} });
  const archive = ociArchive(path.join(folder, 'exported'), [
    proxy,
    { ...proxy, architecture: 'arm64', layer: 'other' },
    pause,
  ]);
  const found = await rewritten(archive, path.join(folder, 'work'));
  t.same(
    found.map(({ names, config, layers }) => [names[0], JSON.parse(config).architecture, layers[0]]),
    [
      [proxy.name, 'amd64', proxy.layer],
      [proxy.name, 'arm64', 'other'],
      [pause.name, 'amd64', pause.layer],
    ],
  );
});

t.test('a part that is not what its name says', async (t) => {
  const folder = t.testdir({ work: {}, unpacked: {} });
  const [work, unpacked] = [path.join(folder, 'work'), path.join(folder, 'unpacked')];
  const archive = ociArchive(path.join(folder, 'exported'), [proxy]);
  execFileSync('tar', ['--extract', '--file', archive, '--directory', unpacked]);
  const blobs = path.join(unpacked, 'blobs', 'sha256');
  for (const part of [proxy.layer, '"rootfs"']) {
    const name = readdirSync(blobs).find((each) => readFileSync(path.join(blobs, each)).includes(part)) ?? '';
    const content = readFileSync(path.join(blobs, name), 'utf8');
    // One more character, which JSON does not mind.
    writeFileSync(path.join(blobs, name), `${content} `);
    const damaged = path.join(folder, 'damaged.tar');
    execFileSync('tar', ['--create', '--file', damaged, '--directory', unpacked, '.']);
    writeFileSync(path.join(blobs, name), content);
    const message = new RegExp(`^${proxy.name} is damaged: sha256:${name} of its archive has SHA-256 (?!${name})`);
    await t.rejects(rewritten(damaged, work), { code: 'ERR_IMAGE_ARCHIVE', message }, part.toString());
  }
  t.same(readdirSync(work), []);
});

t.test('what is no archive, and what leads out of one', async (t) => {
  const folder = t.testdir({
    work: {},
    text: 'no tar file, but longer than one block would be: '.repeat(40),
    secret: 'of the machine',
  });
  const refused = (archive: string, message: RegExp) =>
    t.rejects(rewritten(archive, path.join(folder, 'work')), { code: 'ERR_IMAGE_ARCHIVE', message });
  await refused(path.join(folder, 'text'), /text cannot be unpacked/);
  const made = (name: string, files: Record<string, string>, links: Record<string, string> = {}) => {
    const place = path.join(folder, name);
    mkdirSync(place);
    for (const [file, text] of Object.entries(files)) writeFileSync(path.join(place, file), text);
    for (const [file, target] of Object.entries(links)) symlinkSync(target, path.join(place, file));
    return pack(place, readdirSync(place));
  };
  await refused(made('empty', { other: '' }), /neither manifest.json nor index.json/);
  await refused(made('garbled', { 'manifest.json': '[' }), /manifest.json is no JSON/);
  await refused(made('shapeless', { 'manifest.json': '[{}]' }), /not as `docker save` writes it/);
  await refused(made('bare', { 'index.json': '{}' }), /not as OCI describes it/);
  await refused(made('undigested', { 'index.json': '{"manifests":[{"digest":"md5:1"}]}' }), /without a SHA-256/);
  const config = JSON.stringify({ os: 'linux', architecture: 'amd64' });
  const saved = (layer: string) => JSON.stringify([{ Config: 'c.json', RepoTags: ['x'], Layers: [layer] }]);
  await refused(
    made('absent', { 'manifest.json': saved('gone.tar'), 'c.json': config }),
    /"gone.tar", which it refers to, is not in it/,
  );
  await refused(made('above', { 'manifest.json': saved('../../secret'), 'c.json': config }), /is not in it/);
  const linked = made('linked', { 'manifest.json': saved('l'), 'c.json': config }, { l: path.join(folder, 'secret') });
  await refused(linked, /"l" leads out of the archive/);
});
