/** What Talos knows and this version does not act on: by name, so that a config made by talosctl is accepted with warnings. */
import * as z from 'zod';
import { UNSUPPORTED_OF_INTERFACE } from './network-schema.js';

/** Fields that Talos has and that are ignored here with a warning, by the path of the object they stand in; `[]`: in each of a list. */
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
    'logging',
    'nodeAnnotations',
    'pods',
    'registries',
    'seccompProfiles',
    'sysctls',
    'sysfs',
    'systemDiskEncryption',
    'udev',
  ],
  'machine.kubelet': [
    'credentialProviderConfig',
    'disableManifestsDirectory',
    'extraMounts',
    'image',
    'registerWithFQDN',
    'skipNodeRegistration',
  ],
  'machine.network': ['kubespan'],
  'machine.network.interfaces[]': UNSUPPORTED_OF_INTERFACE,
  'machine.network.interfaces[].dhcpOptions': ['duidv6', 'ipv6'],
  'machine.time': ['bootTimeout'],
  cluster: ['acceptedCAs', 'adminKubeconfig', 'allowSchedulingOnMasters', 'discovery', 'externalCloudProvider'],
  'cluster.network.cni': ['flannel'],
  'cluster.apiServer': ['authorizationConfig', 'disablePodSecurityPolicy', 'env', 'extraVolumes', 'image', 'resources'],
  'cluster.controllerManager': ['env', 'extraVolumes', 'image', 'resources'],
  'cluster.coreDNS': ['image'],
  'cluster.etcd': ['image', 'listenSubnets'],
  'cluster.proxy': ['extraArgs', 'image'],
  'cluster.scheduler': ['config', 'env', 'extraVolumes', 'image', 'resources'],
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
export const unsupported = (path: string): Record<never, never> =>
  Object.fromEntries(
    (UNSUPPORTED[path] ?? []).map((name) => [
      name,
      z.unknown().optional().describe('Known, but not supported yet: ignored with a warning.'),
    ]),
  );
