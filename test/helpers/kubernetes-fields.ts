/**
 * Fields of the documents that kubeadm reads, by version: names alone, from the documented types of each. Those of v1beta2 and of the kubelet 1.20 are in
 * the source that CI builds, the others in https://kubernetes.io/docs/reference/config-api/.
 *
 * A field has the name of a type of the table, with `[]` for a list of it; `value`: a text, a number, a truth value, or a list of them; `map`: of values.
 */
export type Types = Readonly<Record<string, Readonly<Record<string, string>>>>;

const values = (...names: string[]) => Object.fromEntries(names.map((name) => [name, 'value']));

const COMMON = {
  APIEndpoint: values('advertiseAddress', 'bindPort'),
  BootstrapToken: values('token', 'description', 'ttl', 'expires', 'usages', 'groups'),
  BootstrapTokenDiscovery: values('token', 'apiServerEndpoint', 'caCertHashes', 'unsafeSkipCAVerification'),
  FileDiscovery: values('kubeConfigPath'),
  Networking: values('serviceSubnet', 'podSubnet', 'dnsDomain'),
  Etcd: { local: 'LocalEtcd', external: 'ExternalEtcd' },
  ExternalEtcd: values('endpoints', 'caFile', 'certFile', 'keyFile'),
  HostPathMount: values('name', 'hostPath', 'mountPath', 'readOnly', 'pathType'),
  JoinControlPlane: { localAPIEndpoint: 'APIEndpoint', ...values('certificateKey') },
  Taint: values('key', 'value', 'effect', 'timeAdded'),
};

const ClusterConfiguration = {
  ...values(
    'apiVersion',
    'kind',
    'kubernetesVersion',
    'controlPlaneEndpoint',
    'certificatesDir',
    'imageRepository',
    'clusterName',
  ),
  etcd: 'Etcd',
  networking: 'Networking',
  apiServer: 'APIServer',
  controllerManager: 'ControlPlaneComponent',
  scheduler: 'ControlPlaneComponent',
  dns: 'DNS',
  featureGates: 'map',
};
const InitConfiguration = {
  ...values('apiVersion', 'kind', 'certificateKey'),
  bootstrapTokens: 'BootstrapToken[]',
  nodeRegistration: 'NodeRegistrationOptions',
  localAPIEndpoint: 'APIEndpoint',
};
const JoinConfiguration = {
  ...values('apiVersion', 'kind', 'caCertPath'),
  nodeRegistration: 'NodeRegistrationOptions',
  discovery: 'Discovery',
  controlPlane: 'JoinControlPlane',
};
const DiscoveryOfV1beta4 = {
  ...values('tlsBootstrapToken'),
  bootstrapToken: 'BootstrapTokenDiscovery',
  file: 'FileDiscovery',
};
const Discovery = { ...DiscoveryOfV1beta4, ...values('timeout') };
const ControlPlaneComponent = { extraArgs: 'map', extraVolumes: 'HostPathMount[]' };
const NodeRegistrationOptions = {
  ...values('name', 'criSocket', 'ignorePreflightErrors'),
  taints: 'Taint[]',
  kubeletExtraArgs: 'map',
};
const LocalEtcd = {
  ...values('imageRepository', 'imageTag', 'dataDir', 'serverCertSANs', 'peerCertSANs'),
  extraArgs: 'map',
};

const v1beta2: Types = {
  ...COMMON,
  ClusterConfiguration: { ...ClusterConfiguration, ...values('useHyperKubeImage') },
  InitConfiguration,
  JoinConfiguration,
  Discovery,
  ControlPlaneComponent,
  APIServer: { ...ControlPlaneComponent, ...values('certSANs', 'timeoutForControlPlane') },
  NodeRegistrationOptions,
  LocalEtcd,
  DNS: values('type', 'imageRepository', 'imageTag'),
};

const phased = { ...values('skipPhases'), patches: 'Patches' };

const v1beta3: Types = {
  ...v1beta2,
  ClusterConfiguration,
  InitConfiguration: { ...InitConfiguration, ...phased },
  JoinConfiguration: { ...JoinConfiguration, ...phased },
  NodeRegistrationOptions: { ...NodeRegistrationOptions, ...values('imagePullPolicy') },
  DNS: values('imageRepository', 'imageTag'),
  Patches: values('directory'),
};

const timed = { ...phased, ...values('dryRun'), timeouts: 'Timeouts' };
const ComponentOfV1beta4 = { extraArgs: 'Arg[]', extraVolumes: 'HostPathMount[]', extraEnvs: 'EnvVar[]' };

const v1beta4: Types = {
  ...v1beta3,
  ClusterConfiguration: {
    ...ClusterConfiguration,
    ...values('encryptionAlgorithm', 'certificateValidityPeriod', 'caCertificateValidityPeriod'),
    proxy: 'Proxy',
  },
  InitConfiguration: { ...InitConfiguration, ...timed },
  JoinConfiguration: { ...JoinConfiguration, ...timed },
  Discovery: DiscoveryOfV1beta4,
  ControlPlaneComponent: ComponentOfV1beta4,
  APIServer: { ...ComponentOfV1beta4, ...values('certSANs') },
  NodeRegistrationOptions: {
    ...NodeRegistrationOptions,
    ...values('imagePullPolicy', 'imagePullSerial'),
    kubeletExtraArgs: 'Arg[]',
  },
  LocalEtcd: { ...LocalEtcd, extraArgs: 'Arg[]', extraEnvs: 'EnvVar[]' },
  DNS: values('imageRepository', 'imageTag', 'disabled'),
  Proxy: values('disabled'),
  Arg: values('name', 'value'),
  EnvVar: values('name', 'value'),
  Timeouts: values(
    ...['controlPlaneComponentHealthCheck', 'discovery', 'etcdAPICall', 'kubeletHealthCheck', 'kubernetesAPICall'],
    ...['tlsBootstrap', 'upgradeManifests'],
  ),
};

const kubelet = {
  KubeletAuthentication: {
    x509: 'KubeletX509Authentication',
    webhook: 'KubeletWebhookAuthentication',
    anonymous: 'KubeletAnonymousAuthentication',
  },
  KubeletX509Authentication: values('clientCAFile'),
  KubeletWebhookAuthentication: values('enabled', 'cacheTTL'),
  KubeletAnonymousAuthentication: values('enabled'),
  KubeletAuthorization: { mode: 'value', webhook: 'KubeletWebhookAuthorization' },
  KubeletWebhookAuthorization: values('cacheAuthorizedTTL', 'cacheUnauthorizedTTL'),
};

const KubeletConfiguration20 = {
  ...values(
    ...[
      'apiVersion',
      'kind',
      'enableServer',
      'staticPodPath',
      'syncFrequency',
      'fileCheckFrequency',
      'httpCheckFrequency',
    ],
    ...[
      'staticPodURL',
      'address',
      'port',
      'readOnlyPort',
      'tlsCertFile',
      'tlsPrivateKeyFile',
      'tlsCipherSuites',
      'tlsMinVersion',
    ],
    ...['rotateCertificates', 'serverTLSBootstrap', 'registryPullQPS', 'registryBurst', 'eventRecordQPS', 'eventBurst'],
    ...['enableDebuggingHandlers', 'enableContentionProfiling', 'healthzPort', 'healthzBindAddress', 'oomScoreAdj'],
    ...['clusterDomain', 'clusterDNS', 'streamingConnectionIdleTimeout', 'nodeStatusUpdateFrequency'],
    ...['nodeStatusReportFrequency', 'nodeLeaseDurationSeconds', 'imageMinimumGCAge', 'imageGCHighThresholdPercent'],
    ...[
      'imageGCLowThresholdPercent',
      'volumeStatsAggPeriod',
      'kubeletCgroups',
      'systemCgroups',
      'cgroupRoot',
      'cgroupsPerQOS',
    ],
    ...[
      'cgroupDriver',
      'cpuManagerPolicy',
      'cpuManagerReconcilePeriod',
      'topologyManagerPolicy',
      'topologyManagerScope',
    ],
    ...[
      'runtimeRequestTimeout',
      'hairpinMode',
      'maxPods',
      'podCIDR',
      'podPidsLimit',
      'resolvConf',
      'runOnce',
      'cpuCFSQuota',
    ],
    ...['cpuCFSQuotaPeriod', 'nodeStatusMaxImages', 'maxOpenFiles', 'contentType', 'kubeAPIQPS', 'kubeAPIBurst'],
    ...['serializeImagePulls', 'evictionPressureTransitionPeriod', 'evictionMaxPodGracePeriod', 'podsPerCore'],
    ...['enableControllerAttachDetach', 'protectKernelDefaults', 'makeIPTablesUtilChains', 'iptablesMasqueradeBit'],
    ...['iptablesDropBit', 'failSwapOn', 'containerLogMaxSize', 'containerLogMaxFiles'],
    ...['configMapAndSecretChangeDetectionStrategy', 'reservedSystemCPUs', 'showHiddenMetricsForVersion'],
    ...[
      'systemReservedCgroup',
      'kubeReservedCgroup',
      'enforceNodeAllocatable',
      'allowedUnsafeSysctls',
      'volumePluginDir',
    ],
    ...['providerID', 'kernelMemcgNotification', 'enableSystemLogHandler', 'shutdownGracePeriod'],
    ...['shutdownGracePeriodCriticalPods'],
  ),
  authentication: 'KubeletAuthentication',
  authorization: 'KubeletAuthorization',
  ...Object.fromEntries(
    ['featureGates', 'kubeReserved', 'systemReserved', 'evictionHard', 'evictionSoft', 'evictionSoftGracePeriod'].map(
      (name) => [name, 'map'],
    ),
  ),
};

const KubeletConfiguration35 = {
  ...KubeletConfiguration20,
  ...values(
    ...['containerRuntimeEndpoint', 'imageServiceEndpoint', 'seccompDefault', 'enableProfilingHandler'],
    ...['enableDebugFlagsHandler', 'registerNode', 'podLogsDir', 'singleProcessOOMKill', 'maxParallelImagePulls'],
    ...['localStorageCapacityIsolation', 'memoryManagerPolicy', 'imageMaximumGCAge', 'mergeDefaultEvictionSettings'],
    ...['containerLogMaxWorkers', 'containerLogMonitorInterval', 'enableSystemLogQuery', 'memoryThrottlingFactor'],
    ...['failCgroupV1', 'imagePullCredentialsVerificationPolicy', 'preloadedImagesVerificationAllowlist'],
  ),
};

const proxy = {
  KubeProxyConfiguration: {
    ...values(
      ...['apiVersion', 'kind', 'bindAddress', 'healthzBindAddress', 'metricsBindAddress', 'bindAddressHardFail'],
      ...['enableProfiling', 'clusterCIDR', 'hostnameOverride', 'oomScoreAdj', 'mode', 'configSyncPeriod'],
      ...['nodePortAddresses', 'showHiddenMetricsForVersion', 'detectLocalMode'],
    ),
    featureGates: 'map',
  },
};

/** By the version of kubeadm's API, with the kubelet's and kube-proxy's of the releases that have it. */
export const DOCUMENTED_FIELDS: Readonly<Record<string, Types>> = {
  'kubeadm.k8s.io/v1beta2': { ...v1beta2, ...kubelet, ...proxy, KubeletConfiguration: KubeletConfiguration20 },
  // No release of ours: the newest kubelet that has it is 1.30.
  'kubeadm.k8s.io/v1beta3': { ...v1beta3, ...kubelet, ...proxy, KubeletConfiguration: KubeletConfiguration35 },
  'kubeadm.k8s.io/v1beta4': { ...v1beta4, ...kubelet, ...proxy, KubeletConfiguration: KubeletConfiguration35 },
};

/** Everything in a document that its version does not know, or knows as something else: paths. */
export function undocumentedParts(types: Types, document: { kind?: unknown }): string[] {
  const kind = String(document.kind);
  return types[kind] === undefined ? [kind] : partsOf(types, kind, document, kind);
}

function partsOf(types: Types, type: string, value: unknown, path: string): string[] {
  const isMap = typeof value === 'object' && value !== null && !Array.isArray(value);
  if (type === 'value') {
    const isPlain = (it: unknown) => ['string', 'number', 'boolean'].includes(typeof it);
    return isPlain(value) || (Array.isArray(value) && value.every(isPlain)) ? [] : [`${path} is no value`];
  }
  if (type === 'map') {
    if (!isMap) return [`${path} is no map`];
    return Object.entries(value).flatMap(([name, it]) => partsOf(types, 'value', it, `${path}.${name}`));
  }
  if (type.endsWith('[]')) {
    if (!Array.isArray(value)) return [`${path} is no list`];
    return value.flatMap((it, index) => partsOf(types, type.slice(0, -2), it, `${path}[${index}]`));
  }
  const fields = types[type];
  if (!isMap || fields === undefined) return [`${path} is no ${type}`];
  return Object.entries(value).flatMap(([name, it]) => {
    const own = fields[name];
    return own === undefined ? [`${path}.${name} is not documented`] : partsOf(types, own, it, `${path}.${name}`);
  });
}
