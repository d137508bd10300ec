/** What the kubelet of a node is told: the rows of the CIS benchmark, what differs between releases, and what the config changes. */
import t from 'tap';
import { parse } from 'yaml';
import { GIB, MIB } from '../../../lib/base/units.js';
import { kubeletConfig, kubeletConfigFile } from '../../../lib/kube/kubelet-config.js';
import { kubeletFlags } from '../../../lib/kube/kubelet-flags.js';
import type { KubernetesRelease } from '../../../lib/kube/release.js';
import { type InputChange, inputWith, type Plain, RELEASE_28, RELEASES } from '../../helpers/kubernetes-input.js';

const ALL = [...RELEASES, RELEASE_28];
const [OLD] = RELEASES as [KubernetesRelease];

const configOf = (change: InputChange = {}): Plain => kubeletConfig(inputWith(change));
const flagsOf = (change: InputChange = {}) => kubeletFlags(inputWith(change));

/** CIS Kubernetes benchmark 1.11, section 4.2 and 4.3: what each row asks of this document and of the flags. */
const CIS: [
  row: string,
  what: string,
  isKept: (config: Plain, flags: Record<string, string>, release: KubernetesRelease) => boolean,
][] = [
  ['4.2.1', 'nobody is served without a name', ({ authentication }) => authentication.anonymous.enabled === false],
  ['4.2.2', 'the API server says who may', ({ authorization }) => authorization.mode === 'Webhook'],
  [
    '4.2.3',
    'clients have certificates of the cluster',
    ({ authentication }) => authentication.x509.clientCAFile === '/etc/kubernetes/pki/ca.crt',
  ],
  ['4.2.4', 'no port without either', ({ readOnlyPort }) => readOnlyPort === 0],
  ['4.2.5', 'idle streams end', ({ streamingConnectionIdleTimeout }) => streamingConnectionIdleTimeout === '5m0s'],
  ['4.2.6', 'chains of iptables are its own', ({ makeIPTablesUtilChains }) => makeIPTablesUtilChains === true],
  ['4.2.7', 'no other name than the host name', (_config, flags) => !('hostname-override' in flags)],
  ['4.2.8', 'events are kept as they come, up to a rate', ({ eventRecordQPS }) => eventRecordQPS === 50],
  [
    '4.2.9',
    'a certificate of its own, made by the kubelet',
    ({ tlsCertFile, serverTLSBootstrap }) => tlsCertFile === undefined && serverTLSBootstrap === undefined,
  ],
  ['4.2.10', 'the client certificate is renewed', ({ rotateCertificates }) => rotateCertificates === true],
  ['4.2.11', 'nothing turns renewal of server certificates off', ({ featureGates }) => featureGates === undefined],
  [
    '4.2.12',
    'strong ciphers',
    ({ tlsCipherSuites, tlsMinVersion }) =>
      tlsMinVersion === 'VersionTLS12' && tlsCipherSuites.every((suite: string) => /^TLS_ECDHE_.*_GCM_/.test(suite)),
  ],
  ['4.2.13', 'a bound of processes in a pod', ({ podPidsLimit }) => podPidsLimit === 4096],
  [
    '4.2.14',
    'a system call filter unless a pod has its own',
    ({ seccompDefault }, _flags, release) => release === OLD || seccompDefault === true,
  ],
];

t.test('rows of the CIS benchmark', async (t) => {
  t.strictSame(
    CIS.map(([row]) => row),
    Array.from({ length: 14 }, (_, index) => `4.2.${index + 1}`),
  );
  for (const release of ALL) {
    for (const [row, what, isKept] of CIS)
      t.ok(isKept(configOf({ release }), flagsOf({ release }), release), `${release.version}, ${row}: ${what}`);
    t.equal(configOf({ release }).protectKernelDefaults, true, 'the kernel is as PID 1 has set it up');
  }
});

t.test('what differs between releases', async (t) => {
  for (const release of ALL) {
    const config = configOf({ release });
    const isOld = release === OLD;
    t.equal('seccompDefault' in config, !isOld, release.version);
    t.equal(config.containerRuntimeEndpoint, isOld ? undefined : 'unix:///run/containerd/containerd.sock');
    t.equal(
      flagsOf({ release })['container-runtime-endpoint'],
      isOld ? 'unix:///run/containerd/containerd.sock' : undefined,
    );
    t.equal(config.enableProfilingHandler, isOld ? undefined : false);
    t.notOk('shutdownGracePeriod' in config, 'there is no logind to tell it');
    t.match(config, {
      cgroupDriver: 'cgroupfs',
      cgroupRoot: '/',
      resolvConf: '/etc/resolv.conf',
      staticPodPath: '/etc/kubernetes/manifests',
    });
  }
});

t.test('memory that pods do not get', async (t) => {
  const memory = (memoryBytes: number) => {
    const { systemReserved, kubeReserved } = configOf({ facts: { memoryBytes } });
    return [systemReserved.memory, kubeReserved.memory];
  };
  t.strictSame(memory(GIB), ['192Mi', '128Mi']);
  t.strictSame(memory(1988 * MIB), ['198Mi', '128Mi']);
  t.strictSame(memory(4 * GIB), ['384Mi', '204Mi']);
  t.strictSame(memory(64 * GIB), ['384Mi', '512Mi']);
});

t.test('what the config changes', async (t) => {
  const kubelet = {
    clusterDNS: ['10.1.1.1'],
    defaultRuntimeSeccompProfileEnabled: false,
    extraConfig: { maxPods: 20, systemReserved: { memory: '1Gi' }, tlsCipherSuites: ['X'] },
  };
  const config = configOf({ machine: { kubelet }, release: RELEASE_28 });
  t.match(config, {
    clusterDNS: ['10.1.1.1'],
    seccompDefault: false,
    maxPods: 20,
    systemReserved: { memory: '1Gi', cpu: '50m' },
  });
  t.strictSame(config.tlsCipherSuites, ['X'], 'a list is replaced');
  t.match(configOf({ cluster: { network: { dnsDomain: 'k.example', serviceSubnets: ['10.1.0.0/16'] } } }), {
    clusterDomain: 'k.example',
    clusterDNS: ['10.1.0.10'],
  });
  const input = inputWith({ machine: { kubelet } });
  const { path, mode, text } = kubeletConfigFile(input);
  t.strictSame([path, mode], ['/var/lib/kubelet/config.yaml', 0o600], 'CIS 4.1.9');
  t.strictSame(parse(text, { version: '1.1' }), kubeletConfig(input), 'the file has all of it');
  t.equal(({} as Plain).maxPods, undefined);
});
