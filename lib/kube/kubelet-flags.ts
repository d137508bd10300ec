/** What a kubelet is told by flags, because its configuration file has no field for it or is the same on all nodes. */
import type { Flags, KubeadmInput } from './input.js';
import { requireNodeAddresses } from './node-address.js';
import { nodeTaints } from './node-taints.js';
import { RUNTIME_CGROUP } from './paths.js';

/**
 * Flags of the kubelet of this node. kubeadm is given them and writes them, with its own, into kubeadm-flags.env. Those of the config win; which it may not
 * set is checked there.
 * @throws TalosError ERR_KUBERNETES  the node has no address for its Node
 */
export function kubeletFlags({ config, release, facts }: KubeadmInput): Flags {
  const labels = Object.entries(config.machine.nodeLabels ?? {}).sort(([one], [other]) => (one < other ? -1 : 1));
  const taints = nodeTaints(config, release).map(({ key, value, effect }) => `${key}=${value ?? ''}:${effect}`);
  return {
    ...release.kubeletFlags,
    'node-ip': requireNodeAddresses(config, facts).join(),
    // Otherwise it does not find containerd's, which has no systemd unit, and has no figures of it.
    'runtime-cgroups': RUNTIME_CGROUP,
    ...(labels.length > 0 && { 'node-labels': labels.map(([key, value]) => `${key}=${value}`).join() }),
    // From the beginning: a pod must not slip in between.
    ...(taints.length > 0 && { 'register-with-taints': taints.join() }),
    ...config.machine.kubelet?.extraArgs,
  };
}
