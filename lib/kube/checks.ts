/**
 * Why a machine config, a release and a node cannot be a member of a cluster together: one sentence each, with what to do. What a config alone can tell is
 * checked where it is parsed (lib/config).
 */
import { familyOf, isPlainAddress, networkOf } from '../base/ip-address.js';
import { isWithin, overlap } from '../base/subnets.js';
import { MIB } from '../base/units.js';
import { authorityProblems } from './authority-checks.js';
import { endpointOf, podSubnets, serviceSubnets } from './cluster-network.js';
import type { KubernetesConfig, NodeFacts } from './input.js';
import { NO_ADDRESS, nodeAddresses } from './node-address.js';
import { type KubernetesRelease, minorOf } from './release.js';

/** kubeadm's own bound: less, and the control plane ends for want of memory. */
const CONTROL_PLANE_MIB = 1700;
/** The first releases without a feature gate. */
const SINCE = { dualStack: 21, nftables: 31 } as const;

/** RFC 1123 subdomain, as the name of a Node has to be. */
const NAME = /^(?=.{1,253}$)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*$/;

type Check = (config: KubernetesConfig, release: KubernetesRelease, facts: NodeFacts) => string[];

/** All that is wrong; empty when kubeadm may begin. */
export const problemsOf: Check = (config, release, facts) =>
  [versionProblems, endpointProblems, nodeProblems, addressProblems, networkProblems]
    .flatMap((check) => check(config, release, facts))
    .concat(authorityProblems(config, facts.nowMs));

const versionProblems: Check = (config, release) => {
  const minor = minorOf(release);
  const since = (first: number, what: string) =>
    minor < first ? [`${what} needs Kubernetes 1.${first}, and this is ${release.version}`] : [];
  return [
    ...(podSubnets(config).length > 1 ? since(SINCE.dualStack, 'a second network in cluster.network.podSubnets') : []),
    ...(config.cluster.proxy?.mode === 'nftables' ? since(SINCE.nftables, 'cluster.proxy.mode: nftables') : []),
  ];
};

const endpointProblems: Check = (config) => {
  const field = 'cluster.controlPlane.endpoint';
  const { host } = endpointOf(config);
  const isOf = (networks: readonly string[]) =>
    isPlainAddress(host) && networks.some((network) => isWithin(host, network));
  const url = new URL(config.cluster.controlPlane.endpoint);
  const zoned = config.cluster.apiServer?.certSANs?.find((name) => name.includes('%'));
  return [
    ...(isPlainAddress(host) || NAME.test(host)
      ? []
      : [`${field} has neither a host name nor an address before its port`]),
    ...(url.port === '0' ? [`${field} must have a port other than 0`] : []),
    ...(zoned === undefined
      ? []
      : [`cluster.apiServer.certSANs: ${zoned} means something on one machine only: leave it out`]),
    ...(url.pathname !== '/' ? [`${field} must end after the port: there is no API below a path`] : []),
    ...(host === 'localhost' || isOf(['127.0.0.0/8', '::1/128'])
      ? [`${field} is an address of each node itself: name one of a control plane, or of what stands before them`]
      : []),
    ...(isOf([...podSubnets(config), ...serviceSubnets(config)])
      ? [`${field} is in the network of pods or services: name an address that nodes have`]
      : []),
  ];
};

const nodeProblems: Check = ({ machine }, _release, { hostname, memoryBytes }) => {
  const mib = Math.floor(memoryBytes / MIB);
  return [
    ...(NAME.test(hostname.toLowerCase())
      ? []
      : [
          `the host name ${JSON.stringify(hostname)} cannot be that of a Node: set machine.network.hostname to letters, digits and -`,
        ]),
    ...(machine.type === 'controlplane' && mib < CONTROL_PLANE_MIB
      ? [`the machine has ${mib} MiB of memory, and a control plane needs ${CONTROL_PLANE_MIB} MiB: give it more`]
      : []),
  ];
};

const addressProblems: Check = (config, _release, facts) => {
  const addresses = nodeAddresses(config, facts);
  const [address] = addresses;
  if (address === undefined) return [NO_ADDRESS];
  const families = new Set(addresses.map(familyOf));
  const missing = podSubnets(config).filter((subnet) => !families.has(familyOf(subnet)));
  const { etcd } = config.cluster;
  const subnets = [...(etcd?.advertisedSubnets ?? []), ...(etcd?.subnet === undefined ? [] : [etcd.subnet])];
  const isOutside = subnets.length > 0 && !subnets.some((network) => isWithin(address, network));
  return [
    ...missing.map(
      (subnet) =>
        `the node has no address of the IP version of ${subnet} in cluster.network.podSubnets: give it one, or leave that network out`,
    ),
    ...(config.machine.type === 'controlplane' && isOutside
      ? [
          `etcd has the node's address ${address}, which cluster.etcd.advertisedSubnets leaves out: choose another by machine.kubelet.nodeIP.validSubnets`,
        ]
      : []),
  ];
};

const networkProblems: Check = (config, _release, { addresses }) => {
  const own = [...new Set(addresses.map(networkOf))];
  const of = (field: string, subnets: readonly string[]) =>
    subnets.flatMap((subnet) => {
      const hit = own.find((network) => overlap(network, subnet));
      return hit === undefined
        ? []
        : [`${field}: ${subnet} overlaps with the node's own network ${hit}: choose another one`];
    });
  return [
    ...of('cluster.network.podSubnets', podSubnets(config)),
    ...of('cluster.network.serviceSubnets', serviceSubnets(config)),
  ];
};
