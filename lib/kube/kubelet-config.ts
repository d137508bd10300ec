/** KubeletConfiguration of a node: https://kubernetes.io/docs/reference/config-api/kubelet-config.v1beta1/ */
import { MIB } from '../base/units.js';
import { dnsDomain, dnsServers } from './cluster-network.js';
import type { Fields, FileToWrite, KubeadmInput } from './input.js';
import { CA_FILE, CRI_SOCKET, KUBELET_CONFIG_FILE, MANIFESTS_DIR, VOLUME_PLUGINS_DIR } from './paths.js';
import { minorOf } from './release.js';
import { TLS_CIPHER_SUITES, TLS_MIN_VERSION } from './tls.js';
import { yamlOf } from './yaml.js';

/** The first releases that have a field without a feature gate. */
const SINCE = { debugHandlers: 22, seccompDefault: 25, containerRuntimeEndpoint: 27 } as const;

/** Processes of one pod: many times what any has, few of what the node has (`kernel.pid_max`). */
const POD_PIDS_LIMIT = 4096;

/**
 * Parts of the memory that pods do not get: for the kernel and the node's own processes (docs/containers.md says what those keep), and for containerd and
 * the kubelet. In MiB: share of all, least, most.
 */
const RESERVED = { system: [0.1, 192, 384], kubernetes: [0.05, 128, 512] } as const;
const RESERVED_CPU = '50m';

/**
 * The document, which is a part of kubeadm's configuration and becomes the file of a node's kubelet.
 *
 * kubeadm gives the first node's to all nodes. What is of this node alone (reserved memory, `machine.kubelet`) is right on the others once they have
 * {@link kubeletConfigFile} in its place.
 *
 * `shutdownGracePeriod` is not set: the kubelet learns of a shutdown from systemd-logind, which there is none of; machined stops pods (docs/containers.md).
 */
export function kubeletConfig({ config, release, facts }: KubeadmInput): Fields {
  const minor = minorOf(release);
  const { extraConfig = {}, defaultRuntimeSeccompProfileEnabled: isSeccompDefault = true } =
    config.machine.kubelet ?? {};
  const fields: Fields = {
    apiVersion: 'kubelet.config.k8s.io/v1beta1',
    kind: 'KubeletConfiguration',
    authentication: {
      anonymous: { enabled: false },
      webhook: { enabled: true },
      x509: { clientCAFile: CA_FILE },
    },
    authorization: { mode: 'Webhook' },
    cgroupDriver: release.cgroupDriver,
    cgroupRoot: '/',
    clusterDNS: [...dnsServers(config)],
    clusterDomain: dnsDomain(config),
    ...(minor >= SINCE.containerRuntimeEndpoint && { containerRuntimeEndpoint: CRI_SOCKET }),
    ...(minor >= SINCE.debugHandlers && { enableDebugFlagsHandler: false, enableProfilingHandler: false }),
    enableSystemLogHandler: false,
    eventRecordQPS: 50,
    eventBurst: 100,
    healthzBindAddress: '127.0.0.1',
    healthzPort: 10248,
    kubeReserved: { cpu: RESERVED_CPU, memory: reserved(facts.memoryBytes, RESERVED.kubernetes) },
    makeIPTablesUtilChains: true,
    podPidsLimit: POD_PIDS_LIMIT,
    protectKernelDefaults: true,
    readOnlyPort: 0,
    resolvConf: '/etc/resolv.conf',
    rotateCertificates: true,
    ...(minor >= SINCE.seccompDefault && { seccompDefault: isSeccompDefault }),
    staticPodPath: MANIFESTS_DIR,
    streamingConnectionIdleTimeout: '5m0s',
    systemReserved: { cpu: RESERVED_CPU, memory: reserved(facts.memoryBytes, RESERVED.system) },
    tlsCipherSuites: [...TLS_CIPHER_SUITES],
    tlsMinVersion: TLS_MIN_VERSION,
    volumePluginDir: VOLUME_PLUGINS_DIR,
  };
  return merged(fields, extraConfig);
}

/** The kubelet's file of this node, in place of the one that kubeadm makes from that of the first node. */
export function kubeletConfigFile(input: KubeadmInput): FileToWrite {
  return { path: KUBELET_CONFIG_FILE, mode: 0o600, text: yamlOf(kubeletConfig(input)) };
}

function reserved(memoryBytes: number, [share, least, most]: readonly [number, number, number]): string {
  return `${Math.min(most, Math.max(least, Math.floor((memoryBytes / MIB) * share)))}Mi`;
}

const isMap = (value: unknown): value is Fields => typeof value === 'object' && value !== null && !Array.isArray(value);

function merged(fields: Fields, others: Fields): Fields {
  const all: Record<string, unknown> = { ...fields };
  for (const [name, value] of Object.entries(others)) {
    const own = Object.hasOwn(all, name) ? all[name] : undefined;
    all[name] = isMap(own) && isMap(value) ? merged(own, value) : value;
  }
  return all;
}
