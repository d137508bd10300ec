/** ClusterConfiguration of kubeadm: what all control planes have in common. Stored in the cluster by kubeadm, so nothing secret is in it. */
import { addonsOf } from '../addons.js';
import { clusterName, dnsDomain, endpointText, podSubnets, serviceSubnets } from '../cluster-network.js';
import { apiServerFlags, controllerManagerFlags, etcdFlags, schedulerFlags } from '../component-flags.js';
import type { Fields, KubeadmInput } from '../input.js';
import { API_SERVER_DIR, AUDIT_LOG_DIR, CONTROLLER_MANAGER_DIR, ETCD_DIR, PKI_DIR, SCHEDULER_DIR } from '../paths.js';
import type { KubeadmApi, KubernetesRelease } from '../release.js';
import { extraArgs } from './flags.js';
import { CONTROL_PLANE_TIMEOUT } from './timeouts.js';

/** proxyd and the node itself ask the API server of their own node under these names. */
const LOCAL_NAMES = ['127.0.0.1', 'localhost'];

/** Written by the node before kubeadm runs. */
const OWN_FOLDER = { readOnly: true, pathType: 'Directory' } as const;

export function clusterConfiguration(input: KubeadmInput): Fields {
  const { config, release } = input;
  const { kubeadmApi: api } = release;
  return {
    apiVersion: api,
    kind: 'ClusterConfiguration',
    kubernetesVersion: release.version,
    clusterName: clusterName(config),
    controlPlaneEndpoint: endpointText(config),
    imageRepository: release.imageRepository,
    certificatesDir: PKI_DIR,
    networking: {
      dnsDomain: dnsDomain(config),
      podSubnet: podSubnets(config).join(),
      serviceSubnet: serviceSubnets(config).join(),
    },
    apiServer: {
      certSANs: [
        ...new Set([...LOCAL_NAMES, ...(config.cluster.apiServer?.certSANs ?? []).map((name) => name.toLowerCase())]),
      ],
      extraArgs: extraArgs(api, apiServerFlags(input)),
      extraVolumes: [
        hostPath('talos-apiserver', API_SERVER_DIR, OWN_FOLDER),
        hostPath('audit-log', AUDIT_LOG_DIR, { readOnly: false, pathType: 'DirectoryOrCreate' }),
      ],
      ...(api !== 'kubeadm.k8s.io/v1beta4' && { timeoutForControlPlane: CONTROL_PLANE_TIMEOUT }),
    },
    controllerManager: {
      extraArgs: extraArgs(api, controllerManagerFlags(input)),
      extraVolumes: [hostPath('talos-controller-manager', CONTROLLER_MANAGER_DIR, OWN_FOLDER)],
    },
    scheduler: {
      extraArgs: extraArgs(api, schedulerFlags(config)),
      extraVolumes: [hostPath('talos-scheduler', SCHEDULER_DIR, OWN_FOLDER)],
    },
    etcd: {
      local: {
        dataDir: ETCD_DIR,
        // The one that is in the node's image, whatever version kubeadm has in mind.
        imageTag: tagOf(release.images.etcd),
        extraArgs: extraArgs(api, etcdFlags(config)),
      },
    },
    ...keys(api),
    ...addons(api, input.config, release),
  };
}

/**
 * What kubeadm makes are keys for P-256, as those of the authorities are, in place of RSA, whose keys take a processor long to make, and long to sign with: both ends do
 * so in each of the API server's many connections to etcd. (In kubeconfigs kubeadm does not before 1.31: credentials.ts.)
 */
function keys(api: KubeadmApi): Fields {
  if (api === 'kubeadm.k8s.io/v1beta4') return { encryptionAlgorithm: 'ECDSA-P256' };
  return { featureGates: { PublicKeysECDSA: true } };
}

/** Older versions know them by their phases only, which are left out. */
function addons(api: KubeadmApi, config: KubeadmInput['config'], release: KubernetesRelease): Fields {
  if (api === 'kubeadm.k8s.io/v1beta2') return { dns: { type: 'CoreDNS' } };
  if (api === 'kubeadm.k8s.io/v1beta3') return {};
  const { isDnsWanted, isProxyWanted } = addonsOf(config, release);
  return { dns: { disabled: !isDnsWanted }, proxy: { disabled: !isProxyWanted } };
}

function hostPath(name: string, path: string, rest: { readOnly: boolean; pathType: string }): Fields {
  return { name, hostPath: path, mountPath: path, ...rest };
}

function tagOf(image: string): string {
  return image.slice(image.lastIndexOf(':') + 1);
}
