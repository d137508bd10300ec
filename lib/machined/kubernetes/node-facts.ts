/** What lib/kube has to know of this node. */
import { hostname, type NetworkInterfaceInfo, networkInterfaces, totalmem } from 'node:os';
import { BRIDGE } from '../../kube/cni.js';
import type { NodeFacts } from '../../kube/input.js';

type Interfaces = Readonly<Record<string, NetworkInterfaceInfo[] | undefined>>;

/** Interfaces of pods, and of services where kube-proxy makes one: addresses there are not the node's. */
const OF_PODS = new RegExp(`^(${BRIDGE}|veth.*|kube-ipvs0)$`);

export function nodeFacts(): NodeFacts {
  return {
    hostname: hostname(),
    addresses: addressesOf(networkInterfaces()),
    memoryBytes: totalmem(),
    nowMs: Date.now(),
  };
}

/** With their prefix lengths, in the order of the kernel's interfaces. */
export function addressesOf(interfaces: Interfaces): string[] {
  return Object.entries(interfaces)
    .filter(([name]) => !OF_PODS.test(name))
    .flatMap(([, list]) => list ?? [])
    .filter(({ internal, cidr }) => !internal && cidr !== null)
    .map(({ cidr }) => cidr as string);
}
