/**
 * Credentials of a control plane's components that the node makes before anybody else does: kubeadm, and the components, would make keys of RSA, which take an
 * emulated or small processor seconds each, and certificates that nobody can check. kubeadm takes a kubeconfig that is there, if it is of the cluster's CA; but it has
 * made the key by then, so it is not asked where all of them are.
 */
import { apiServerPort, clusterName, endpointText, hostAndPort } from '../cluster-network.js';
import type { KubeadmInput } from '../input.js';
import { requireNodeAddresses } from '../node-address.js';
import { CONTROLLER_MANAGER_DIR, SCHEDULER_DIR } from '../paths.js';
import { type KubernetesRelease, minorOf } from '../release.js';

/** A component that serves HTTPS to its own node. */
export interface ServedComponent {
  /** For its certificate and its key. */
  readonly folder: string;
  readonly dnsNames: string[];
  readonly ipAddresses: string[];
}

/** A kubeconfig as kubeadm would write it. */
export interface ComponentKubeconfig {
  /** In the folder of Kubernetes. */
  readonly file: string;
  readonly clusterName: string;
  readonly user: string;
  readonly groups: readonly string[];
  /** URL of the API server. */
  readonly server: string;
}

/** The first release whose kubeadm makes an administrator that RBAC can take something from, and another one beside it. */
const FIRST_WITH_SUPER_ADMIN = 29;
/** The first one whose kubeadm is told which keys to make. */
const FIRST_WITH_KEY_ALGORITHM = 31;

/** Which kubeconfigs of a control plane the node makes itself: that of the administrator is not among the components'. */
export function ownKubeconfigs(release: Pick<KubernetesRelease, 'version'>): 'all' | 'components' | 'none' {
  const minor = minorOf(release);
  if (minor >= FIRST_WITH_KEY_ALGORITHM) return 'none';
  return minor >= FIRST_WITH_SUPER_ADMIN ? 'components' : 'all';
}

const LOOPBACK = ['127.0.0.1', '::1'];

export const servedComponents: readonly ServedComponent[] = [
  { folder: CONTROLLER_MANAGER_DIR, dnsNames: ['kube-controller-manager', 'localhost'], ipAddresses: LOOPBACK },
  { folder: SCHEDULER_DIR, dnsNames: ['kube-scheduler', 'localhost'], ipAddresses: LOOPBACK },
];

/**
 * The kubeconfigs of a control plane for which kubeadm cannot be told which keys to make.
 * @param isFirst  it makes the cluster: a kubelet that joins asks the cluster for its own
 * @throws TalosError ERR_KUBERNETES  the node has no address (checks.ts says so before)
 */
export function componentKubeconfigs(input: KubeadmInput, isFirst: boolean): ComponentKubeconfig[] {
  const { config, release, facts } = input;
  const own = ownKubeconfigs(release);
  if (own === 'none') return [];
  const [address] = requireNodeAddresses(config, facts);
  const ownServer = `https://${hostAndPort(address, apiServerPort(config))}`;
  const endpoint = `https://${endpointText(config)}`;
  const name = clusterName(config);
  const component = (id: string): ComponentKubeconfig => ({
    ...{ file: `${id}.conf`, clusterName: name, user: `system:kube-${id}`, groups: [], server: ownServer },
  });
  const all = [component('controller-manager'), component('scheduler')];
  if (own === 'all') {
    const groups = ['system:masters'];
    all.push({ file: 'admin.conf', clusterName: name, user: 'kubernetes-admin', groups, server: endpoint });
  }
  if (isFirst) {
    const user = `system:node:${facts.hostname.toLowerCase()}`;
    all.push({ file: 'kubelet.conf', clusterName: name, user, groups: ['system:nodes'], server: endpoint });
  }
  return all;
}
