/** What an image with Kubernetes has in addition to the image's own manifest, and other than it: rows, and the content of files. */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import type { Progress } from '../../base/build-cache.js';
import { TalosError } from '../../base/errors.js';
import { INSTALLED_RELEASE_FILE, stringifyInstalledRelease } from '../../kube/release.js';
import type { Architecture } from '../architecture.js';
import type { ImageManifest } from '../image-manifest.js';
import type { ManifestEntry } from '../manifest.js';
import type { ContainerRuntime } from '../runtimes.js';
import type { KubernetesIngredients } from '../stage-tree.js';
import type { KubernetesPlan } from './plan.js';
import { HOST_PROGRAMS, type ImageComponent } from './source.js';

/** Rows of every image with Kubernetes; which archives there are depends on the source. */
export const KUBERNETES_MANIFEST = 'rootfs/kubernetes/manifest.json';
const IMAGES_FOLDER = path.posix.join(path.posix.dirname(INSTALLED_RELEASE_FILE), 'images');

const archiveName = (component: ImageComponent) => `${component}.tar`;
const archivePath = (component: ImageComponent) => path.posix.join(IMAGES_FOLDER, archiveName(component));

/** A manifest with a row for each archive, sorted as it was. */
export function withArchives(
  entries: readonly ManifestEntry[],
  components: readonly ImageComponent[],
): ManifestEntry[] {
  const archives = components.map(
    (component): ManifestEntry => ({
      kind: 'file',
      path: archivePath(component),
      mode: 0o644,
      why: `the image of ${component}: no node has to pull it`,
      from: { kind: 'kubernetes', kubernetes: archiveName(component) },
    }),
  );
  return [...entries, ...archives].sort((left, right) => (left.path < right.path ? -1 : 1));
}

/** A release as a root image takes it in. */
export interface InstallableKubernetes {
  /** Of its row: entries of manifests that are for some releases alone name it. */
  readonly version: string;
  readonly components: readonly ImageComponent[];
  /** What tells it apart from others. */
  readonly identity: unknown;
  readonly ingredients: KubernetesIngredients;
  /** For image-manifest.json. */
  readonly facts: NonNullable<ImageManifest['kubernetes']>;
}

/** Fetches or builds the release. @param root  the checkout */
export async function installable(
  root: string,
  arch: Architecture,
  { release, rowOf, source }: KubernetesPlan,
  { configVersion }: ContainerRuntime,
  onProgress: Progress,
): Promise<InstallableKubernetes> {
  const { identity, programs, archives, origin, packages, modules } = await source.artifacts(arch, onProgress);
  const files = new Map<string, string>(HOST_PROGRAMS.map((name) => [name, programs[name]]));
  const placed: Record<string, string> = {};
  for (const [component, file] of archives) {
    files.set(archiveName(component), file);
    placed[release.images[component] ?? component] = archivePath(component);
  }
  const config = `rootfs/files/etc/containerd/config-v${configVersion}.toml`;
  const text = await readFile(path.join(root, config), 'utf8');
  const products = {
    'containerd-config': withPluginFolder(withPauseImage(text, release.images.pause, config), config),
    'kubernetes-release': stringifyInstalledRelease({ release, archives: placed }),
  };
  return {
    version: rowOf,
    components: [...archives.keys()],
    identity,
    ingredients: { files, products },
    facts: { version: release.version, source: source.kind, origin, packages, modules },
  };
}

/** The line that names the image of a pod's sandbox: `sandbox_image` of version 2, `sandbox` of version 3. */
const PAUSE_LINE = /^( *sandbox(?:_image)? = )".*"$/gm;

/**
 * containerd's configuration with another image for the sandboxes of pods.
 * @param file  its name, for messages
 * @throws TalosError ERR_MANIFEST  it does not have exactly one line for that
 */
export function withPauseImage(config: string, image: string, file: string): string {
  const found = config.match(PAUSE_LINE)?.length ?? 0;
  if (found === 1) return config.replace(PAUSE_LINE, (_, front: string) => `${front}"${image}"`);
  throw new TalosError('ERR_MANIFEST', `${file} names the image of sandboxes ${found} times, and must do so once`);
}

/** The line that names the folder of network plugins: `bin_dir` of version 2, `bin_dirs` of version 3. */
const PLUGIN_LINE = /^( *bin_dirs? = \[?)".*"(\]?)$/gm;
/** Where machined mounts them, those of the image and a cluster's own (lib/machined/kubernetes/folders.ts). */
const PLUGIN_FOLDER = '/opt/cni/bin';

/**
 * containerd's configuration with the folder into which a cluster can put network plugins of its own.
 * @param file  its name, for messages
 * @throws TalosError ERR_MANIFEST  it does not have exactly one line for that
 */
export function withPluginFolder(config: string, file: string): string {
  const found = config.match(PLUGIN_LINE)?.length ?? 0;
  if (found === 1) {
    return config.replace(PLUGIN_LINE, (_, front: string, back: string) => `${front}"${PLUGIN_FOLDER}"${back}`);
  }
  throw new TalosError(
    'ERR_MANIFEST',
    `${file} names the folder of network plugins ${found} times, and must do so once`,
  );
}
