/** Which Kubernetes an image gets: a version as somebody asks for it, checked against the tables of the checkout before anything is built. */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { TalosError } from '../../base/errors.js';
import { choose, findRelease, type KubernetesRelease, parseReleases, RELEASES_FILE } from '../../kube/release.js';
import { type DirectoryRelease, releaseOfDirectory } from '../../kube/release-of-directory.js';
import { type ContainerRuntime, findRuntime } from '../runtimes.js';
import { debianSource } from './debian-source.js';
import { directorySource } from './directory.js';
import { officialSource } from './official.js';
import type { KubernetesSource } from './source.js';

/** What is asked for. */
export interface KubernetesRequest {
  /** As 'v1.20.2'. */
  readonly version: string;
  /** A ReleaseSource; the release's preferred one unless said otherwise, and 'directory' where there is a directory. */
  readonly source?: string | undefined;
  /** Folder for the source 'directory'. */
  readonly directory?: string | undefined;
}

/** What comes of it. */
export interface KubernetesPlan {
  readonly release: KubernetesRelease;
  /** Version of its row: that of the release, or what comes closest to it. */
  readonly rowOf: string;
  readonly source: KubernetesSource;
}

/** The rows of a checkout. */
export async function readReleases(root: string): Promise<KubernetesRelease[]> {
  return parseReleases(await readFile(path.join(root, RELEASES_FILE), 'utf8'));
}

/**
 * Container runtime and Kubernetes of an image.
 * @param runtimeName  a row of rootfs/runtimes.json; the release's preferred one unless said otherwise, or the default one without Kubernetes
 * @throws TalosError ERR_RUNTIME, ERR_KUBERNETES  there is none of that name, or the two do not go together
 */
export async function planImage(
  root: string,
  request: KubernetesRequest | undefined,
  runtimeName: string | undefined,
): Promise<{ runtime: ContainerRuntime; kubernetes: KubernetesPlan | undefined }> {
  if (request === undefined) return { runtime: await findRuntime(root, runtimeName), kubernetes: undefined };
  const asked = runtimeName === undefined ? undefined : (await findRuntime(root, runtimeName)).name;
  const { version, directory } = request;
  const rows = await readReleases(root);
  const wanted = request.source ?? (directory === undefined ? undefined : 'directory');
  // What somebody brings may be of any version.
  const found =
    wanted === 'directory'
      ? releaseOfDirectory(rows, version)
      : { release: findRelease(rows, version), rowOf: version };
  const { release, rowOf } = found;
  const { runtime, source } = choose(release, { runtime: asked, source: wanted });
  return {
    runtime: await findRuntime(root, runtime),
    kubernetes: { release, rowOf, source: sourceOf(source, root, found, directory) },
  };
}

function sourceOf(
  kind: KubernetesSource['kind'],
  root: string,
  { release, rowOf }: DirectoryRelease,
  directory: string | undefined,
): KubernetesSource {
  if (kind === 'directory') {
    if (directory !== undefined) return directorySource(release, path.resolve(directory), rowOf);
    throw new TalosError('ERR_KUBERNETES', 'the source "directory" needs a folder: --kubernetes-directory FOLDER');
  }
  if (directory !== undefined) {
    throw new TalosError(
      'ERR_KUBERNETES',
      `a folder is given, and Kubernetes is to come from ${kind}: leave out one of the two`,
    );
  }
  return kind === 'official' ? officialSource(root, release) : debianSource(root, release);
}
