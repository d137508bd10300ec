/** What kubeadm puts into a cluster besides its control plane, and how kube-proxy is configured. */
import { podSubnets } from './cluster-network.js';
import type { Fields, KubernetesConfig } from './input.js';
import type { KubernetesRelease } from './release.js';

export interface Addons {
  readonly isProxyWanted: boolean;
  /** False where the release has no image of CoreDNS, too. */
  readonly isDnsWanted: boolean;
}

export function addonsOf({ cluster }: KubernetesConfig, release: KubernetesRelease): Addons {
  return {
    isProxyWanted: cluster.proxy?.disabled !== true,
    isDnsWanted: cluster.coreDNS?.disabled !== true && release.images.coredns !== undefined,
  };
}

/** KubeProxyConfiguration: https://kubernetes.io/docs/reference/config-api/kube-proxy-config.v1alpha1/ */
export function proxyConfig(config: KubernetesConfig): Fields {
  return {
    apiVersion: 'kubeproxy.config.k8s.io/v1alpha1',
    kind: 'KubeProxyConfiguration',
    clusterCIDR: podSubnets(config).join(),
    metricsBindAddress: '127.0.0.1:10249',
    mode: config.cluster.proxy?.mode ?? 'iptables',
  };
}
