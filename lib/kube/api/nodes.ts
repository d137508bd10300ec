/** Nodes of a cluster, as far as the pod network needs them: https://kubernetes.io/docs/reference/kubernetes-api/cluster-resources/node-v1/ */
import type { Resource } from './client.js';
import { type JsonObject, listAt, textAt } from './json.js';

export const NODES: Resource = { path: '/api/v1/nodes' };

/** What a node says of itself, and what was assigned to it: texts of others, which nobody has checked. */
export interface ClusterNode {
  name: string;
  uid: string;
  /** The API server's clock when it was made, milliseconds since 1970. */
  createdMs: number;
  /** It has the label that kubeadm gives to control planes, and that no node may give to itself. */
  isControlPlane: boolean;
  /** CIDR notation. */
  podCidrs: string[];
  /** At which others in the cluster reach it. */
  internalAddresses: string[];
}

const CONTROL_PLANE_LABEL = 'node-role.kubernetes.io/control-plane';
const MAX_TEXT = 253;
/** Of each list; there are two families. */
const MAX_ENTRIES = 16;

/** undefined: it is no node. */
export function clusterNodeOf(object: JsonObject): ClusterNode | undefined {
  const name = textAt(object, 'metadata', 'name') ?? '';
  if (name === '' || name.length > MAX_TEXT) return undefined;
  const single = textAt(object, 'spec', 'podCIDR');
  const several = listAt(object, 'spec', 'podCIDRs');
  return {
    name,
    uid: short(textAt(object, 'metadata', 'uid') ?? ''),
    createdMs: Date.parse(textAt(object, 'metadata', 'creationTimestamp') ?? '') || 0,
    isControlPlane: textAt(object, 'metadata', 'labels', CONTROL_PLANE_LABEL) !== undefined,
    podCidrs: texts(several.length === 0 ? [single] : several),
    internalAddresses: texts(
      listAt(object, 'status', 'addresses')
        .filter((address) => textAt(address, 'type') === 'InternalIP')
        .map((address) => textAt(address, 'address')),
    ),
  };
}

/** Of the node with that name; empty when there is none, or nothing is assigned to it yet. */
export function ownPodCidrs(nodes: readonly ClusterNode[], name: string): string[] {
  return nodes.find((node) => node.name === name)?.podCidrs ?? [];
}

/** The control plane that was the first of those that there are: the one that does what one has to do. undefined: there is none yet. */
export function firstControlPlane(nodes: readonly ClusterNode[]): string | undefined {
  const [first] = nodes
    .filter(({ isControlPlane }) => isControlPlane)
    .toSorted((left, right) => left.createdMs - right.createdMs || (left.name < right.name ? -1 : 1));
  return first?.name;
}

function texts(values: readonly unknown[]): string[] {
  return values
    .filter((value) => typeof value === 'string')
    .slice(0, MAX_ENTRIES)
    .map(short);
}

function short(text: string): string {
  return text.slice(0, MAX_TEXT);
}
