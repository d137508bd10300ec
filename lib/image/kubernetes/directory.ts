/**
 * The source `directory`: a folder that somebody has filled, for sites without a way out and for builds of one's own. It has the programs
 * `kubelet` and `kubeadm`, and in it or in its folder `images` archives (`*.tar`) as `docker save` or `ctr image export` write them.
 */
import { copyFile, readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { cached, hashFile, type Progress } from '../../base/build-cache.js';
import { TalosError } from '../../base/errors.js';
import type { KubernetesRelease } from '../../kube/release.js';
import type { Architecture } from '../architecture.js';
import { archivesIn, assertProgram, takeImages } from './given-files.js';
import { HOST_PROGRAMS, type ImageComponent, type KubernetesArtifacts, type KubernetesSource } from './source.js';

const OTHERS = 'others.json';
const CONTENT_HINT = 'docs/kubernetes.md says what the folder is to hold';

/**
 * @param folder  absolute path
 * @param rowOf  version of the row that was taken for the release, where it has none of its own
 */
export function directorySource(
  release: KubernetesRelease,
  folder: string,
  rowOf: string = release.version,
): KubernetesSource {
  return {
    kind: 'directory',
    artifacts: async (arch, onProgress) => {
      if (rowOf !== release.version) {
        onProgress(`Kubernetes ${release.version} has no row in releases.json: that of ${rowOf} is taken`);
      }
      const files = await filesIn(folder);
      const sums: Record<string, string> = {};
      for (const name of [...HOST_PROGRAMS, ...files]) {
        const file = path.join(folder, name);
        const sum = await hashFile(file).catch((error: unknown) => missing(folder, name, error));
        sums[name] = sum;
        onProgress(`${file}: SHA-256 ${sum}`);
      }
      return await collected({ release, folder, files, sums }, arch, onProgress);
    },
  };
}

function missing(folder: string, name: string, cause: unknown): never {
  throw new TalosError('ERR_KUBERNETES', `${folder} has no file ${name} that can be read`, {
    hint: CONTENT_HINT,
    cause,
  });
}

/** Archives, relative to the folder. */
async function filesIn(folder: string): Promise<string[]> {
  const top = await readdir(folder).catch((error: unknown) => {
    throw new TalosError('ERR_KUBERNETES', `no folder with Kubernetes at ${folder}`, {
      hint: CONTENT_HINT,
      cause: error,
    });
  });
  const below = (await readdir(path.join(folder, 'images')).catch(() => [])).map((name) => path.join('images', name));
  return [...top, ...below].filter((name) => name.endsWith('.tar')).sort();
}

interface Given {
  readonly release: KubernetesRelease;
  readonly folder: string;
  readonly files: readonly string[];
  readonly sums: Readonly<Record<string, string>>;
}

async function collected(
  { release, folder, files, sums }: Given,
  arch: Architecture,
  onProgress: Progress,
): Promise<KubernetesArtifacts> {
  const { version, images } = release;
  const entry = await cached({
    kind: 'kubernetes-directory',
    inputs: { recipe: 1, sums, version, images, arch },
    onProgress,
    make: async (made) => {
      for (const name of HOST_PROGRAMS) {
        await assertProgram(path.join(folder, name), arch, version);
        await copyFile(path.join(folder, name), path.join(made, name));
      }
      onProgress('taking the images out of their archives');
      const given = files.map((name) => path.join(folder, name));
      const { others } = await takeImages(given, release, arch, made);
      await writeFile(path.join(made, OTHERS), JSON.stringify(others));
    },
  });
  const archives = await archivesIn(entry, release);
  const absent = (Object.keys(images) as ImageComponent[]).filter((component) => !archives.has(component));
  if (absent.length > 0) onProgress(`no archive has the images of ${absent.join(', ')}: nodes pull them`);
  const others = JSON.parse(await readFile(path.join(entry, OTHERS), 'utf8')) as string[];
  if (others.length > 0) onProgress(`left out, for they are no part of Kubernetes ${version}: ${others.join(', ')}`);
  const programs = { kubelet: path.join(entry, 'kubelet'), kubeadm: path.join(entry, 'kubeadm') };
  const origin = `from a folder: ${Object.entries(sums)
    .map(([name, sum]) => `${name} with SHA-256 ${sum}`)
    .join(', ')}`;
  return { identity: path.basename(entry), programs, archives, origin, packages: [], modules: [] };
}
