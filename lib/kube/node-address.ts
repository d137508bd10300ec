/** Which addresses of a node are those of its Node. */
import { TalosError } from '../base/errors.js';
import { canonicalAddress, familyOf, isPlainAddress } from '../base/ip-address.js';
import { isWithin, overlap } from '../base/subnets.js';
import { endpointOf, podSubnets, serviceSubnets } from './cluster-network.js';
import type { KubernetesConfig, NodeFacts } from './input.js';

export const NO_ADDRESS = 'the node has no address that is fit for its Node: see machine.kubelet.nodeIP.validSubnets';

/** Loopback, link-local, multicast: nobody else reaches them. */
const NOT_FOR_OTHERS = ['127.0.0.0/8', '169.254.0.0/16', '224.0.0.0/4', '::1/128', 'fe80::/10', 'ff00::/8'];

/**
 * One address for each IP version that the pods of the cluster have, in that order; the first one is that of the API server and of etcd.
 *
 * Of several, those in `machine.kubelet.nodeIP.validSubnets` count; then the one in whose network the cluster's endpoint is, then the first.
 * @returns empty where the node has none that others could reach; checks.ts has the sentence for that
 */
export function nodeAddresses(config: KubernetesConfig, facts: Pick<NodeFacts, 'addresses'>): string[] {
  const usable = facts.addresses.filter((prefix) => isUsable(config, addressOf(prefix)));
  const { host } = endpointOf(config);
  const isNearEndpoint = (prefix: string) => isPlainAddress(host) && isWithin(host, prefix);
  return podSubnets(config).flatMap((pods) => {
    const own = usable.filter((prefix) => familyOf(prefix) === familyOf(pods));
    const chosen = own.find(isNearEndpoint) ?? own[0];
    return chosen === undefined ? [] : [canonicalAddress(addressOf(chosen))];
  });
}

/**
 * As nodeAddresses, one at least.
 * @throws TalosError ERR_KUBERNETES  there is none (checks.ts says so before)
 */
export function requireNodeAddresses(
  config: KubernetesConfig,
  facts: Pick<NodeFacts, 'addresses'>,
): [string, ...string[]] {
  const [first, ...others] = nodeAddresses(config, facts);
  if (first === undefined) throw new TalosError('ERR_KUBERNETES', NO_ADDRESS);
  return [first, ...others];
}

function isUsable(config: KubernetesConfig, address: string): boolean {
  const inNetworks = [...NOT_FOR_OTHERS, ...podSubnets(config), ...serviceSubnets(config)];
  return !inNetworks.some((network) => overlap(address, network)) && isChosen(config, address);
}

function isChosen({ machine }: KubernetesConfig, address: string): boolean {
  const subnets = machine.kubelet?.nodeIP?.validSubnets ?? [];
  const [not, only] = [subnets.filter((text) => text.startsWith('!')), subnets.filter((text) => !text.startsWith('!'))];
  if (not.some((text) => isWithin(address, text.slice(1)))) return false;
  return only.length === 0 || only.some((network) => isWithin(address, network));
}

/** Of `10.5.0.2/24` what stands before the length of its network. */
export function addressOf(prefix: string): string {
  return prefix.split('/')[0] ?? '';
}
