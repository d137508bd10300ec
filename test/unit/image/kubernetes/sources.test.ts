// The sources of Kubernetes that take what others have made: a folder, and the published archives, here from a server of the test's own.
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import t, { type Test } from 'tap';
import * as tar from 'tar';
import { directorySource } from '../../../../lib/image/kubernetes/directory.js';
import { officialSource, pinnedSum } from '../../../../lib/image/kubernetes/official.js';
import { readReleases } from '../../../../lib/image/kubernetes/plan.js';
import { findRelease } from '../../../../lib/kube/release.js';
import { checkout } from '../../../helpers/checkout.js';
import { elfProgram } from '../../../helpers/elf-program.js';
import { dockerArchive, ociArchive, readWritten } from '../../../helpers/image-archives.js';

const release = findRelease(await readReleases(checkout), 'v1.35.0');
const { images } = release;
process.env.XDG_CACHE_HOME = t.testdir();

const program = (machine = 62, version: string = release.version) =>
  elfProgram({ machine, content: `go1.25${version}linux` });
const image = (name: string, architecture = 'amd64') => ({ name, architecture, layer: `files of ${name}` });

/** A folder with the programs, and archives. */
function filled(folder: string): string {
  mkdirSync(path.join(folder, 'images'), { recursive: true });
  for (const name of ['kubelet', 'kubeadm']) writeFileSync(path.join(folder, name), program());
  return folder;
}

t.test('a folder', async (t) => {
  const folder = filled(path.join(t.testdir(), 'given'));
  dockerArchive(path.join(folder, 'control-plane'), [image(images['kube-apiserver']), image(images.etcd)]);
  ociArchive(path.join(folder, 'images', 'more'), [
    image(images.pause),
    image(images.pause, 'arm64'),
    image('x.example/tool:1'),
  ]);
  const said: string[] = [];
  const found = await directorySource(release, folder).artifacts('amd64', (text) => said.push(text));
  t.same([...found.archives.keys()].sort(), ['etcd', 'kube-apiserver', 'pause']);
  for (const [component, archive] of found.archives) {
    t.match(readWritten(archive), { architecture: 'amd64', layers: [`files of ${images[component]}`] }, component);
  }
  t.same(readFileSync(found.programs.kubelet), program());
  const sum = createHash('sha256').update(program()).digest('hex');
  t.ok(said.includes(`${folder}/kubelet: SHA-256 ${sum}`), 'the sums are told');
  t.ok(found.origin.includes(`kubelet with SHA-256 ${sum}`), 'and are in the bill of materials');
  t.match(
    said.join('\n'),
    /no archive has the images of kube-controller-manager, kube-scheduler, kube-proxy, coredns: nodes pull them/,
  );
  t.match(said.join('\n'), /left out, for they are no part of Kubernetes v1\.35\.0: x\.example\/tool:1/);
  const again = await directorySource(release, folder).artifacts('amd64', () => {});
  t.same(again, found, 'the same files are taken in once');
  const close: string[] = [];
  await directorySource(release, folder, 'v1.36.0').artifacts('amd64', (text) => close.push(text));
  t.equal(close[0], 'Kubernetes v1.35.0 has no row in releases.json: that of v1.36.0 is taken');
  t.notOk(said.some((text) => /has no row/.test(text)));
});

t.test('a folder with something wrong in it', async (t) => {
  const place = t.testdir();
  const refused = (folder: string, message: RegExp, code = 'ERR_KUBERNETES') =>
    t.rejects(
      directorySource(release, folder).artifacts('amd64', () => {}),
      { code, message },
    );
  await refused(path.join(place, 'absent'), /no folder with Kubernetes at .*absent/);
  const empty = path.join(place, 'empty');
  mkdirSync(empty);
  await refused(empty, /empty has no file kubelet that can be read/);
  const lacking = filled(path.join(place, 'lacking'));
  writeFileSync(path.join(lacking, 'kubelet'), '#!/bin/sh\n');
  await refused(lacking, /kubelet is no program/, 'ERR_ELF');
  writeFileSync(path.join(lacking, 'kubelet'), program(183));
  await refused(lacking, /kubelet is a program for arm64, not for amd64/);
  for (const other of ['v1.34.2', 'v1.35.01', 'v1.35.']) {
    writeFileSync(path.join(lacking, 'kubelet'), program(62, other));
    await refused(lacking, /kubelet is not of Kubernetes v1\.35\.0/);
  }
  writeFileSync(path.join(lacking, 'kubelet'), program());
  ociArchive(path.join(lacking, 'foreign'), [image(images.etcd, 'arm64'), image(images.etcd, 's390x')]);
  await refused(lacking, /foreign\.tar has registry\.k8s\.io\/etcd:\S+ for arm64, s390x, not for amd64/);
});

/** A server for the time of a test. @returns its address */
async function serving(t: Test, listener: RequestListener): Promise<string> {
  const server = createServer(listener).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  t.teardown(() => server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** What is published of a release, and a checkout that has its sum. */
function published(folder: string, layer: string) {
  const bin = path.join(folder, 'kubernetes', 'server', 'bin');
  filled(bin);
  // Upstream's names: the architecture is in them.
  const [name, tag] = images['kube-proxy'].split(':');
  dockerArchive(path.join(bin, 'kube-proxy'), [{ name: `${name}-amd64:${tag}`, architecture: 'amd64', layer }]);
  const archive = path.join(folder, 'archive.tar.gz');
  tar.create({ cwd: folder, file: archive, gzip: true, sync: true }, [
    'kubernetes/server/bin/kubelet',
    'kubernetes/server/bin/kubeadm',
    'kubernetes/server/bin/kube-proxy.tar',
  ]);
  const content = readFileSync(archive);
  const root = path.join(folder, 'checkout');
  mkdirSync(path.join(root, 'rootfs', 'kubernetes'), { recursive: true });
  const sum = createHash('sha512').update(content).digest('hex');
  const sums = { [release.version]: { 'kubernetes-server-linux-amd64.tar.gz': sum } };
  writeFileSync(path.join(root, 'rootfs/kubernetes/official-sums.json'), JSON.stringify(sums));
  return { content, root };
}

t.test('what is published', async (t) => {
  const { content, root } = published(t.testdir(), 'files of kube-proxy');
  const asked: string[] = [];
  const address = await serving(t, (request, response) => {
    asked.push(request.url ?? '');
    if (request.url?.startsWith('/moved')) return response.end(content);
    return response.writeHead(302, { location: `/moved${request.url}` }).end();
  });
  const source = officialSource(root, release, address);
  const found = await source.artifacts('amd64', () => {});
  const file = '/v1.35.0/kubernetes-server-linux-amd64.tar.gz';
  t.same(asked, [file, `/moved${file}`]);
  t.same([...found.archives.keys()], ['kube-proxy'], 'the rest the nodes pull');
  t.match(readWritten(found.archives.get('kube-proxy') ?? ''), { layers: ['files of kube-proxy'] });
  t.same(readFileSync(found.programs.kubeadm), program());
  await source.artifacts('amd64', () => {});
  t.equal(asked.length, 2, 'fetched once');
  await t.rejects(
    source.artifacts('arm64', () => {}),
    { code: 'ERR_KUBERNETES', message: /no sum of kubernetes-server-linux-arm64/ },
  );
});

t.test('what is published, and something else arrives', async (t) => {
  const { content, root } = published(t.testdir(), 'other files: nothing is in the cache');
  const refused = async (listener: RequestListener, code: string, message: RegExp) => {
    const source = officialSource(root, release, await serving(t, listener));
    await t.rejects(
      source.artifacts('amd64', () => {}),
      { code, message },
    );
  };
  await refused((_, response) => response.writeHead(404).end(), 'ERR_DOWNLOAD', /the answer is 404 Not Found/);
  await refused(
    (_, response) => response.end(Buffer.concat([content, Buffer.from('x')])),
    'ERR_CHECKSUM',
    /not the file that was pinned/,
  );
  await refused(
    (_, response) => {
      response.writeHead(200, { 'content-length': content.length });
      response.write(content.subarray(0, 100), () => response.destroy());
    },
    'ERR_DOWNLOAD',
    /it ended after \d+ bytes/,
  );
  const nobody = officialSource(root, release, 'http://127.0.0.1:1');
  await t.rejects(
    nobody.artifacts('amd64', () => {}),
    { code: 'ERR_DOWNLOAD', message: /cannot fetch http:\/\/127\.0\.0\.1:1/ },
  );
});

t.test('sums', async (t) => {
  for (const { version, sources } of await readReleases(checkout)) {
    if (!sources.includes('official')) continue;
    for (const arch of ['amd64', 'arm64']) {
      t.match(await pinnedSum(checkout, version, `kubernetes-server-linux-${arch}.tar.gz`), /^[0-9a-f]{128}$/);
    }
  }
  await t.rejects(pinnedSum(checkout, 'v1.20.2', 'kubernetes-server-linux-amd64.tar.gz'), {
    code: 'ERR_KUBERNETES',
    message: /official-sums\.json has no sum of kubernetes-server-linux-amd64\.tar\.gz of Kubernetes v1\.20\.2/,
  });
  await t.rejects(pinnedSum(checkout, 'comment', 'length'), { code: 'ERR_KUBERNETES' });
});
