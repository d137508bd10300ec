/** Networks and names of the cluster, with their defaults. */
import { addressAt } from '../base/subnets.js';
import type { KubernetesConfig } from './input.js';

/** Talos' and kubeadm's own. */
const DEFAULTS = { pods: '10.244.0.0/16', services: '10.96.0.0/12', dnsDomain: 'cluster.local', port: 6443 } as const;
/** Of the network of services, kubeadm's choice for DNS. */
const DNS_INDEX = 10;

type Config = Pick<KubernetesConfig, 'cluster'>;

export const podSubnets = ({ cluster }: Config): readonly string[] => cluster.network?.podSubnets ?? [DEFAULTS.pods];

export const serviceSubnets = ({ cluster }: Config): readonly string[] =>
  cluster.network?.serviceSubnets ?? [DEFAULTS.services];

/** Kubernetes knows names in lower case only. */
export const dnsDomain = ({ cluster }: Config): string =>
  (cluster.network?.dnsDomain ?? DEFAULTS.dnsDomain).toLowerCase();

export const clusterName = ({ cluster }: Config): string => cluster.clusterName ?? 'kubernetes';

/** Port of the API server of a control plane itself. */
export const apiServerPort = ({ cluster }: Config): number => cluster.controlPlane.localAPIServerPort ?? DEFAULTS.port;

/** Where pods ask for names: as the config says, or where kubeadm puts the cluster's DNS. */
export function dnsServers(config: KubernetesConfig): readonly string[] {
  const own = config.machine.kubelet?.clusterDNS;
  if (own !== undefined) return own;
  return serviceSubnets(config).flatMap((subnet) => addressAt(subnet, DNS_INDEX) ?? []);
}

/** Host and port of the cluster's endpoint; an IPv6 address without brackets. */
export function endpointOf({ cluster }: Config): { host: string; port: number } {
  const url = new URL(cluster.controlPlane.endpoint);
  return { host: url.hostname.replace(/^\[(.*)\]$/, '$1'), port: url.port === '' ? 443 : Number(url.port) };
}

/** `host:port`, as kubeadm wants it. */
export function endpointText(config: Config): string {
  const { host, port } = endpointOf(config);
  return hostAndPort(host, port);
}

/** As in a URL: an IPv6 address is in brackets. */
export function hostAndPort(host: string, port: number): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`;
}
