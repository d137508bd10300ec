/** Makes the machine configs of a new cluster, and the client config of its administrator, out of its secrets. */
import { stringify } from 'yaml';
import { TalosError } from '../base/errors.js';
import type { PemPair, SecretsBundle } from '../base/secrets-bundle.js';
import type { ClientConfig } from './client-config.js';
import { hostOrAddress, isCidr, isEndpoint } from './fields.js';

export const DEFAULT_DNS_DOMAIN = 'cluster.local';
export const DEFAULT_POD_SUBNET = '10.244.0.0/16';
export const DEFAULT_SERVICE_SUBNET = '10.96.0.0/12';

export interface GenerateOptions {
  clusterName: string;
  /** URL of the Kubernetes API: `https://10.5.0.2:6443`. */
  endpoint: string;
  secrets: SecretsBundle;
  /** Client certificate of the administrator, for the client config (lib/pki `issueClientCertificate`). */
  admin: PemPair;
  /** Further names and addresses for the certificates of the node and of the Kubernetes API. */
  additionalSans?: readonly string[];
  /** Where the client config finds the machine API; usually not known yet, then empty. */
  endpoints?: readonly string[];
  /** Nodes that commands go to when none is named. */
  nodes?: readonly string[];
  /** Set it only for a config that is for one machine. */
  hostname?: string;
  /** As `hostname`: the machine's interfaces and their addresses, with prefix lengths. */
  interfaces?: readonly { interface: string; addresses: readonly string[] }[];
  nameservers?: readonly string[];
  /** Where Kubernetes takes a node's address from, when the node has several networks. */
  nodeSubnets?: readonly string[];
  /** Further flags of the controller manager and of the scheduler, which both elect a leader. */
  electionFlags?: Readonly<Record<string, string>>;
  dnsDomain?: string;
  podSubnets?: readonly string[];
  serviceSubnets?: readonly string[];
}

export interface GeneratedConfig {
  /** YAML. Holds the keys of every CA: as secret as the bundle itself. */
  controlplane: string;
  /** YAML. Holds no CA key. */
  worker: string;
  talosconfig: ClientConfig;
}

/**
 * Generates the configs, talosctl's `gen config` without its files. Pure: the same options give the same text.
 * @throws ERR_CONFIG_OPTION  an option makes no sense
 */
export function generateConfig(options: GenerateOptions): GeneratedConfig {
  checkOptions(options);
  const { clusterName, secrets, admin } = options;
  return {
    controlplane: stringify(machineConfig(options, 'controlplane')),
    worker: stringify(machineConfig(options, 'worker')),
    talosconfig: {
      context: clusterName,
      contexts: {
        [clusterName]: {
          endpoints: [...(options.endpoints ?? [])],
          ...(options.nodes === undefined ? {} : { nodes: [...options.nodes] }),
          ca: base64(secrets.certs.os.crt),
          crt: base64(admin.crt),
          key: base64(admin.key),
        },
      },
    },
  };
}

function machineConfig(options: GenerateOptions, type: 'controlplane' | 'worker'): object {
  const { secrets, hostname, additionalSans = [], nodeSubnets, electionFlags } = options;
  const isControlPlane = type === 'controlplane';
  const pair = ({ crt, key }: PemPair) => ({ crt: base64(crt), key: isControlPlane ? base64(key) : '' });
  return {
    version: 'v1alpha1',
    debug: false,
    persist: true,
    machine: {
      type,
      token: secrets.machineToken,
      ca: pair(secrets.certs.os),
      certSANs: [...additionalSans],
      network: {
        ...(hostname !== undefined && { hostname }),
        ...(options.interfaces && { interfaces: options.interfaces }),
        ...(options.nameservers && { nameservers: [...options.nameservers] }),
      },
      ...(nodeSubnets && { kubelet: { nodeIP: { validSubnets: [...nodeSubnets] } } }),
    },
    cluster: {
      id: secrets.cluster.id,
      secret: secrets.cluster.secret,
      controlPlane: { endpoint: options.endpoint },
      clusterName: options.clusterName,
      network: {
        dnsDomain: options.dnsDomain ?? DEFAULT_DNS_DOMAIN,
        podSubnets: [...(options.podSubnets ?? [DEFAULT_POD_SUBNET])],
        serviceSubnets: [...(options.serviceSubnets ?? [DEFAULT_SERVICE_SUBNET])],
      },
      token: secrets.bootstrapToken,
      ca: pair(secrets.certs.k8s),
      ...(isControlPlane
        ? {
            secretboxEncryptionSecret: secrets.secretboxEncryptionSecret,
            aggregatorCA: pair(secrets.certs.k8sAggregator),
            serviceAccount: { key: base64(secrets.certs.k8sServiceAccount.key) },
            apiServer: { certSANs: [...additionalSans] },
            ...(electionFlags && {
              controllerManager: { extraArgs: { ...electionFlags } },
              scheduler: { extraArgs: { ...electionFlags } },
            }),
            etcd: { ca: pair(secrets.certs.etcd) },
          }
        : {}),
    },
  };
}

function checkOptions(options: GenerateOptions): void {
  const fail = (message: string): never => {
    throw new TalosError('ERR_CONFIG_OPTION', message);
  };
  if (options.clusterName === '' || options.clusterName === '__proto__') fail('the cluster needs a name');
  if (!isEndpoint(options.endpoint))
    fail(`${JSON.stringify(options.endpoint)} is not a URL such as https://10.5.0.2:6443`);
  for (const san of [
    ...(options.additionalSans ?? []),
    ...(options.hostname === undefined ? [] : [options.hostname]),
  ]) {
    if (!hostOrAddress.safeParse(san).success) fail(`${JSON.stringify(san)} is neither a host name nor an IP address`);
  }
  const subnets = [options.podSubnets, options.serviceSubnets, options.nodeSubnets];
  for (const subnet of subnets.flatMap((list) => list ?? [])) {
    if (!isCidr(subnet)) fail(`${JSON.stringify(subnet)} is not a network such as 10.244.0.0/16`);
  }
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64');
}
