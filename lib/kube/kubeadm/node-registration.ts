/** What this node is in its cluster: the part that InitConfiguration and JoinConfiguration share. */
import { apiServerPort } from '../cluster-network.js';
import type { Fields, KubeadmInput } from '../input.js';
import { kubeletFlags } from '../kubelet-flags.js';
import { requireNodeAddresses } from '../node-address.js';
import { nodeTaints } from '../node-taints.js';
import { CRI_SOCKET } from '../paths.js';
import { extraArgs } from './flags.js';

/** @throws TalosError ERR_KUBERNETES  the node has no address for its Node */
export function nodeRegistration(input: KubeadmInput): Fields {
  const { config, release, facts } = input;
  return {
    // Only ever the host name: a kubelet of another name would need `--hostname-override` (CIS 4.2.7).
    name: facts.hostname.toLowerCase(),
    criSocket: CRI_SOCKET,
    // Empty is not absent: kubeadm would have its own.
    taints: nodeTaints(config, release),
    kubeletExtraArgs: extraArgs(release.kubeadmApi, kubeletFlags(input)),
  };
}

/** @throws TalosError ERR_KUBERNETES  the node has no address for its Node */
export function localApiEndpoint({ config, facts }: KubeadmInput): Fields {
  const [advertiseAddress] = requireNodeAddresses(config, facts);
  return { advertiseAddress, bindPort: apiServerPort(config) };
}
