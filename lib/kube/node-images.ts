/** Which of a release's images a node cannot do without. */
import { addonsOf } from './addons.js';
import type { KubernetesConfig } from './input.js';
import type { Component, KubernetesRelease } from './release.js';

/** In the order in which a control plane needs them. */
const IN_ORDER: readonly Component[] = [
  ...(['pause', 'etcd', 'kube-apiserver', 'kube-controller-manager', 'kube-scheduler', 'kube-proxy'] as const),
];
/** What every node runs. */
const OF_WORKERS: readonly Component[] = ['pause', 'kube-proxy'];

/**
 * Names of the images that the node itself has to run, those first that are needed first. kube-proxy is left out where the config leaves it out; CoreDNS may
 * run anywhere, and is waited for by no node.
 */
export function neededImages(config: KubernetesConfig, release: KubernetesRelease): string[] {
  const { isProxyWanted } = addonsOf(config, release);
  return (config.machine.type === 'worker' ? OF_WORKERS : IN_ORDER)
    .filter((component) => component !== 'kube-proxy' || isProxyWanted)
    .map((component) => release.images[component]);
}
