/**
 * The machine config: the Talos v1alpha1 shape, the part of it that this version acts on. Parts that Talos knows and we do not yet
 * are listed by name, so that a config made by talosctl is accepted with warnings while a misspelt field is an error.
 */
import { z } from 'zod';
import {
  cidr,
  endpoint,
  hostname,
  hostOrAddress,
  ipAddress,
  pemCertificate,
  pemKey,
  pemPair,
  secret32,
  token,
} from './fields.js';

/** Fields that Talos has and that are ignored here with a warning, by the path of the object they stand in. */
export const UNSUPPORTED: Readonly<Record<string, readonly string[]>> = {
  machine: [
    'baseRuntimeSpecOverrides',
    'controlPlane',
    'disks',
    'env',
    'features',
    'files',
    'install',
    'kernel',
    'kubelet',
    'logging',
    'nodeAnnotations',
    'nodeLabels',
    'nodeTaints',
    'pods',
    'registries',
    'seccompProfiles',
    'sysctls',
    'sysfs',
    'systemDiskEncryption',
    'udev',
  ],
  'machine.network': ['disableSearchDomain', 'extraHostEntries', 'interfaces', 'kubespan', 'searchDomains'],
  'machine.time': ['bootTimeout'],
  cluster: [
    'acceptedCAs',
    'adminKubeconfig',
    'aescbcEncryptionSecret',
    'allowSchedulingOnControlPlanes',
    'allowSchedulingOnMasters',
    'controllerManager',
    'coreDNS',
    'discovery',
    'externalCloudProvider',
    'extraManifestHeaders',
    'extraManifests',
    'inlineManifests',
    'proxy',
    'scheduler',
  ],
  'cluster.network': ['cni'],
  'cluster.apiServer': [
    'admissionControl',
    'auditPolicy',
    'authorizationConfig',
    'disablePodSecurityPolicy',
    'env',
    'extraArgs',
    'extraVolumes',
    'image',
    'resources',
  ],
  'cluster.etcd': ['advertisedSubnets', 'extraArgs', 'image', 'listenSubnets', 'subnet'],
};

/** Kinds of further documents that Talos knows; ignored with a warning, except those that have a schema below. */
export const UNSUPPORTED_KINDS: ReadonlySet<string> = new Set([
  'BlockDeviceEncryptionConfig',
  'BondConfig',
  'BridgeConfig',
  'DHCPv6Config',
  'DummyLinkConfig',
  'EnvironmentConfig',
  'EthernetConfig',
  'EventSinkConfig',
  'ExistingVolumeConfig',
  'ExtensionServiceConfig',
  'KmsgLogConfig',
  'KubeSpanEndpointsConfig',
  'LinkAliasConfig',
  'LinkConfig',
  'NetworkDefaultActionConfig',
  'NetworkRuleConfig',
  'OOMConfig',
  'PCIDriverRebindConfig',
  'RawVolumeConfig',
  'ResolverConfig',
  'SideroLinkConfig',
  'StaticHostConfig',
  'SwapVolumeConfig',
  'TimeSyncConfig',
  'TrustedRootsConfig',
  'UserVolumeConfig',
  'VLANConfig',
  'VolumeConfig',
  'WatchdogTimerConfig',
  'WireguardConfig',
  'ZswapConfig',
]);

const IGNORED_PATHS = Object.entries(UNSUPPORTED).flatMap(([path, names]) => names.map((name) => `${path}.${name}`));

/** Whether a field is in a part of the config that this version does not act on (compare.ts has the form of the path). */
export function isIgnored(path: string): boolean {
  const kind = /^[A-Z]\w*/.exec(path)?.[0];
  if (kind !== undefined) return UNSUPPORTED_KINDS.has(kind);
  return IGNORED_PATHS.some((ignored) => path === ignored || path.startsWith(`${ignored}.`));
}

/** The listed fields as optional ones of any type; invisible to TypeScript, so that nothing of ours can come to rely on them. */
const unsupported = (path: string): Record<never, never> =>
  Object.fromEntries(
    (UNSUPPORTED[path] ?? []).map((name) => [
      name,
      z.unknown().optional().describe('Known, but not supported yet: ignored with a warning.'),
    ]),
  );

const machineSchema = z
  .strictObject({
    ...unsupported('machine'),
    type: z.enum(['controlplane', 'worker']).describe('What the node is in the cluster.'),
    token: token.describe('Shown to trustd by a node that joins.'),
    ca: pemPair.describe('Signs the certificates of the machine API; without `key` on a worker.'),
    acceptedCAs: z
      .array(z.strictObject({ crt: pemCertificate }))
      .optional()
      .describe('Further CAs whose clients are accepted.'),
    certSANs: z.array(hostOrAddress).optional().describe("Further names and addresses for the node's own certificate."),
    network: z
      .strictObject({
        ...unsupported('machine.network'),
        hostname: hostname.optional(),
        nameservers: z.array(ipAddress).max(16).optional(),
      })
      .optional(),
    time: z
      .strictObject({
        ...unsupported('machine.time'),
        disabled: z.boolean().optional().describe('Nothing sets the clock by a time server.'),
        servers: z.array(hostOrAddress).max(16).optional().describe('Time servers, the first one first.'),
      })
      .optional(),
  })
  .describe('The node itself.');

const clusterSchema = z
  .strictObject({
    ...unsupported('cluster'),
    id: secret32.optional().describe('Name of the cluster for machines: base64 of 32 bytes.'),
    secret: secret32.optional().describe('Shared secret of all nodes: base64 of 32 bytes.'),
    controlPlane: z
      .strictObject({ endpoint, localAPIServerPort: z.int().min(1).max(65535).optional() })
      .describe('Where the Kubernetes API is reached.'),
    clusterName: z.string().min(1).max(253).optional(),
    network: z
      .strictObject({
        ...unsupported('cluster.network'),
        dnsDomain: hostname.optional(),
        podSubnets: z.array(cidr).optional(),
        serviceSubnets: z.array(cidr).optional(),
      })
      .optional(),
    token: token.optional().describe('Joins a node to Kubernetes.'),
    secretboxEncryptionSecret: secret32.optional(),
    ca: pemPair.optional(),
    aggregatorCA: pemPair.optional(),
    serviceAccount: z.strictObject({ key: pemKey }).optional(),
    apiServer: z
      .strictObject({ ...unsupported('cluster.apiServer'), certSANs: z.array(hostOrAddress).optional() })
      .optional(),
    etcd: z.strictObject({ ...unsupported('cluster.etcd'), ca: pemPair.optional() }).optional(),
  })
  .describe('The Kubernetes cluster that the node belongs to.');

export const machineConfigSchema = z
  .strictObject({
    version: z.literal('v1alpha1'),
    debug: z.boolean().optional().describe('More talk in the logs.'),
    persist: z.boolean().optional(),
    machine: machineSchema,
    cluster: clusterSchema,
  })
  .superRefine((config, context) => {
    if (config.machine.type === 'controlplane' && config.machine.ca.key === '') {
      context.addIssue({
        code: 'custom',
        path: ['machine', 'ca', 'key'],
        message: 'is missing: a control plane signs certificates',
      });
    }
  });

/** A further document that only sets the host name, as newer talosctl versions write it. */
export const hostnameConfigSchema = z.strictObject({
  apiVersion: z.literal('v1alpha1'),
  kind: z.literal('HostnameConfig'),
  hostname: hostname.optional(),
  auto: z.enum(['stable', 'off']).optional(),
});

/** A further document that asks for DHCP on an interface. */
export const dhcpConfigSchema = z.strictObject({
  apiVersion: z.literal('v1alpha1'),
  kind: z.literal('DHCPv4Config'),
  name: z.string().regex(/^[^\s/:]{1,15}$/, 'must be the name of an interface'),
  routeMetric: z.int().min(0).optional(),
  ignoreHostname: z.boolean().optional(),
  clientIdentifier: z.enum(['none', 'mac', 'duid']).optional(),
  duidRaw: z.string().optional(),
});

/** As parsed: PEM decoded from base64. */
export type MachineConfig = z.output<typeof machineConfigSchema>;

/** JSON Schema (2020-12) of the main document, for editors and other tools. */
export function machineConfigJsonSchema(): Record<string, unknown> {
  return { title: 'Machine config', ...z.toJSONSchema(machineConfigSchema, { io: 'input' }) };
}
