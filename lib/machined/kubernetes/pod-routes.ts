/**
 * Where the pods of other nodes are, out of what the Kubernetes API says of its nodes. Pure. A node may say anything of itself, and whoever has a
 * kubelet's key may make a Node: what is taken is inside of the cluster's pod networks, nobody else's, and leads to an address that this node
 * has a network in common with. networkd looks again, at the network that there really is.
 */
import { isIP } from 'node:net';
import { canonicalAddress, familyOf, networkOf } from '../../base/ip-address.js';
import { quoted } from '../../base/printable.js';
import { hasCommon, type IpRange, isWithin, overlap, prefixLength, rangeOf } from '../../base/subnets.js';
import type { PodRoute } from '../../control/protocol.js';
import type { ClusterNode } from '../../kube/api/index.js';

export interface PodNetworkFacts {
  /** Of this node in the cluster. */
  ownName: string;
  /** cluster.network.podSubnets. */
  podSubnets: readonly string[];
  /** Addresses of this node with the lengths of their networks. */
  ownNetworks: readonly string[];
}

/** As many as PID 1 keeps. */
const MAX_ROUTES = 512;
/** As many as are looked at. */
const MAX_NODES = 1024;
/** Of one node: one of each family. */
const MAX_CIDRS = 2;
const MAX_PROBLEMS = 16;

interface Claim {
  node: ClusterNode;
  cidr: string;
  range: IpRange;
}

/** @returns the routes, and why some are missing, a sentence each */
export function podRoutesOf(
  nodes: readonly ClusterNode[],
  facts: PodNetworkFacts,
): { routes: PodRoute[]; problems: string[] } {
  const { ownName, podSubnets } = facts;
  const problems: string[] = [];
  // The bridge of this node's own pods is no network that other nodes are in.
  const nodeNetworks = facts.ownNetworks.filter((one) => !podSubnets.some((subnet) => overlap(one, subnet)));
  const claims: Claim[] = [];
  const routes: PodRoute[] = [];
  // Who was there first keeps what it has: a node that comes later can take nothing away. Nobody takes anything from this node.
  const ordered = [...nodes].sort(
    (left, right) =>
      Number(right.name === ownName) - Number(left.name === ownName) ||
      left.createdMs - right.createdMs ||
      (left.uid < right.uid ? -1 : 1),
  );
  for (const node of ordered.slice(0, MAX_NODES)) {
    const isOwn = node.name === ownName;
    for (const text of node.podCidrs.slice(0, MAX_CIDRS)) {
      const claim = claimOf(node, text, { podSubnets, nodeNetworks, isOwn }, claims);
      if (typeof claim === 'string') {
        problems.push(`node ${quoted(node.name, 100)}: ${claim}`);
        continue;
      }
      claims.push(claim);
      if (isOwn) continue;
      const gateway = gatewayOf(node, claim.cidr, nodeNetworks);
      if (gateway !== undefined) routes.push({ destination: claim.cidr, gateway });
      else
        problems.push(
          `node ${quoted(node.name, 100)} has no ${describeFamily(claim.cidr)} address in a network of this node: its pods cannot be reached`,
        );
    }
  }
  if (ordered.length > MAX_NODES || routes.length > MAX_ROUTES) {
    problems.push(
      `there are too many nodes for routes to each: the pods of ${MAX_ROUTES} networks can be reached, not those of all`,
    );
  }
  return { routes: routes.slice(0, MAX_ROUTES), problems: bounded(problems) };
}

interface ClaimFacts {
  podSubnets: readonly string[];
  nodeNetworks: readonly string[];
  isOwn: boolean;
}

/** @returns what the node may have, or why it may not */
function claimOf(
  node: ClusterNode,
  text: string,
  { podSubnets, nodeNetworks, isOwn }: ClaimFacts,
  claims: readonly Claim[],
): Claim | string {
  if (!isCidr(text)) return `its pod network ${quoted(text, 50)} is none`;
  const cidr = networkOf(text);
  const subnet = podSubnets.find((one) => isWithin(cidr, one));
  if (subnet === undefined) return `its pod network ${cidr} is not in cluster.network.podSubnets`;
  if (!isOwn && prefixLength(cidr) === prefixLength(subnet)) return `its pod network ${cidr} is that of all pods`;
  const network = nodeNetworks.find((one) => overlap(one, cidr));
  if (network !== undefined) return `its pod network ${cidr} overlaps with ${networkOf(network)}, which nodes are in`;
  const range = rangeOf(cidr);
  const other = claims.find((one) => hasCommon(one.range, range));
  if (other) return `its pod network ${cidr} overlaps with ${other.cidr} of node ${quoted(other.node.name, 100)}`;
  return { node, cidr, range };
}

function gatewayOf(node: ClusterNode, cidr: string, nodeNetworks: readonly string[]): string | undefined {
  const found = node.internalAddresses.find(
    (address) =>
      isIP(address) !== 0 &&
      familyOf(address) === familyOf(cidr) &&
      nodeNetworks.some((network) => isWithin(address, network)) &&
      !nodeNetworks.some((network) => isWithin(address, network.replace(/\/.*/, ''))),
  );
  return found === undefined ? undefined : canonicalAddress(found);
}

function isCidr(text: string): boolean {
  const [address = '', length = '', ...more] = text.split('/');
  const bits = isIP(address) === 6 ? 128 : 32;
  return (
    isIP(address) !== 0 &&
    !address.includes('%') &&
    /^[1-9]\d{0,2}$/.test(length) &&
    Number(length) <= bits &&
    more.length === 0
  );
}

function describeFamily(cidr: string): string {
  return familyOf(cidr) === 'inet' ? 'IPv4' : 'IPv6';
}

function bounded(problems: string[]): string[] {
  if (problems.length <= MAX_PROBLEMS) return problems;
  return [...problems.slice(0, MAX_PROBLEMS - 1), `and ${problems.length - MAX_PROBLEMS + 1} more of that kind`];
}
