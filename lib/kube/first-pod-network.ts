/** The part of the network of pods that the first node of a cluster gets: what the controller manager would give it, long before there is one. */

import { familyOf } from '../base/ip-address.js';
import { addressAt } from '../base/subnets.js';
import { podSubnets } from './cluster-network.js';
import { bringsOwnNetwork } from './cni.js';
import type { KubernetesConfig } from './input.js';

/** Of each node's part, as the controller manager has it unless it is told otherwise (--node-cidr-mask-size). */
const MASK = { inet: 24, inet6: 64 } as const;
/** Flags by which it would choose another one. */
const CHOOSES_OTHERWISE = /^(node-cidr-mask-size|cidr-allocator-type|configure-cloud-routes|cloud-provider)/;

/** Of each of the cluster's networks of pods the first part. @returns none: it is left to the controller manager, or to a network of the cluster's own */
export function firstPodCidrs(config: KubernetesConfig): string[] {
  const flags = Object.keys(config.cluster.controllerManager?.extraArgs ?? {});
  if (bringsOwnNetwork(config) || flags.some((flag) => CHOOSES_OTHERWISE.test(flag))) return [];
  return podSubnets(config).map((subnet) => `${addressAt(subnet, 0)}/${MASK[familyOf(subnet)]}`);
}
