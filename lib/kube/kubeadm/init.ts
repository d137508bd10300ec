/** What kubeadm is told on the first control plane. */
import { addonsOf, proxyConfig } from '../addons.js';
import type { Fields, KubeadmInput } from '../input.js';
import { kubeletConfig } from '../kubelet-config.js';
import { yamlOf } from '../yaml.js';
import { clusterConfiguration } from './cluster-configuration.js';
import { localApiEndpoint, nodeRegistration } from './node-registration.js';
import { CONTROL_PLANE_TIMEOUT } from './timeouts.js';

/**
 * Text for `kubeadm init phase … --config`: InitConfiguration, ClusterConfiguration, KubeletConfiguration and, where there is a kube-proxy,
 * KubeProxyConfiguration. It holds the token: for root only.
 * @throws TalosError ERR_KUBERNETES  the node has no address for its Node
 */
export function renderInit(input: KubeadmInput): string {
  const { config, release } = input;
  const { isProxyWanted } = addonsOf(config, release);
  return yamlOf(
    initConfiguration(input),
    clusterConfiguration(input),
    kubeletConfig(input),
    ...(isProxyWanted ? [proxyConfig(config)] : []),
  );
}

function initConfiguration(input: KubeadmInput): Fields {
  const { config, release, certificateKey } = input;
  const { token } = config.cluster;
  return {
    apiVersion: release.kubeadmApi,
    kind: 'InitConfiguration',
    bootstrapTokens: token === undefined ? [] : [bootstrapToken(token)],
    nodeRegistration: nodeRegistration(input),
    localAPIEndpoint: localApiEndpoint(input),
    ...(certificateKey !== undefined && { certificateKey }),
    ...(release.kubeadmApi === 'kubeadm.k8s.io/v1beta4' && {
      timeouts: { controlPlaneComponentHealthCheck: CONTROL_PLANE_TIMEOUT },
    }),
  };
}

/** It is in the machine configs of nodes that join next year: it does not end. */
function bootstrapToken(token: string): Fields {
  return {
    token,
    ttl: '0s',
    description: 'cluster.token of the machine configs',
    usages: ['signing', 'authentication'],
    groups: ['system:bootstrappers:kubeadm:default-node-token'],
  };
}
