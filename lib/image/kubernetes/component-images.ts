/**
 * Images of Kubernetes' components, made from programs that were built here: what each holds is listed in a manifest of its own, like the
 * root image. The same programs and packages give the same bytes.
 */
import { mkdir, readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { cached, type Progress } from '../../base/build-cache.js';
import { COMPONENTS, type Component } from '../../kube/release.js';
import type { Architecture } from '../architecture.js';
import { staticToolchain } from '../compile.js';
import { type ManifestEntry, parseManifest } from '../manifest.js';
import { type ImageConfig, writeOciArchive } from '../oci-archive.js';
import { fetchPackages, IMAGE_SUITES, type PackageRecord, type Packages } from '../packages.js';
import { hashSources, sourceIdentity } from '../sources.js';
import { type StageRequest, stageTree } from '../stage-tree.js';

/** How the image of a component is made. */
export interface ComponentImage {
  /** Its manifest below rootfs/kubernetes/images. */
  readonly manifest: string;
  /** Where its Debian packages come from. */
  readonly suites: readonly string[];
  readonly config: ImageConfig;
}

/** For programs that are executed by name: kubeadm's manifests do. */
const PATH = 'PATH=/usr/local/bin:/usr/sbin:/usr/bin';
/** etcd's release for this Kubernetes is that of this suite; libraries come along from there, since the image is its own system. */
const ETCD_SUITES = ['bookworm', 'bookworm-security'];

/**
 * No user is named where one is root: keys and data that kubeadm hands to the control plane belong to root and are nobody else's, and
 * kube-proxy changes the node's network.
 */
export function imagesFor(arch: Architecture): Readonly<Record<Component, ComponentImage>> {
  const runs = (name: Component) => ({ Env: [PATH], Entrypoint: [`/usr/local/bin/${name}`] });
  const component = (name: Component, manifest = 'component.json', suites = IMAGE_SUITES): ComponentImage => {
    return { manifest, suites, config: runs(name) };
  };
  const etcd = component('etcd', 'etcd.json', ETCD_SUITES);
  // etcd 3.4 starts on nothing but amd64 unless it is told that this is meant; upstream's image does the same.
  const told = arch === 'amd64' ? [] : [`ETCD_UNSUPPORTED_ARCH=${arch}`];
  return {
    'kube-apiserver': component('kube-apiserver'),
    'kube-controller-manager': component('kube-controller-manager'),
    'kube-scheduler': component('kube-scheduler'),
    'kube-proxy': component('kube-proxy', 'kube-proxy.json'),
    etcd: { ...etcd, config: { ...etcd.config, Env: [PATH, ...told] } },
    pause: { manifest: 'pause.json', suites: IMAGE_SUITES, config: { User: '65535:65535', Entrypoint: ['/pause'] } },
  };
}

/** What the images are made from. */
export interface ComponentImageRequest {
  /** The checkout. */
  readonly root: string;
  readonly arch: Architecture;
  /** Folder with the programs, named by the hash of all that they are made from (go-build.ts). */
  readonly programs: string;
  readonly onProgress: Progress;
}

/** The images, and the packages that are inside. */
export interface ComponentImages {
  /** Paths of OCI archives. */
  readonly archives: ReadonlyMap<Component, string>;
  readonly packages: readonly PackageRecord[];
  /** Folder of the archives, named by the hash of all that they are made from. */
  readonly folder: string;
}

/** Makes them when they are not in the cache. @throws TalosError as fetchPackages and stageTree */
export async function buildComponentImages(request: ComponentImageRequest): Promise<ComponentImages> {
  const { root, arch, programs, onProgress } = request;
  const identity = await sourceIdentity(root);
  const images = imagesFor(arch);
  const parts: Part[] = [];
  for (const name of COMPONENTS) parts.push(await partOf(request, name, images[name]));
  const folder = await cached({
    kind: 'kubernetes-images',
    inputs: {
      recipe: 2,
      arch,
      programs: path.basename(programs),
      parts: parts.map(({ name, entries, packages }) => ({ name, entries, records: packages?.records })),
      images,
      pause: [await hashSources(root, ['native/pause', 'lib/image/compile.ts']), await staticToolchain(arch)],
    },
    onProgress,
    make: async (made) => {
      const tree = path.join(made, 'tree');
      for (const part of parts) {
        onProgress(`making the image of ${part.name}`);
        await mkdir(tree);
        await stage({ root, arch, identity, onProgress }, part, programs, tree);
        await writeOciArchive(path.join(made, archiveName(part.name)), {
          architecture: arch,
          tree,
          names: part.entries.map((entry) => entry.path.slice(1)),
          config: images[part.name].config,
          // Nodes copy it as it is, and unpack it once: a quarter of the bytes to read, hash and keep.
          compression: 'zstd',
        });
        await rm(tree, { recursive: true });
      }
    },
  });
  const archives = new Map(COMPONENTS.map((name) => [name, path.join(folder, archiveName(name))]));
  return { archives, packages: distinct(parts.flatMap(({ packages }) => packages?.records ?? [])), folder };
}

const archiveName = (name: string) => `${name}.tar`;

/** An image, and what it is made from. */
interface Part {
  readonly name: Component;
  readonly entries: readonly ManifestEntry[];
  readonly packages: Packages | undefined;
}

async function partOf(
  { root, arch, onProgress }: ComponentImageRequest,
  name: Component,
  { manifest, suites }: ComponentImage,
): Promise<Part> {
  const file = path.join('rootfs', 'kubernetes', 'images', manifest);
  const entries = parseManifest(await readFile(path.join(root, file), 'utf8'), file, arch, [], { component: name });
  const names = entries.flatMap((each) =>
    each.kind === 'file' && each.from.kind === 'package' ? [each.from.package] : [],
  );
  const wanted = [...new Set(names)];
  return {
    name,
    entries,
    packages: wanted.length === 0 ? undefined : await fetchPackages(wanted, arch, onProgress, { suites }),
  };
}

async function stage(
  request: StageRequest,
  { entries, packages }: Part,
  programs: string,
  tree: string,
): Promise<void> {
  const { folder = '', records = [] } = packages ?? {};
  const packageFolders = new Map(records.map(({ name }) => [name, path.join(folder, name)]));
  const files = new Map(COMPONENTS.map((name) => [name, path.join(programs, name)]));
  await stageTree(request, { entries, packageFolders, kubernetes: { files, products: {} } }, tree);
}

/** Images share packages: of each version one. */
function distinct(records: readonly PackageRecord[]): PackageRecord[] {
  const byKey = new Map(records.map((record) => [`${record.name} ${record.version}`, record]));
  return [...byKey].sort(([left], [right]) => (left < right ? -1 : 1)).map(([, record]) => record);
}
