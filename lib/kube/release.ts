/**
 * Which Kubernetes a node can run: the rows of rootfs/kubernetes/releases.json. A row says what differs between releases, so that nothing
 * else in the project asks for a version; one row is part of each root image that has Kubernetes. Pure: files are read by who has them.
 */
import { TalosError } from '../base/errors.js';

/** Path of the table in a checkout. */
export const RELEASES_FILE = 'rootfs/kubernetes/releases.json';

/** Path of {@link InstalledRelease} in a root image; it is absent in an image without Kubernetes. */
export const INSTALLED_RELEASE_FILE = '/usr/share/talos/kubernetes/release.json';

/** Images without which there is no cluster. */
export const COMPONENTS = [
  'kube-apiserver',
  'kube-controller-manager',
  'kube-scheduler',
  'kube-proxy',
  'etcd',
  'pause',
] as const;
export type Component = (typeof COMPONENTS)[number];

export const KUBEADM_APIS = ['kubeadm.k8s.io/v1beta2', 'kubeadm.k8s.io/v1beta3', 'kubeadm.k8s.io/v1beta4'] as const;
/** `apiVersion` of kubeadm's configuration documents. */
export type KubeadmApi = (typeof KUBEADM_APIS)[number];

export const SOURCES = ['official', 'directory', 'debian-source'] as const;
/** Where the programs and images of a release come from (docs/kubernetes.md). */
export type ReleaseSource = (typeof SOURCES)[number];

/** One row. */
export interface KubernetesRelease {
  /** As 'v1.20.2'. */
  readonly version: string;
  readonly kubeadmApi: KubeadmApi;
  /** What its kubelet speaks to the container runtime. */
  readonly criVersion: 'v1' | 'v1alpha2';
  /** Rows of rootfs/runtimes.json that it runs on, the preferred one first. */
  readonly runtimes: readonly string[];
  /** There is no systemd on a node. */
  readonly cgroupDriver: 'cgroupfs';
  /** What kubeadm puts before the names of images. */
  readonly imageRepository: string;
  /** Full names. Without `coredns` the cluster has no DNS of its own. */
  readonly images: Readonly<Record<Component, string>> & { readonly coredns?: string };
  /** The preferred one first. */
  readonly sources: readonly ReleaseSource[];
  /** Flags that its kubelet needs on any node because its configuration file has no field for them: without `--`. */
  readonly kubeletFlags: Readonly<Record<string, string>>;
  /** Why it is there. */
  readonly why: string;
}

/** What a root image says about the Kubernetes in it. */
export interface InstalledRelease {
  readonly release: KubernetesRelease;
  /** OCI archives in the root image, by the name of their image. */
  readonly archives: Readonly<Record<string, string>>;
}

const VERSION = /^v1\.(\d{1,3})\.\d{1,3}$/;
/** `host/name:tag`, as the row's images are written. */
const IMAGE_NAME = /^[a-z0-9.-]+(:\d+)?(\/[a-z0-9._-]+)+:[A-Za-z0-9._-]{1,128}$/;
const ARCHIVE_PATH = /^\/usr\/share\/talos\/kubernetes\/images\/[a-z0-9][a-z0-9.-]*\.tar$/;

function failIn(file: string): (problem: string) => never {
  return (problem) => {
    throw new TalosError('ERR_MANIFEST', `${file}: ${problem}`);
  };
}

const isFields = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const isListOf = <T extends string>(value: unknown, known: (text: string) => text is T): value is T[] =>
  Array.isArray(value) && value.length > 0 && value.every((each) => typeof each === 'string' && known(each));

const oneOf =
  <T extends string>(known: readonly T[]) =>
  (value: unknown): value is T =>
    typeof value === 'string' && (known as readonly string[]).includes(value);

function parseRow(version: string, row: unknown, fail: (problem: string) => never): KubernetesRelease {
  if (!VERSION.test(version)) fail(`"${version}" is no version such as v1.20.2`);
  if (!isFields(row)) return fail(`${version}: is no row`);
  const { kubeadmApi, criVersion, runtimes, cgroupDriver, imageRepository, images, sources, kubeletFlags, why } = row;
  const bad = (field: string, wanted: string) => fail(`${version}: "${field}" must ${wanted}`);
  if (!oneOf(KUBEADM_APIS)(kubeadmApi)) return bad('kubeadmApi', `be ${KUBEADM_APIS.join(' or ')}`);
  if (!oneOf(['v1', 'v1alpha2'] as const)(criVersion)) return bad('criVersion', 'be v1 or v1alpha2');
  if (!isListOf(runtimes, (text): text is string => /^[a-z][a-z0-9.-]*$/.test(text)))
    return bad('runtimes', 'name rows of rootfs/runtimes.json');
  if (cgroupDriver !== 'cgroupfs') return bad('cgroupDriver', 'be cgroupfs');
  if (typeof imageRepository !== 'string' || imageRepository === '') return bad('imageRepository', 'be a text');
  if (!isFields(images)) return bad('images', 'name images');
  if (!isListOf(sources, oneOf(SOURCES))) return bad('sources', `name ${SOURCES.join(' or ')}`);
  if (!isFields(kubeletFlags) || !isFlags(kubeletFlags)) return bad('kubeletFlags', 'be flags without -- and texts');
  if (typeof why !== 'string' || why === '') return bad('why', 'say what it is for');
  return {
    version,
    kubeadmApi,
    criVersion,
    runtimes,
    cgroupDriver,
    imageRepository,
    images: parseImages(images, bad),
    sources,
    kubeletFlags: kubeletFlags as Record<string, string>,
    why,
  };
}

function isFlags(flags: Record<string, unknown>): boolean {
  return Object.entries(flags).every(([name, value]) => /^[a-z][a-z0-9-]*$/.test(name) && typeof value === 'string');
}

function parseImages(
  images: Record<string, unknown>,
  bad: (field: string, wanted: string) => never,
): KubernetesRelease['images'] {
  const unknown = Object.keys(images).find((name) => !oneOf([...COMPONENTS, 'coredns'])(name));
  if (unknown !== undefined) bad(`images.${unknown}`, 'not be there: it is no component');
  const nameOf = (component: string) => {
    const name = images[component];
    return typeof name === 'string' && IMAGE_NAME.test(name)
      ? name
      : bad(`images.${component}`, 'be the name of an image');
  };
  const all = Object.fromEntries(COMPONENTS.map((component) => [component, nameOf(component)]));
  return {
    ...(all as Record<Component, string>),
    ...(images.coredns === undefined ? {} : { coredns: nameOf('coredns') }),
  };
}

/**
 * Reads the table.
 * @param json  content of {@link RELEASES_FILE}
 * @returns the rows as they are listed
 * @throws TalosError ERR_MANIFEST naming what is wrong in which row
 */
export function parseReleases(json: string): KubernetesRelease[] {
  const fail = failIn(RELEASES_FILE);
  const document: unknown = JSON.parse(json);
  if (!isFields(document) || !isFields(document.releases)) return fail('"releases" must be a table');
  return Object.entries(document.releases).map(([version, row]) => parseRow(version, row, fail));
}

/** Text of {@link INSTALLED_RELEASE_FILE}; parseInstalledRelease reads it. */
export function stringifyInstalledRelease(installed: InstalledRelease): string {
  return `${JSON.stringify(installed, undefined, 2)}\n`;
}

/**
 * Reads what a root image says about the Kubernetes in it.
 * @throws TalosError ERR_MANIFEST  the file is not what the image builder writes
 */
export function parseInstalledRelease(json: string): InstalledRelease {
  const fail = failIn(INSTALLED_RELEASE_FILE);
  const document: unknown = JSON.parse(json);
  if (!isFields(document) || !isFields(document.release)) return fail('"release" must be a row');
  const { version } = document.release;
  if (typeof version !== 'string') return fail('"release" has no version');
  const { archives } = document;
  if (!isFields(archives)) return fail('"archives" must be a table');
  for (const [name, file] of Object.entries(archives)) {
    if (!IMAGE_NAME.test(name)) fail(`"${name}" is no name of an image`);
    if (typeof file !== 'string' || !ARCHIVE_PATH.test(file)) fail(`the archive of ${name} is at no known place`);
  }
  return { release: parseRow(version, document.release, fail), archives: archives as Record<string, string> };
}

/**
 * One row.
 * @throws TalosError ERR_KUBERNETES  there is none of that version
 */
export function findRelease(rows: readonly KubernetesRelease[], version: string): KubernetesRelease {
  const found = rows.find((row) => row.version === version);
  if (found !== undefined) return found;
  const known = rows.map((row) => row.version).join(', ');
  throw new TalosError(
    'ERR_KUBERNETES',
    `no such Kubernetes version: ${version}; there is ${known}, and any that you bring in a folder (--kubernetes-directory)`,
  );
}

export interface ReleaseChoice {
  /** Row of rootfs/runtimes.json. */
  readonly runtime: string;
  readonly source: ReleaseSource;
}

/**
 * Which runtime and which source a release gets, as asked for or its preferred ones.
 * @throws TalosError ERR_KUBERNETES  the release does not run on that runtime, or cannot be had from that source
 */
export function choose(
  release: KubernetesRelease,
  wish: { runtime?: string | undefined; source?: string | undefined } = {},
): ReleaseChoice {
  const pick = <T extends string>(known: readonly T[], wanted: string | undefined, sentence: string): T => {
    const found = wanted === undefined ? known[0] : known.find((name) => name === wanted);
    if (found !== undefined) return found;
    const message = `Kubernetes ${release.version} ${sentence} ${known.join(' or ')}, not ${wanted}`;
    throw new TalosError('ERR_KUBERNETES', message);
  };
  return {
    runtime: pick(release.runtimes, wish.runtime, 'runs on'),
    source: pick(release.sources, wish.source, 'comes from'),
  };
}

/** 'v1.20.2' → 20: what fields and flags came and went by. */
export function minorOf({ version }: Pick<KubernetesRelease, 'version'>): number {
  return Number(VERSION.exec(version)?.[1]);
}
