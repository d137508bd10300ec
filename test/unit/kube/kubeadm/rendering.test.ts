/** What kubeadm is told: each document of each version against its documented fields, and what is in them. */
import t from 'tap';
import { caCertHash } from '../../../../lib/kube/ca-hash.js';
import type { KubernetesConfig } from '../../../../lib/kube/input.js';
import { renderInit } from '../../../../lib/kube/kubeadm/init.js';
import { renderJoin } from '../../../../lib/kube/kubeadm/join.js';
import type { KubernetesRelease } from '../../../../lib/kube/release.js';
import { DOCUMENTED_FIELDS, undocumentedParts } from '../../../helpers/kubernetes-fields.js';
import {
  configWith,
  documentsOf,
  type InputChange,
  inputWith,
  RELEASE_28,
  RELEASES,
  secrets,
} from '../../../helpers/kubernetes-input.js';

const ALL = [...RELEASES, RELEASE_28];
const [OLD, , NEWEST] = RELEASES as [KubernetesRelease, KubernetesRelease, KubernetesRelease];

/** Everything that a config can ask for. */
const FULL: InputChange = {
  machine: {
    kubelet: {
      clusterDNS: ['10.96.0.11'],
      extraArgs: { v: 2 },
      extraConfig: { maxPods: 50, systemReserved: { memory: '1Gi' } },
      nodeIP: { validSubnets: ['10.5.0.0/24'] },
    },
    nodeLabels: { zone: 'b', 'example.org/rack': 'yes' },
    nodeTaints: { dedicated: 'gpu:NoSchedule', slow: 'PreferNoSchedule' },
  },
  cluster: {
    controlPlane: { localAPIServerPort: 6444 },
    apiServer: {
      extraArgs: { 'audit-log-maxage': '7', 'enable-admission-plugins': 'AlwaysPullImages,NodeRestriction' },
    },
    controllerManager: { extraArgs: { profiling: 'true' } },
    scheduler: { extraArgs: { v: '3' } },
    etcd: { extraArgs: { 'snapshot-count': 5000 } },
    proxy: { disabled: true },
    coreDNS: { disabled: true },
  },
};

/** Flags as a map, whichever form they have. */
const flags = (value: object): Record<string, string> =>
  Array.isArray(value)
    ? Object.fromEntries(value.map(({ name, value }) => [name, value]))
    : (value as Record<string, string>);

const init = (change: InputChange = {}) => documentsOf(renderInit(inputWith(change)));
const join = (change: InputChange = {}) => documentsOf(renderJoin(inputWith(change))).JoinConfiguration;

t.test('every field of every document is documented for its version', async (t) => {
  for (const release of ALL) {
    const types = DOCUMENTED_FIELDS[release.kubeadmApi] ?? {};
    for (const change of [
      {},
      FULL,
      {
        cluster: { network: { podSubnets: ['fd00:1::/56'], serviceSubnets: ['fd00:2::/112'] } },
        facts: { addresses: ['fd00:5::2/64'] },
      },
    ]) {
      const input = { ...inputWith({ ...change, release }), certificateKey: 'ab'.repeat(32) };
      const worker = inputWith({ ...change, release, type: 'worker' });
      const texts = [renderInit(input), renderJoin(input), renderJoin(worker)];
      const documents = texts.flatMap((text) => Object.values(documentsOf(text)));
      t.ok(documents.length >= 5);
      for (const document of documents) {
        t.strictSame(undocumentedParts(types, document), [], `${release.version}: ${document.kind}`);
        if (/kubeadm/.test(document.apiVersion)) t.equal(document.apiVersion, release.kubeadmApi);
      }
    }
  }
});

t.test('a field that a version does not have is found', async (t) => {
  const newest = Object.values(init({ release: NEWEST }));
  const types = DOCUMENTED_FIELDS['kubeadm.k8s.io/v1beta2'] ?? {};
  const found = newest.flatMap((document) => undocumentedParts(types, document));
  for (const wanted of [
    'ClusterConfiguration.proxy is not documented',
    'ClusterConfiguration.dns.disabled is not documented',
    'ClusterConfiguration.etcd.local.extraArgs is no map',
    'InitConfiguration.timeouts is not documented',
    'KubeletConfiguration.seccompDefault is not documented',
  ])
    t.ok(found.includes(wanted), wanted);
  t.strictSame(undocumentedParts(types, { kind: 'Nonsense' }), ['Nonsense']);
});

t.test('a machine config is what the rendering takes', async (t) => {
  const config: KubernetesConfig = configWith();
  t.equal(config.machine.type, 'controlplane');
});

t.test('the first control plane', async (t) => {
  const { InitConfiguration, ClusterConfiguration, KubeletConfiguration, KubeProxyConfiguration } = init();
  t.strictSame(InitConfiguration, {
    apiVersion: 'kubeadm.k8s.io/v1beta2',
    kind: 'InitConfiguration',
    bootstrapTokens: [
      {
        token: secrets.bootstrapToken,
        ttl: '0s',
        description: 'cluster.token of the machine configs',
        usages: ['signing', 'authentication'],
        groups: ['system:bootstrappers:kubeadm:default-node-token'],
      },
    ],
    nodeRegistration: {
      name: 'node-1',
      criSocket: 'unix:///run/containerd/containerd.sock',
      taints: [{ key: 'node-role.kubernetes.io/master', effect: 'NoSchedule' }],
      kubeletExtraArgs: {
        'container-runtime': 'remote',
        'container-runtime-endpoint': 'unix:///run/containerd/containerd.sock',
        'node-ip': '10.5.0.2',
        'register-with-taints': 'node-role.kubernetes.io/master=:NoSchedule',
        'runtime-cgroups': '/podruntime/runtime',
      },
    },
    localAPIEndpoint: { advertiseAddress: '10.5.0.2', bindPort: 6443 },
  });
  const { apiServer, controllerManager, scheduler, etcd, ...cluster } = ClusterConfiguration;
  t.strictSame(cluster, {
    apiVersion: 'kubeadm.k8s.io/v1beta2',
    kind: 'ClusterConfiguration',
    kubernetesVersion: 'v1.20.2',
    clusterName: 'local',
    controlPlaneEndpoint: '10.5.0.2:6443',
    imageRepository: 'k8s.gcr.io',
    certificatesDir: '/etc/kubernetes/pki',
    networking: { dnsDomain: 'cluster.local', podSubnet: '10.244.0.0/16', serviceSubnet: '10.96.0.0/12' },
    featureGates: { PublicKeysECDSA: true },
    dns: { type: 'CoreDNS' },
  });
  const { extraArgs, ...server } = apiServer;
  t.strictSame(server, {
    certSANs: ['127.0.0.1', 'localhost', '10.9.9.9', 'api.example'],
    extraVolumes: [
      {
        name: 'talos-apiserver',
        hostPath: '/etc/kubernetes/apiserver',
        mountPath: '/etc/kubernetes/apiserver',
        readOnly: true,
        pathType: 'Directory',
      },
      {
        name: 'audit-log',
        hostPath: '/var/log/audit/kube',
        mountPath: '/var/log/audit/kube',
        readOnly: false,
        pathType: 'DirectoryOrCreate',
      },
    ],
    timeoutForControlPlane: '10m0s',
  });
  const suites = /^TLS_ECDHE_(ECDSA|RSA)_WITH_AES_(128|256)_GCM_SHA(256|384)(,|$)/;
  t.match(extraArgs, {
    'anonymous-auth': 'true',
    'audit-log-path': '/var/log/audit/kube/kube-apiserver.log',
    'audit-policy-file': '/etc/kubernetes/apiserver/audit-policy.yaml',
    'enable-admission-plugins': 'NodeRestriction',
    'encryption-provider-config': '/etc/kubernetes/apiserver/encryption.yaml',
    profiling: 'false',
    'tls-cipher-suites': suites,
    'tls-min-version': 'VersionTLS12',
  });
  t.notOk('admission-control-config-file' in extraArgs, '1.20 has no plugin that we configure');
  t.match(controllerManager.extraArgs, {
    'bind-address': '127.0.0.1',
    profiling: 'false',
    'flex-volume-plugin-dir': '/var/lib/kubelet/volume-plugins',
  });
  t.match(scheduler.extraArgs, { 'bind-address': '127.0.0.1', profiling: 'false' });
  t.match(etcd, { local: { dataDir: '/var/lib/etcd', imageTag: '3.4.13-0', extraArgs: { 'cipher-suites': suites } } });
  t.match(KubeletConfiguration, { clusterDNS: ['10.96.0.10'], clusterDomain: 'cluster.local' });
  t.strictSame(KubeProxyConfiguration, {
    apiVersion: 'kubeproxy.config.k8s.io/v1alpha1',
    kind: 'KubeProxyConfiguration',
    clusterCIDR: '10.244.0.0/16',
    metricsBindAddress: '127.0.0.1:10249',
    mode: 'iptables',
  });
});

t.test('nothing secret is in what kubeadm stores in the cluster', async (t) => {
  for (const release of ALL) {
    const { ClusterConfiguration, KubeletConfiguration, KubeProxyConfiguration } = init({ release });
    const text = JSON.stringify([ClusterConfiguration, KubeletConfiguration, KubeProxyConfiguration]);
    for (const secret of [
      secrets.bootstrapToken,
      secrets.machineToken,
      secrets.secretboxEncryptionSecret,
      'PRIVATE KEY',
    ])
      t.notOk(text.includes(secret));
  }
});

t.test('what the config asks for, in all versions', async (t) => {
  for (const release of ALL) {
    const { InitConfiguration, ClusterConfiguration, KubeProxyConfiguration } = init({ ...FULL, release });
    const { nodeRegistration } = InitConfiguration;
    const own = nodeRegistration.taints.map(({ key }: { key: string }) => key);
    t.strictSame(own, [
      release === OLD ? 'node-role.kubernetes.io/master' : 'node-role.kubernetes.io/control-plane',
      'dedicated',
      'slow',
    ]);
    t.strictSame(nodeRegistration.taints.slice(1), [
      { key: 'dedicated', value: 'gpu', effect: 'NoSchedule' },
      { key: 'slow', effect: 'PreferNoSchedule' },
    ]);
    t.match(flags(nodeRegistration.kubeletExtraArgs), {
      v: '2',
      'node-labels': 'example.org/rack=yes,zone=b',
      'register-with-taints': /dedicated=gpu:NoSchedule,slow=:PreferNoSchedule$/,
    });
    t.equal('container-runtime' in flags(nodeRegistration.kubeletExtraArgs), release === OLD);
    t.equal(InitConfiguration.localAPIEndpoint.bindPort, 6444);
    const server = flags(ClusterConfiguration.apiServer.extraArgs);
    t.match(server, { 'audit-log-maxage': '7', 'enable-admission-plugins': 'NodeRestriction,AlwaysPullImages' });
    t.equal('admission-control-config-file' in server, release !== OLD);
    const manager = flags(ClusterConfiguration.controllerManager.extraArgs);
    t.equal(manager.profiling, 'true', 'a flag of the config wins');
    t.equal('flex-volume-plugin-dir' in manager, release !== NEWEST, 'kubeadm 1.36 mounts no folder for it');
    t.equal(flags(ClusterConfiguration.scheduler.extraArgs).v, '3');
    t.equal(flags(ClusterConfiguration.etcd.local.extraArgs)['snapshot-count'], '5000');
    t.equal(KubeProxyConfiguration, undefined);
    const { featureGates, encryptionAlgorithm } = ClusterConfiguration;
    if (release.kubeadmApi.endsWith('v1beta4')) {
      t.match(ClusterConfiguration, { dns: { disabled: true }, proxy: { disabled: true } });
      t.strictSame([featureGates, encryptionAlgorithm], [undefined, 'ECDSA-P256'], 'its gate was removed');
    } else t.strictSame([featureGates, encryptionAlgorithm], [{ PublicKeysECDSA: true }, undefined]);
  }
  const { InitConfiguration } = init({ cluster: { allowSchedulingOnControlPlanes: true } });
  t.strictSame(InitConfiguration.nodeRegistration.taints, [], 'not absent: kubeadm would have its own');
  t.notOk('register-with-taints' in InitConfiguration.nodeRegistration.kubeletExtraArgs);
});

t.test('further control planes and workers', async (t) => {
  const token = secrets.bootstrapToken;
  const bootstrapToken = {
    token,
    apiServerEndpoint: '10.5.0.2:6443',
    caCertHashes: [caCertHash(secrets.certs.k8s.crt)],
  };
  for (const release of ALL) {
    const isNewest = release.kubeadmApi.endsWith('v1beta4');
    const worker = join({ release, type: 'worker', facts: { hostname: 'Node-2', addresses: ['10.5.0.3/24'] } });
    t.strictSame(worker.discovery, { bootstrapToken, tlsBootstrapToken: token, ...(!isNewest && { timeout: '2m0s' }) });
    t.notOk('controlPlane' in worker);
    t.match(worker, { caCertPath: '/etc/kubernetes/pki/ca.crt', nodeRegistration: { name: 'node-2', taints: [] } });
    t.equal(flags(worker.nodeRegistration.kubeletExtraArgs)['node-ip'], '10.5.0.3');
    t.equal(worker.timeouts?.discovery, isNewest ? '2m0s' : undefined);
    const further = join({ release });
    t.strictSame(further.controlPlane, { localAPIEndpoint: { advertiseAddress: '10.5.0.2', bindPort: 6443 } });
  }
  const certificateKey = 'cd'.repeat(32);
  t.match(documentsOf(renderJoin({ ...inputWith(), certificateKey })).JoinConfiguration, {
    controlPlane: { certificateKey },
  });
  t.match(documentsOf(renderInit({ ...inputWith(), certificateKey })).InitConfiguration, { certificateKey });
});

t.test('endpoints', async (t) => {
  for (const [endpoint, expected] of [
    ['https://api.example:443', 'api.example:443'],
    ['https://api.example', 'api.example:443'],
    ['https://[fd00::1]:6443', '[fd00::1]:6443'],
  ]) {
    const change = { cluster: { controlPlane: { endpoint } } };
    t.equal(init(change).ClusterConfiguration.controlPlaneEndpoint, expected);
    t.equal(join(change).discovery.bootstrapToken.apiServerEndpoint, expected);
  }
});

t.test('the same input is the same text, of which each line is a text of its own', async (t) => {
  t.equal(renderInit(inputWith(FULL)), renderInit(inputWith(FULL)));
  const hostile = {
    machine: { kubelet: { extraConfig: { note: 'a\n---\nkind: ClusterConfiguration\n', on: 'yes', n: 'no' } } },
  };
  const documents = renderInit(inputWith(hostile)).split(/^---$/m);
  t.equal(documents.length, 4);
  t.match(init(hostile).KubeletConfiguration, { note: hostile.machine.kubelet.extraConfig.note, on: 'yes', n: 'no' });
});

t.test('what cannot be rendered', async (t) => {
  const cases: [InputChange, RegExp][] = [
    [
      { facts: { addresses: ['127.0.0.1/8', 'fe80::1/64', '10.244.0.1/24', '10.96.0.1/32'] } },
      /no address that is fit/,
    ],
    [{ cluster: { token: null } }, /cluster\.token is missing/],
    [{ cluster: { ca: null } }, /cluster\.ca\.crt is missing/],
  ];
  for (const [change, message] of cases) t.throws(() => join(change), { code: 'ERR_KUBERNETES', message });
  t.throws(() => init({ facts: { addresses: [] } }), { code: 'ERR_KUBERNETES', message: /no address that is fit/ });
  t.strictSame(init({ cluster: { token: null } }).InitConfiguration.bootstrapTokens, []);
});
