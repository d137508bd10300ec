/**
 * The source `official`: the archives that the Kubernetes project publishes, against sums that are pinned here. They have the programs and
 * the images of the control plane and kube-proxy; etcd, pause and CoreDNS the nodes pull.
 */
import { mkdir, readdir, readFile, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { cached, type Progress } from '../../base/build-cache.js';
import { TalosError } from '../../base/errors.js';
import type { KubernetesRelease } from '../../kube/release.js';
import type { Architecture } from '../architecture.js';
import { runCommand } from '../run-command.js';
import { download } from './download.js';
import { archivesIn, assertProgram, takeImages } from './given-files.js';
import { HOST_PROGRAMS, type KubernetesArtifacts, type KubernetesSource } from './source.js';

/** Where the project publishes: below it a folder for each version. */
const PUBLISHED = 'https://dl.k8s.io';
const SUMS_FILE = 'rootfs/kubernetes/official-sums.json';
/** Inside of an archive. */
const BIN = path.join('kubernetes', 'server', 'bin');
/** Far above what has been published (0.4 GB): what is larger is something else. */
const MAX_ARCHIVE_BYTES = 2e9;

/** @param root  the checkout @param published  another place with the same files, for tests */
export function officialSource(root: string, release: KubernetesRelease, published = PUBLISHED): KubernetesSource {
  return {
    kind: 'official',
    artifacts: async (arch, onProgress) => {
      const { version } = release;
      const name = `kubernetes-server-linux-${arch}.tar.gz`;
      const sha512 = await pinnedSum(root, version, name);
      const entry = await cached({
        kind: 'kubernetes-official',
        inputs: { recipe: 1, version, images: release.images, name, sha512 },
        onProgress,
        make: (made) => collect({ release, arch, url: `${published}/${version}/${name}`, sha512, onProgress }, made),
      });
      return {
        identity: path.basename(entry),
        programs: { kubelet: path.join(entry, 'kubelet'), kubeadm: path.join(entry, 'kubeadm') },
        archives: await archivesIn(entry, release),
        origin: `from the published archive ${name} of ${version}, SHA-512 ${sha512}`,
        packages: [],
        modules: [],
      } satisfies KubernetesArtifacts;
    },
  };
}

/**
 * SHA-512 of a published file.
 * @throws TalosError ERR_KUBERNETES  none is pinned
 */
export async function pinnedSum(root: string, version: string, name: string): Promise<string> {
  const sums = JSON.parse(await readFile(path.join(root, SUMS_FILE), 'utf8')) as Record<string, unknown>;
  const files = Object.hasOwn(sums, version) ? (sums[version] as Record<string, string>) : undefined;
  const sum = files !== undefined && Object.hasOwn(files, name) ? files[name] : undefined;
  if (sum !== undefined && /^[0-9a-f]{128}$/.test(sum)) return sum;
  throw new TalosError(
    'ERR_KUBERNETES',
    `${SUMS_FILE} has no sum of ${name} of Kubernetes ${version}, so it is not fetched`,
    {
      hint: "add it from the project's CHANGELOG, or take the release from a folder: --kubernetes-directory",
    },
  );
}

interface Collection {
  readonly release: KubernetesRelease;
  readonly arch: Architecture;
  readonly url: string;
  readonly sha512: string;
  readonly onProgress: Progress;
}

async function collect({ release, arch, url, sha512, onProgress }: Collection, made: string): Promise<void> {
  const archive = path.join(made, 'archive.tar.gz');
  await download({ url, file: archive, sha512, maxBytes: MAX_ARCHIVE_BYTES, onProgress });
  onProgress(`unpacking ${path.basename(url)}`);
  const work = path.join(made, 'archive');
  await mkdir(work);
  const wanted = [...HOST_PROGRAMS.map((name) => path.join(BIN, name)), path.join(BIN, '*.tar')];
  await runCommand(['tar', '--extract', '--file', archive, '--directory', work, '--wildcards', ...wanted]);
  await rm(archive);
  const bin = path.join(work, BIN);
  for (const name of HOST_PROGRAMS) {
    await assertProgram(path.join(bin, name), arch, release.version);
    await rename(path.join(bin, name), path.join(made, name));
  }
  onProgress('taking the images out of their archives');
  const files = (await readdir(bin)).filter((name) => name.endsWith('.tar')).sort();
  await takeImages(
    files.map((name) => path.join(bin, name)),
    release,
    arch,
    made,
  );
  await rm(work, { recursive: true });
}
