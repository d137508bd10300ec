/** What makes the network of pods on a node: https://github.com/containernetworking/cni/blob/main/SPEC.md, version 1.0.0. */
import { TalosError } from '../base/errors.js';
import { familyOf } from '../base/ip-address.js';
import type { FileToWrite, KubernetesConfig } from './input.js';

/** The folder that containerd reads. */
export const CNI_DIR = '/etc/cni/net.d';
/** Name of its bridge. */
export const BRIDGE = 'cni0';

const DEFAULT_ROUTES = { inet: '0.0.0.0/0', inet6: '::/0' } as const;

/**
 * A list of network plugins: pods of the node on one bridge, with addresses of the node's own networks of pods, ports of the host where pods ask for them.
 * (`loopback` is not in it: containerd sets that up by itself.)
 *
 * Pods of other nodes see a pod's own address; what leaves the cluster's network of pods gets the node's, by rules beside the plugins (masquerade.ts).
 * @param podCidrs  the node's networks of pods (`spec.podCIDRs` of its Node): one, or one of each IP version
 * @throws TalosError ERR_KUBERNETES  there is none
 */
export function bridgeConflist(podCidrs: readonly string[]): string {
  if (podCidrs.length === 0) throw new TalosError('ERR_KUBERNETES', 'the node has no network for its pods yet');
  const plugins = [
    {
      type: 'bridge',
      bridge: BRIDGE,
      isGateway: true,
      // Rules of ours do that (masquerade.ts).
      ipMasq: false,
      // A pod that asks for a service may be answered by itself.
      hairpinMode: true,
      ipam: {
        type: 'host-local',
        // No pod outlives a boot; neither may an address that nobody gave back.
        dataDir: '/run/cni/networks',
        ranges: podCidrs.map((subnet) => [{ subnet }]),
        routes: podCidrs.map((subnet) => ({ dst: DEFAULT_ROUTES[familyOf(subnet)] })),
      },
    },
    { type: 'portmap', capabilities: { portMappings: true } },
  ];
  return `${JSON.stringify({ cniVersion: '1.0.0', name: 'pods', plugins }, undefined, 2)}\n`;
}

/** Plugins, their configuration and the routes to pods are not ours then. */
export function bringsOwnNetwork({ cluster }: Pick<KubernetesConfig, 'cluster'>): boolean {
  return (cluster.network?.cni?.name ?? 'bridge') !== 'bridge';
}

/** Where it is for containerd to find; undefined for a cluster that brings its own. */
export function cniFile(config: KubernetesConfig, podCidrs: readonly string[]): FileToWrite | undefined {
  if (bringsOwnNetwork(config)) return undefined;
  return { path: `${CNI_DIR}/10-pods.conflist`, mode: 0o600, text: bridgeConflist(podCidrs) };
}
