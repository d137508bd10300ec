import type { PemPair } from '../base/secrets-bundle.js';
import type { ClientConfig } from '../config/client-config.js';
import { generateConfig } from '../config/generate.js';
import { ADMINISTRATOR, kubeconfigOf } from '../kube/kubeconfig.js';
import { issueClientCertificate } from '../pki/issue.js';
import { Role } from '../pki/roles.js';
import { generateSecrets } from '../pki/secrets.js';
import { LAN_SUBNET, type LanPlace, lanInterface } from './lan.js';
import { KUBERNETES_API_PORT, NODE_NETWORK } from './qemu-arguments.js';

/** What a node is to be, as far as its config says so. */
export interface NodeRole {
  readonly name: string;
  readonly kind: 'controlplane' | 'worker';
  /** host:port at which clients here reach its machine API. */
  readonly endpoint: string;
  /** Its address in the network of the cluster. */
  readonly address: string;
  /** Its place there; absent when it is alone. */
  readonly lan?: LanPlace | undefined;
}

/** Everything secret that a new cluster begins with. */
export interface ClusterIdentity {
  /** Of each node, in their order: its machine config as YAML. Those of control planes hold the keys of every authority. */
  readonly machineConfigs: readonly string[];
  /** The administrator's context, under the cluster's name. */
  readonly clientConfig: ClientConfig;
  /** What the client config holds, as PEM. */
  readonly client: { readonly ca: string; readonly crt: string; readonly key: string };
  /** The Kubernetes administrator's access from here; absent without Kubernetes. */
  readonly kubeconfig?: string | undefined;
}

/**
 * Makes the authorities, the nodes' configs and the administrator's certificate. The first node is the cluster's endpoint, and the node that
 * commands go to when none is named.
 * @param options.kubernetes  `endpoint`: URL at which its API is reached from here
 * @param options.isEmulated  nodes are many times slower than machines are
 */
export async function makeIdentity(options: {
  clusterName: string;
  nodes: readonly [NodeRole, ...NodeRole[]];
  kubernetes?: { endpoint: string; pullsImages?: boolean | undefined } | undefined;
  isEmulated?: boolean;
}): Promise<ClusterIdentity> {
  const { clusterName, nodes, kubernetes, isEmulated } = options;
  const controlPlanes = nodes.filter(({ kind }) => kind === 'controlplane').length;
  const [first] = nodes;
  const secrets = await generateSecrets();
  const admin = await issueClientCertificate({ ca: secrets.certs.os, roles: [Role.admin] });
  const generated = nodes.map((node) =>
    generateConfig({
      clusterName,
      endpoint: `https://${first.address}:${KUBERNETES_API_PORT}`,
      secrets,
      admin,
      hostname: node.name,
      ...(node.lan && { interfaces: [interfaceOf(node.lan)] }),
      // Of their two networks only one is theirs together.
      ...(node.lan && kubernetes && { nodeSubnets: [LAN_SUBNET] }),
      ...(kubernetes && isEmulated && { electionFlags: patientElection(controlPlanes) }),
      ...(kubernetes?.pullsImages && { nameservers: [NODE_NETWORK.nameServer] }),
      // The forwarded ports are reached under this name, which the certificates of both APIs must carry.
      additionalSans: [node.endpoint.slice(0, node.endpoint.lastIndexOf(':')), 'localhost'],
      endpoints: nodes.map(({ endpoint }) => endpoint),
      // Nodes do not pass calls on: with several of them a node is called by the endpoint that leads to it.
      nodes: [nodes.length === 1 ? first.address : first.endpoint],
    }),
  );
  return {
    machineConfigs: generated.map((config, at) => config[nodes[at]?.kind ?? 'worker']),
    clientConfig: (generated[0] as (typeof generated)[0]).talosconfig,
    client: { ca: secrets.certs.os.crt, crt: admin.crt, key: admin.key },
    kubeconfig: kubernetes && (await kubeconfigFor(clusterName, kubernetes.endpoint, secrets.certs.k8s)),
  };
}

/**
 * The controller manager and the scheduler end when the API server does not take word of them within ten seconds. While an emulated
 * one starts it needs longer than that, and each of their starts takes processor time from it for a minute: a cluster may never come up.
 * The only control plane has nobody to elect against.
 */
function patientElection(controlPlanes: number): Record<string, string> {
  if (controlPlanes === 1) return { 'leader-elect': 'false' };
  return {
    'leader-elect-lease-duration': '60s',
    'leader-elect-renew-deadline': '45s',
    'leader-elect-retry-period': '8s',
  };
}

async function kubeconfigFor(clusterName: string, server: string, ca: PemPair): Promise<string> {
  const client = await issueClientCertificate({ ca, ...ADMINISTRATOR });
  return kubeconfigOf({ clusterName, server, ca: ca.crt, user: ADMINISTRATOR.commonName, client });
}

function interfaceOf(lan: LanPlace): { interface: string; addresses: string[] } {
  const { interface: name, address, prefix } = lanInterface(lan);
  return { interface: name, addresses: [`${address}/${prefix}`] };
}
