/** A release that no row is of: somebody brings its programs, and the newest row fits whose kubeadm reads the same configuration. */
import { TalosError } from '../base/errors.js';
import { type KubeadmApi, type KubernetesRelease, minorOf } from './release.js';

/** Minor releases whose kubeadm has it as its newest: https://kubernetes.io/docs/reference/config-api/. Before 1.19 the kubelet does not know cgroups of version 2. */
const MINORS: Readonly<Record<KubeadmApi, readonly [number, number]>> = {
  'kubeadm.k8s.io/v1beta2': [19, 21],
  'kubeadm.k8s.io/v1beta3': [22, 30],
  'kubeadm.k8s.io/v1beta4': [31, Number.POSITIVE_INFINITY],
};

const VERSION = /^v1\.\d{1,3}\.\d{1,3}$/;
/** Whose images have the version of the release. */
const OF_THE_VERSION = ['kube-apiserver', 'kube-controller-manager', 'kube-scheduler', 'kube-proxy'] as const;

export interface DirectoryRelease {
  readonly release: KubernetesRelease;
  /** Version of the row that was taken; that of the release where it has its own. */
  readonly rowOf: string;
}

/**
 * The row of a version, or what comes closest to it.
 * @throws TalosError ERR_KUBERNETES  there is neither
 */
export function releaseOfDirectory(rows: readonly KubernetesRelease[], version: string): DirectoryRelease {
  const own = rows.find((row) => row.version === version);
  if (own !== undefined) return { release: own, rowOf: version };
  if (!VERSION.test(version)) {
    throw new TalosError('ERR_KUBERNETES', `"${version}" is no Kubernetes version such as ${rows[0]?.version}`);
  }
  const minor = minorOf({ version });
  const fits = ({ kubeadmApi }: KubernetesRelease) => {
    const [first, last] = MINORS[kubeadmApi];
    return minor >= first && minor <= last;
  };
  const row = rows.filter(fits).toSorted((left, right) => compare(right.version, left.version))[0];
  if (row === undefined) {
    const known = rows.map((each) => `${each.version} (${each.kubeadmApi.replace(/.*\//, '')})`).join(', ');
    throw new TalosError(
      'ERR_KUBERNETES',
      `no row of releases.json fits Kubernetes ${version}, whose kubeadm has another configuration than those of ${known}: take a version near one of them`,
    );
  }
  const images = { ...row.images };
  for (const name of OF_THE_VERSION) images[name] = `${row.imageRepository}/${name}:${version}`;
  return { release: { ...row, version, images, sources: ['directory'] }, rowOf: row.version };
}

function compare(left: string, right: string): number {
  return left.localeCompare(right, 'en', { numeric: true });
}
