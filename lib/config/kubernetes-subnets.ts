/** Whether the networks of pods and services can be those of one cluster. */
import type * as z from 'zod';
import { BITS, familyOf } from '../base/ip-address.js';
import { overlap, prefixLength } from '../base/subnets.js';
import { isNetwork } from './fields.js';
import { DEFAULT_POD_SUBNET, DEFAULT_SERVICE_SUBNET } from './generate.js';

/** Bits that an API server counts the addresses of services with, and the fewest that are of use: ten addresses are taken. */
const SERVICE_BITS = { most: 20, least: 4 } as const;
/** The network of one node: what the controller manager cuts out of that of all pods, which has 16 bits more at most. */
const NODE_PREFIX = { inet: 24, inet6: 64 } as const;
const MAX_NODE_BITS = 16;

interface Networks {
  podSubnets?: string[] | undefined;
  serviceSubnets?: string[] | undefined;
}

type Report = (field: keyof Networks, index: number | undefined, message: string) => void;

/** Adds an issue for everything that is wrong with `cluster.network`. */
export function checkSubnets(network: Networks | undefined, context: z.core.$RefinementCtx): void {
  const pods = network?.podSubnets ?? [DEFAULT_POD_SUBNET];
  const services = network?.serviceSubnets ?? [DEFAULT_SERVICE_SUBNET];
  // A text that is no network has its issue already.
  if (![...pods, ...services].every(isNetwork)) return;
  const report: Report = (field, index, message) => {
    const path = ['cluster', 'network', field, ...(index === undefined ? [] : [index])];
    context.addIssue({ code: 'custom', path, message });
  };
  if (!checkFamilies('podSubnets', pods, report) || !checkFamilies('serviceSubnets', services, report)) return;
  const families = (subnets: readonly string[]) => subnets.map(familyOf).sort().join();
  if (families(pods) !== families(services)) {
    report('serviceSubnets', undefined, 'must be of the same IP versions as cluster.network.podSubnets');
  }
  pods.forEach((subnet, index) => {
    checkPods(subnet, (message) => report('podSubnets', index, message));
  });
  services.forEach((subnet, index) => {
    checkServices(subnet, (message) => report('serviceSubnets', index, message));
    if (pods.some((other) => overlap(subnet, other))) {
      report('serviceSubnets', index, 'overlaps with cluster.network.podSubnets');
    }
  });
}

/** One network, or two of different families; an order is a preference. */
function checkFamilies(field: keyof Networks, subnets: readonly string[], report: Report): boolean {
  const isGood = subnets.length > 0 && new Set(subnets.map(familyOf)).size === subnets.length;
  if (!isGood) report(field, undefined, 'must be one network, or one of IPv4 and one of IPv6');
  return isGood;
}

function checkPods(subnet: string, report: (message: string) => void): void {
  const nodePrefix = NODE_PREFIX[familyOf(subnet)];
  const [shortest, longest] = [nodePrefix - MAX_NODE_BITS, nodePrefix];
  const length = prefixLength(subnet);
  if (length < shortest || length > longest) {
    report(`must have a prefix of /${shortest} to /${longest}: each node gets a /${nodePrefix} of it`);
  }
}

function checkServices(subnet: string, report: (message: string) => void): void {
  const bits = BITS[familyOf(subnet)];
  const [shortest, longest] = [bits - SERVICE_BITS.most, bits - SERVICE_BITS.least];
  const length = prefixLength(subnet);
  if (length < shortest || length > longest) report(`must have a prefix of /${shortest} to /${longest}`);
}
