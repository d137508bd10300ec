/** The table of Kubernetes releases: its rows, what is refused in it, and which pairs there are. */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import t from 'tap';
import { repositoryRoot } from '../../../lib/image/paths.js';
import { readRuntimes } from '../../../lib/image/runtimes.js';
import {
  choose,
  findRelease,
  minorOf,
  parseInstalledRelease,
  parseReleases,
  RELEASES_FILE,
  stringifyInstalledRelease,
} from '../../../lib/kube/release.js';
import { releaseOfDirectory } from '../../../lib/kube/release-of-directory.js';

const root = repositoryRoot();
const rows = parseReleases(await readFile(path.join(root, RELEASES_FILE), 'utf8'));

t.test('the rows of the repository', async (t) => {
  t.strictSame(
    rows.map(({ version, kubeadmApi, criVersion, runtimes, sources }) => [
      version,
      kubeadmApi.split('/')[1],
      criVersion,
      runtimes.join(),
      sources.join(),
    ]),
    [
      ['v1.20.2', 'v1beta2', 'v1alpha2', 'containerd-1.7', 'debian-source,directory'],
      ['v1.35.0', 'v1beta4', 'v1', 'containerd-2.x,containerd-1.7', 'official,directory'],
      ['v1.36.0', 'v1beta4', 'v1', 'containerd-2.x', 'official,directory'],
    ],
  );
  const known = (await readRuntimes(root)).map(({ name }) => name);
  for (const { version, runtimes, images, imageRepository } of rows) {
    for (const runtime of runtimes) t.ok(known.includes(runtime), `${version}: ${runtime} is a row of runtimes.json`);
    for (const name of Object.values(images)) t.ok(name.startsWith(`${imageRepository}/`), name);
    for (const name of ['kube-apiserver', 'kube-controller-manager', 'kube-scheduler', 'kube-proxy'] as const)
      t.equal(images[name], `${imageRepository}/${name}:${version}`, 'a component has the version of the release');
  }
  t.strictSame(rows.map(minorOf), [20, 35, 36]);
});

t.test('one row, and what it may be paired with', async (t) => {
  const old = findRelease(rows, 'v1.20.2');
  t.strictSame(choose(old), { runtime: 'containerd-1.7', source: 'debian-source' });
  t.strictSame(choose(old, { source: 'directory' }), { runtime: 'containerd-1.7', source: 'directory' });
  const both = findRelease(rows, 'v1.35.0');
  t.strictSame(choose(both, { runtime: 'containerd-1.7' }), { runtime: 'containerd-1.7', source: 'official' });
  const refused: [() => unknown, string][] = [
    [
      () => findRelease(rows, '1.20'),
      'no such Kubernetes version: 1.20; there is v1.20.2, v1.35.0, v1.36.0, and any that you bring in a folder (--kubernetes-directory)',
    ],
    [() => choose(old, { runtime: 'containerd-2.x' }), 'Kubernetes v1.20.2 runs on containerd-1.7, not containerd-2.x'],
    [
      () => choose(findRelease(rows, 'v1.36.0'), { runtime: 'containerd-1.7' }),
      'Kubernetes v1.36.0 runs on containerd-2.x, not containerd-1.7',
    ],
    [
      () => choose(old, { source: 'official' }),
      'Kubernetes v1.20.2 comes from debian-source or directory, not official',
    ],
    [() => choose(both, { source: 'web' }), 'Kubernetes v1.35.0 comes from official or directory, not web'],
  ];
  for (const [call, message] of refused) t.throws(call, { code: 'ERR_KUBERNETES', message });
});

t.test('a version that somebody brings in a folder: its own row, or the newest that fits its kubeadm', async (t) => {
  const of = (version: string) => {
    const { release, rowOf } = releaseOfDirectory(rows, version);
    return [rowOf, release.version, release.images['kube-proxy'].replace(/.*:/, ''), release.sources.join()];
  };
  t.strictSame(of('v1.35.0'), ['v1.35.0', 'v1.35.0', 'v1.35.0', 'official,directory']);
  t.strictSame(of('v1.20.15'), ['v1.20.2', 'v1.20.15', 'v1.20.15', 'directory']);
  t.strictSame(of('v1.31.4'), ['v1.36.0', 'v1.31.4', 'v1.31.4', 'directory']);
  t.strictSame(of('v1.40.0'), ['v1.36.0', 'v1.40.0', 'v1.40.0', 'directory']);
  const { release } = releaseOfDirectory(rows, 'v1.40.0');
  t.equal(
    release.images.etcd,
    findRelease(rows, 'v1.36.0').images.etcd,
    'what has a version of its own is that of the row',
  );
  t.strictSame(parseInstalledRelease(stringifyInstalledRelease({ release, archives: {} })).release, release);
  for (const [version, message] of [
    ['v1.28.3', /no row of releases\.json fits Kubernetes v1\.28\.3, .*v1\.20\.2 \(v1beta2\).*: take a version near/],
    ['v1.18.0', /no row of releases\.json fits/],
    ['1.35', /"1\.35" is no Kubernetes version such as v1\.20\.2/],
    ['v2.0.0', /is no Kubernetes version/],
  ] as const) {
    t.throws(() => releaseOfDirectory(rows, version), { code: 'ERR_KUBERNETES', message });
  }
});

t.test('what is wrong in a table is named', async (t) => {
  const { version: _, ...row } = findRelease(rows, 'v1.35.0');
  const table = (change: object, version = 'v1.2.3') =>
    JSON.stringify({ releases: { [version]: { ...row, ...change } } });
  t.strictSame(parseReleases(table({})), [{ ...row, version: 'v1.2.3' }]);
  const cases: [string, RegExp][] = [
    ['{}', /"releases" must be a table/],
    ['[]', /"releases" must be a table/],
    ['{"releases": {"v1.2.3": 1}}', /v1\.2\.3: is no row/],
    [table({}, '1.2.3'), /"1\.2\.3" is no version/],
    [table({}, 'v2.0.0'), /"v2\.0\.0" is no version/],
    [table({ kubeadmApi: 'kubeadm.k8s.io/v1beta1' }), /"kubeadmApi"/],
    [table({ criVersion: 'v2' }), /"criVersion"/],
    [table({ runtimes: [] }), /"runtimes"/],
    [table({ runtimes: ['../x'] }), /"runtimes"/],
    [table({ cgroupDriver: 'systemd' }), /"cgroupDriver"/],
    [table({ imageRepository: '' }), /"imageRepository"/],
    [table({ images: { ...row.images, etcd: undefined } }), /"images\.etcd" must be the name of an image/],
    [table({ images: { ...row.images, pause: 'pause' } }), /"images\.pause"/],
    [table({ images: { ...row.images, flannel: 'a/b:c' } }), /"images\.flannel" must not be there/],
    [table({ images: undefined }), /"images" must name images/],
    [table({ sources: ['web'] }), /"sources"/],
    [table({ kubeletFlags: { '--v': '4' } }), /"kubeletFlags"/],
    [table({ kubeletFlags: { v: 4 } }), /"kubeletFlags"/],
    [table({ why: '' }), /"why"/],
  ];
  for (const [text, message] of cases) t.throws(() => parseReleases(text), { code: 'ERR_MANIFEST', message });
});

t.test('what an image says about its Kubernetes', async (t) => {
  const release = findRelease(rows, 'v1.20.2');
  const archives = { [release.images.etcd]: '/usr/share/talos/kubernetes/images/etcd.tar' };
  t.strictSame(parseInstalledRelease(stringifyInstalledRelease({ release, archives })), { release, archives });
  const cases: [unknown, RegExp][] = [
    [[], /"release"/],
    [{ release: {} }, /no version/],
    [{ release, archives: [] }, /"archives"/],
    [{ release, archives: { etcd: archives[release.images.etcd] } }, /"etcd" is no name of an image/],
    [{ release, archives: { [release.images.etcd]: '/usr/share/talos/kubernetes/images/../x.tar' } }, /no known place/],
    [{ release: { ...release, images: {} }, archives }, /images\.kube-apiserver/],
  ];
  for (const [value, message] of cases)
    t.throws(() => parseInstalledRelease(JSON.stringify(value)), { code: 'ERR_MANIFEST', message });
});
