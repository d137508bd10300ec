// The image with Kubernetes as it was built from source: is there what a node needs, and nothing else; are the images of the components sound?
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { hashFile } from '../../lib/base/build-cache.js';
import { GIB } from '../../lib/base/units.js';
import { ARCHITECTURES } from '../../lib/image/architecture.js';
import { buildArtifacts } from '../../lib/image/artifacts.js';
import type { ImageManifest } from '../../lib/image/image-manifest.js';
import { pinnedSource } from '../../lib/image/kernel-source.js';
import { buildComponentImages } from '../../lib/image/kubernetes/component-images.js';
import { debianSource } from '../../lib/image/kubernetes/debian-source.js';
import { readElfHeader } from '../../lib/image/kubernetes/elf-header.js';
import { readReleases } from '../../lib/image/kubernetes/plan.js';
import { readManifests } from '../../lib/image/root-image.js';
import { findRuntime } from '../../lib/image/runtimes.js';
import { buildSbom } from '../../lib/image/sbom.js';
import { collectSbomFacts } from '../../lib/image/sbom-facts.js';
import { COMPONENTS, findRelease, INSTALLED_RELEASE_FILE, parseInstalledRelease } from '../../lib/kube/release.js';
import { testArchitecture as arch } from '../helpers/architecture.js';
import { checkout as root } from '../helpers/checkout.js';
import { readWritten } from '../helpers/image-archives.js';
import { secondCheckout, withSecondCache } from '../helpers/second-checkout.js';
import { spdxProblems } from '../helpers/spdx-schema.js';
import { listSquashfs, unpackSquashfs } from '../helpers/squashfs.js';

t.setTimeout(240_000);

const version = 'v1.20.2';
const onProgress = () => {};
const release = findRelease(await readReleases(root), version);
const artifacts = await buildArtifacts({ arch, kubernetes: { version }, onProgress });
const manifest = JSON.parse(readFileSync(artifacts.manifest, 'utf8')) as ImageManifest;
const folder = t.testdir();
const tree = path.join(folder, 'tree');
unpackSquashfs(artifacts.rootImage, tree);
const inTree = (name: string) => path.join(tree, name);

t.test('what is listed is there, and nothing else', async (t) => {
  const runtime = await findRuntime(root, release.runtimes[0]);
  const wanted = await readManifests(root, arch, undefined, runtime, { version, components: [...COMPONENTS] });
  const found = listSquashfs(artifacts.rootImage);
  t.same(found.map((entry) => entry.path).sort(), wanted.map((entry) => entry.path).sort());
  t.match(manifest, { runtime: 'containerd-1.7', kubernetes: { version, source: 'debian-source' } });
  const libraries = `/usr/lib/${ARCHITECTURES[arch].gnuTriplet}/`;
  const programs = found.filter(
    ({ mode, path: name }) => mode.startsWith('-') && mode.includes('x') && !name.startsWith(libraries),
  );
  t.same(
    programs.map(({ path: name }) => name),
    [
      ...[
        'containerd',
        'containerd-shim-runc-v2',
        'du',
        'find',
        'kubeadm',
        'kubelet',
        'mount',
        'nice',
        'talos',
        'umount',
      ].map((name) => `/usr/bin/${name}`),
      ...['bridge', 'host-local', 'loopback', 'portmap'].map((name) => `/usr/lib/cni/${name}`),
      ...['mke2fs', 'runc', 'xtables-nft-multi'].map((name) => `/usr/sbin/${name}`),
    ],
    'and no shell among them',
  );
});

t.test('the programs are for this architecture, static, and of the release', async (t) => {
  for (const name of ['kubelet', 'kubeadm']) {
    const file = inTree(`usr/bin/${name}`);
    t.same(await readElfHeader(file), { machine: arch, interpreter: undefined }, name);
    t.ok(readFileSync(file).includes(version), name);
  }
});

t.test('the node finds an archive for every image of the release', async (t) => {
  const installed = parseInstalledRelease(readFileSync(inTree(INSTALLED_RELEASE_FILE), 'utf8'));
  t.same(installed.release, release);
  t.same(Object.keys(installed.archives).sort(), Object.values(release.images).sort());
  const names = ['kube-apiserver', 'kube-controller-manager', 'kube-scheduler', 'kube-proxy', 'etcd'] as const;
  for (const name of names) {
    const { architecture, config, layers, types } = readWritten(inTree(installed.archives[release.images[name]] ?? ''));
    t.same([architecture, types], [arch, ['application/vnd.oci.image.layer.v1.tar+zstd']], name);
    const { config: runs } = JSON.parse(config);
    t.same(runs.Entrypoint, [`/usr/local/bin/${name}`]);
    t.match(runs.Env, [/^PATH=\/usr\/local\/bin:/], "kubeadm's manifests name the program alone");
    const unpacked = spawnSync('zstd', ['--decompress', '--stdout'], {
      input: Buffer.from(layers[0] ?? '', 'latin1'),
      maxBuffer: GIB,
    });
    t.equal(unpacked.status, 0);
    t.ok(unpacked.stdout.includes(`usr/local/bin/${name}\0`));
    const [diffId] = JSON.parse(config).rootfs.diff_ids;
    t.equal(diffId, `sha256:${createHash('sha256').update(unpacked.stdout).digest('hex')}`, 'of what is in it');
  }
  const pause = readWritten(inTree(installed.archives[release.images.pause] ?? ''));
  t.match(JSON.parse(pause.config).config, { User: '65535:65535', Entrypoint: ['/pause'] });
  const config = readFileSync(inTree('etc/containerd/config.toml'), 'utf8');
  t.ok(config.includes(`"${release.images.pause}"`), 'containerd takes the pause image that is there');
});

t.test('public authorities, for registries', async (t) => {
  const text = readFileSync(inTree('etc/ssl/certs/ca-certificates.crt'), 'latin1');
  const blocks = text.match(/-----BEGIN CERTIFICATE-----\n[A-Za-z0-9+/=\n]+-----END CERTIFICATE-----\n/g) ?? [];
  t.ok(blocks.length > 100);
  t.equal(blocks.join(''), text, 'nothing between them');
});

t.test('size', async (t) => {
  const budgetsOf = (file: string): Record<string, number> => JSON.parse(readFileSync(path.join(root, file), 'utf8'));
  const budgets = { ...budgetsOf('rootfs/size-budgets.json'), ...budgetsOf('rootfs/kubernetes/size-budgets.json') };
  t.same(manifest.sizes.map((each) => each.component).sort(), Object.keys(budgets).sort(), 'each part has a budget');
  for (const { component, compressedBytes } of manifest.sizes) {
    const budget = (budgets[component] ?? 0) * 1e6;
    t.ok(compressedBytes <= budget, `${component} has ${compressedBytes} bytes, its budget is ${budget}`);
  }
  const { size } = statSync(artifacts.rootImage);
  t.ok(size <= 260e6, `the root image has ${size} bytes, its budget is 260 MB`);
});

t.test('the bill of materials', async (t) => {
  const kernelOrigin = (await pinnedSource(root)).origin;
  const initramfs = artifacts.initramfs;
  const request = {
    root,
    arch,
    name: 'talos-v0-amd64',
    created: '2026-01-01T00:00:00Z',
    artifacts,
    initramfs,
    kernelOrigin,
  };
  const document = buildSbom(await collectSbomFacts({ ...request, uki: undefined, released: [] }));
  t.same(spdxProblems(document), []);
  const of = (name: string) => document.packages.find((each) => each.name === name);
  t.match(of('kubernetes'), {
    versionInfo: version,
    sourceInfo: /Debian source package kubernetes 1\.20\.5\+really1\.20\.2/,
  });
  t.match(of('etcd-server'), { sourceInfo: /source package etcd 3\.4\./ });
  t.match(of('sigs.k8s.io/yaml'), {
    versionInfo: /^v1\./,
    externalRefs: [{ referenceLocator: /^pkg:golang\/sigs\.k8s\.io\/yaml@v1/ }],
  });
  t.match(of('stdlib'), { versionInfo: 'v1.19.8' });
  t.equal(
    document.packages.filter(({ name }) => name === 'libc6').length,
    2,
    "the root image's, and that of etcd's image",
  );
  const related = (name: string, type: string) => {
    const file = document.files.find(({ fileName }) => fileName === name);
    const found = document.relationships.filter((each) => each.spdxElementId === file?.SPDXID);
    return found.filter((each) => each.relationshipType === type).map((each) => each.relatedSpdxElement);
  };
  t.same(related('./usr/bin/kubelet', 'GENERATED_FROM'), [of('kubernetes')?.SPDXID]);
  const pause = './usr/share/talos/kubernetes/images/pause.tar';
  t.same(related(pause, 'GENERATED_FROM'), [of('talos')?.SPDXID], 'our own program');
  t.equal(related(pause, 'STATIC_LINK').length, 1, "with the build machine's C library");
});

t.test('images made a second time, in another folder and with another cache, are the same bytes', async (t) => {
  const { archives, programs } = await debianSource(root, release).artifacts(arch, onProgress);
  const second = secondCheckout(folder);
  const request = { root: second, arch, programs: path.dirname(programs.kubelet), onProgress };
  const again = await withSecondCache(folder, () => buildComponentImages(request));
  t.same([...again.archives.keys()], [...archives.keys()]);
  for (const [name, archive] of again.archives) {
    const before = archives.get(name) ?? '';
    t.not(archive, before);
    t.equal(await hashFile(archive), await hashFile(before), name);
  }
});
