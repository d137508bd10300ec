import type { Flags } from '../input.js';
import type { KubeadmApi } from '../release.js';

/** Flags in the form that this version of kubeadm's API has for them: a map up to v1beta3, then a list. Sorted, so that the same flags are the same text. */
export function extraArgs(api: KubeadmApi, flags: Flags): object {
  const sorted = Object.entries(flags).sort(([one], [other]) => (one < other ? -1 : 1));
  if (api === 'kubeadm.k8s.io/v1beta4') return sorted.map(([name, value]) => ({ name, value }));
  return Object.fromEntries(sorted);
}
