/** Which connections of pods get the node's address: rules as iptables-restore(8) reads them. */
import { familyOf, type IpFamily } from '../base/ip-address.js';

/** The chain that has them; PID 1's tables have it once. */
export const MASQUERADE_CHAIN = 'TALOS-MASQUERADE';

/** Nobody answers to a group. */
const MULTICAST = { inet: '224.0.0.0/4', inet6: 'ff00::/8' } as const;

/** What leads into the chain, for `iptables -t nat -C` and `-A`. */
export const MASQUERADE_JUMP = [
  'POSTROUTING',
  '-m',
  'comment',
  '--comment',
  'pods to the outside',
  '-j',
  MASQUERADE_CHAIN,
];

export interface MasqueradeRules {
  family: IpFamily;
  /** For `iptables-restore --noflush`: makes the chain, or what was in it anew. */
  text: string;
}

/**
 * Pods reach each other, and the nodes' network of pods, with their own addresses; to everybody else they have their node's, for nobody outside
 * knows the way to pods. The plugin `bridge` cannot make the difference: to it, pods of other nodes are outside.
 * @param podCidrs  this node's networks of pods
 * @param podSubnets  all networks of pods in the cluster (cluster.network.podSubnets)
 */
export function masqueradeRules(podCidrs: readonly string[], podSubnets: readonly string[]): MasqueradeRules[] {
  return (['inet', 'inet6'] as const).flatMap((family) => {
    const ofFamily = (network: string) => familyOf(network) === family;
    const sources = podCidrs.filter(ofFamily);
    if (sources.length === 0) return [];
    const others = [...podSubnets.filter(ofFamily), MULTICAST[family]];
    const rules = [
      ...others.map((network) => `-d ${network} -j RETURN`),
      ...sources.map((network) => `-s ${network} -j MASQUERADE --random-fully`),
    ];
    const lines = ['*nat', `:${MASQUERADE_CHAIN} - [0:0]`, ...rules.map((rule) => `-A ${MASQUERADE_CHAIN} ${rule}`)];
    return [{ family, text: `${[...lines, 'COMMIT'].join('\n')}\n` }];
  });
}
