/** What a machine config may say about Kubernetes, and what is refused with a sentence. */
import t from 'tap';
import { parse, stringify } from 'yaml';
import { OWN_FLAGS } from '../../../lib/config/flags.js';
import {
  ConfigError,
  formatProblem,
  generateConfig,
  type MachineConfig,
  parseMachineConfig,
} from '../../../lib/config/index.js';
import { OWN_KUBELET_FIELDS } from '../../../lib/config/kubelet-schema.js';
import { generateSecrets, issueClientCertificate } from '../../../lib/pki/index.js';

const secrets = await generateSecrets();
const admin = await issueClientCertificate({ ca: secrets.certs.os, roles: ['os:admin'] });
const { controlplane } = generateConfig({ clusterName: 'local', endpoint: 'https://10.5.0.2:6443', secrets, admin });

type Fields = Record<string, unknown>;

/** The config with these fields in addition. */
function textWith(change: { machine?: Fields; cluster?: Fields }): string {
  const config = parse(controlplane) as { machine: Fields; cluster: Fields };
  const merge = (into: Fields, from: Fields = {}) => {
    for (const [name, value] of Object.entries(from)) {
      const old = into[name];
      const isMap = (it: unknown) => typeof it === 'object' && it !== null && !Array.isArray(it);
      if (isMap(old) && isMap(value)) merge(old as Fields, value as Fields);
      else into[name] = value;
    }
  };
  merge(config.machine, change.machine);
  merge(config.cluster, change.cluster);
  return stringify(config);
}

const accepted = (change: Parameters<typeof textWith>[0]): MachineConfig => {
  const { config, warnings } = parseMachineConfig(textWith(change));
  t.strictSame(warnings, []);
  return config;
};

function problemsOf(change: Parameters<typeof textWith>[0]): string[] {
  try {
    parseMachineConfig(textWith(change));
    return [];
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.problems.map((problem) => formatProblem({ ...problem, line: 0 }));
  }
}

t.test('what is acted on is accepted without a warning', async (t) => {
  const { machine, cluster } = accepted({
    machine: {
      kubelet: {
        clusterDNS: ['10.96.0.10'],
        defaultRuntimeSeccompProfileEnabled: true,
        extraArgs: { v: 4, 'fail-swap-on': false },
        extraConfig: { maxPods: 50 },
        nodeIP: { validSubnets: ['10.5.0.0/24', '!10.5.0.9/32'] },
      },
      nodeLabels: { 'example.org/rack': 'r1', 'node.kubernetes.io/x': '', 'topology.kubernetes.io/zone': 'a' },
      nodeTaints: { dedicated: 'gpu:NoSchedule', 'example.org/slow': 'PreferNoSchedule', empty: ':NoExecute' },
    },
    cluster: {
      network: {
        cni: { name: 'none' },
        podSubnets: ['10.1.0.0/16', 'fd00:1::/56'],
        serviceSubnets: ['10.2.0.0/16', 'fd00:2::/108'],
      },
      aescbcEncryptionSecret: secrets.secretboxEncryptionSecret,
      allowSchedulingOnControlPlanes: true,
      apiServer: {
        extraArgs: { 'audit-log-maxage': '7' },
        auditPolicy: { apiVersion: 'audit.k8s.io/v1', kind: 'Policy', rules: [{ level: 'Metadata' }] },
        admissionControl: [{ name: 'PodSecurity', configuration: { kind: 'PodSecurityConfiguration' } }],
      },
      controllerManager: { extraArgs: { 'terminated-pod-gc-threshold': 10 } },
      scheduler: { extraArgs: { v: '2' } },
      proxy: { disabled: true, mode: 'nftables' },
      coreDNS: { disabled: true },
      etcd: { extraArgs: { 'snapshot-count': '5000' }, advertisedSubnets: ['10.5.0.0/24'], subnet: '10.5.0.0/24' },
    },
  });
  t.strictSame(machine.kubelet?.extraArgs, { v: '4', 'fail-swap-on': 'false' }, 'numbers and truth values are texts');
  t.equal(cluster.network?.cni?.name, 'none');
  t.strictSame(cluster.controllerManager, { extraArgs: { 'terminated-pod-gc-threshold': '10' } });
});

t.test('what a config of talosctl has besides is a warning', async (t) => {
  const text = textWith({
    machine: { kubelet: { image: 'example.org/kubelet:v1', extraMounts: [], disableManifestsDirectory: true } },
    cluster: {
      apiServer: { image: 'a', disablePodSecurityPolicy: true },
      controllerManager: { image: 'a' },
      scheduler: { image: 'a' },
      proxy: { image: 'a' },
      etcd: { image: 'a', listenSubnets: [] },
    },
  });
  t.strictSame(
    parseMachineConfig(text)
      .warnings.map(({ path }) => path)
      .sort(),
    [
      'cluster.apiServer.disablePodSecurityPolicy',
      'cluster.apiServer.image',
      'cluster.controllerManager.image',
      'cluster.etcd.image',
      'cluster.etcd.listenSubnets',
      'cluster.proxy.image',
      'cluster.scheduler.image',
      'machine.kubelet.disableManifestsDirectory',
      'machine.kubelet.extraMounts',
      'machine.kubelet.image',
    ],
  );
});

t.test('what makes no sense is refused', async (t) => {
  const own = 'is set by the node itself and cannot be changed here';
  const cases: [Parameters<typeof textWith>[0], string][] = [
    [
      { machine: { kubelet: { extraArgs: { '--v': '4' } } } },
      'machine.kubelet.extraArgs.--v: is not the name of a flag, which has no dashes before it',
    ],
    [{ machine: { kubelet: { extraArgs: { v: ['4'] } } } }, 'machine.kubelet.extraArgs.v: must be a text'],
    [
      { machine: { kubelet: { extraArgs: { x: 'a b' } } } },
      'machine.kubelet.extraArgs.x: must be of letters, digits and marks, without blanks',
    ],
    [
      { machine: { kubelet: { extraArgs: { v: 'x'.repeat(5000) } } } },
      'machine.kubelet.extraArgs.v: must be at most 4096 characters long',
    ],
    [
      {
        machine: {
          kubelet: { extraArgs: Object.fromEntries(Array.from({ length: 65 }, (_, at) => [`flag-${at}`, 'x'])) },
        },
      },
      'machine.kubelet.extraArgs: has more than 64 flags',
    ],
    [
      { machine: { kubelet: { nodeIP: { validSubnets: ['10.5.0.2'] } } } },
      'machine.kubelet.nodeIP.validSubnets[0]: is not a network such as 10.5.0.0/24 or !10.6.0.0/24',
    ],
    [{ machine: { kubelet: { clusterDNS: ['dns'] } } }, 'machine.kubelet.clusterDNS[0]: is not an IP address'],
    [
      { machine: { kubelet: { extraConfig: { a: 'x'.repeat(17_000) } } } },
      'machine.kubelet.extraConfig: is larger than 16 KiB',
    ],
    [{ machine: { kubelet: { colour: 'blue' } } }, 'machine.kubelet.colour: unknown field'],
    [
      { machine: { nodeLabels: { 'node-role.kubernetes.io/worker': '' } } },
      'machine.nodeLabels.node-role.kubernetes.io/worker: is a label that a node must not give itself',
    ],
    [
      { machine: { nodeLabels: { 'x.k8s.io/y': '' } } },
      'machine.nodeLabels.x.k8s.io/y: is a label that a node must not give itself',
    ],
    [{ machine: { nodeLabels: { 'a b': '' } } }, 'machine.nodeLabels.a b: is not a name such as example.org/rack'],
    [{ machine: { nodeLabels: { rack: 'a b' } } }, 'machine.nodeLabels.rack: is not the value of a label'],
    [
      { machine: { nodeTaints: { dedicated: 'gpu' } } },
      'machine.nodeTaints.dedicated: is not an effect such as NoSchedule, or value:NoSchedule',
    ],
    [
      { cluster: { network: { cni: { name: 'flannel' } } } },
      'cluster.network.cni.name: must be "bridge", which is the default, "custom" with the urls of its manifests, or "none" for a cluster that brings its own in another way; others are not supported yet',
    ],
    [{ cluster: { network: { cni: {} } } }, 'cluster.network.cni.name: is missing'],
    [
      { cluster: { apiServer: { auditPolicy: { kind: 'Policy' } } } },
      'cluster.apiServer.auditPolicy: is not a Policy of audit.k8s.io/v1',
    ],
    [
      { cluster: { apiServer: { admissionControl: [{ name: 'pod security', configuration: {} }] } } },
      'cluster.apiServer.admissionControl[0].name: is not the name of an admission plugin',
    ],
    [
      {
        cluster: {
          apiServer: {
            admissionControl: [
              { name: 'PodSecurity', configuration: {} },
              { name: 'PodSecurity', configuration: {} },
            ],
          },
        },
      },
      'cluster.apiServer.admissionControl: names a plugin twice',
    ],
    [{ cluster: { aescbcEncryptionSecret: 'c2hvcnQ=' } }, 'cluster.aescbcEncryptionSecret: is not base64 of 32 bytes'],
    [{ cluster: { proxy: { mode: 'ipvs' } } }, 'cluster.proxy.mode: must be "iptables" or "nftables"'],
    [{ cluster: { etcd: { subnet: '10.0.0.1' } } }, 'cluster.etcd.subnet: is not a network such as 10.244.0.0/16'],
    [{ cluster: { token: 'abc' } }, 'cluster.token: is not a token of the form xxxxxx.xxxxxxxxxxxxxxxx'],
    [{ cluster: { network: { dnsDomain: 'a b' } } }, 'cluster.network.dnsDomain: is not a host name'],
  ];
  for (const [change, message] of cases) t.strictSame(problemsOf(change), [message], message);
  for (const [component, names] of Object.entries(OWN_FLAGS)) {
    const extraArgs = Object.fromEntries(names.map((name) => [name, 'x']));
    const place = component === 'kubelet' ? 'machine.kubelet' : `cluster.${component}`;
    const change =
      component === 'kubelet' ? { machine: { kubelet: { extraArgs } } } : { cluster: { [component]: { extraArgs } } };
    t.strictSame(
      problemsOf(change),
      names.map((name) => `${place}.extraArgs.${name}: ${own}`),
    );
  }
  const extraConfig = Object.fromEntries(OWN_KUBELET_FIELDS.map((name) => [name, 'x']));
  t.strictSame(
    problemsOf({ machine: { kubelet: { extraConfig } } }),
    OWN_KUBELET_FIELDS.map((name) => `machine.kubelet.extraConfig.${name}: ${own}`),
  );
});

t.test('networks of pods and services', async (t) => {
  const network = (podSubnets: string[], serviceSubnets: string[]) => ({
    cluster: { network: { podSubnets, serviceSubnets } },
  });
  for (const [pods, services] of [
    [['10.244.0.0/16'], ['10.96.0.0/12']],
    [['fd00:1::/48'], ['fd00:2::/112']],
    [['10.0.0.0/24'], ['10.1.0.0/28']],
    [
      ['fd00:1::/64', '10.0.0.0/8'],
      ['11.0.0.0/16', 'fd00:2::/108'],
    ],
  ] as const) {
    t.strictSame(problemsOf(network([...pods], [...services])), [], `${pods} and ${services}`);
  }
  const pods = 'cluster.network.podSubnets';
  const services = 'cluster.network.serviceSubnets';
  const cases: [string[], string[], string][] = [
    [['10.96.0.0/16'], ['10.96.0.0/12'], `${services}[0]: overlaps with ${pods}`],
    [['10.0.0.0/8'], ['10.96.7.0/24'], `${services}[0]: overlaps with ${pods}`],
    [['10.1.0.0/16', 'fd00::/48'], ['10.2.0.0/16', 'fd00::/108'], `${services}[1]: overlaps with ${pods}`],
    [['10.1.0.0/16', '10.2.0.0/16'], ['10.3.0.0/16'], `${pods}: must be one network, or one of IPv4 and one of IPv6`],
    [[], ['10.3.0.0/16'], `${pods}: must be one network, or one of IPv4 and one of IPv6`],
    [
      ['10.1.0.0/16'],
      ['10.3.0.0/16', '10.4.0.0/16'],
      `${services}: must be one network, or one of IPv4 and one of IPv6`,
    ],
    [['10.1.0.0/16'], ['fd00::/112'], `${services}: must be of the same IP versions as ${pods}`],
    [['10.1.0.0/16', 'fd00::/56'], ['10.2.0.0/16'], `${services}: must be of the same IP versions as ${pods}`],
    [['10.0.0.0/7'], ['12.0.0.0/16'], `${pods}[0]: must have a prefix of /8 to /24: each node gets a /24 of it`],
    [['10.0.0.0/25'], ['12.0.0.0/16'], `${pods}[0]: must have a prefix of /8 to /24: each node gets a /24 of it`],
    [['fd00::/40'], ['fd01::/112'], `${pods}[0]: must have a prefix of /48 to /64: each node gets a /64 of it`],
    [['10.0.0.0/16'], ['12.0.0.0/8'], `${services}[0]: must have a prefix of /12 to /28`],
    [['10.0.0.0/16'], ['12.0.0.0/29'], `${services}[0]: must have a prefix of /12 to /28`],
    [['fd00::/56'], ['fd01::/64'], `${services}[0]: must have a prefix of /108 to /124`],
  ];
  for (const [podSubnets, serviceSubnets, message] of cases)
    t.strictSame(problemsOf(network(podSubnets, serviceSubnets)), [message]);
  t.strictSame(
    problemsOf(network(['fe80::%eth0/64', '10.0.0.0/33'], ['10.2.0.0/16'])),
    [`${pods}[0]: is not a network such as 10.244.0.0/16`, `${pods}[1]: is not a network such as 10.244.0.0/16`],
    'nothing is said about what is no network',
  );
  const onlyPods = { cluster: { network: { podSubnets: ['10.100.0.0/16'], serviceSubnets: null } } };
  t.strictSame(problemsOf(onlyPods), [`${services}[0]: overlaps with ${pods}`], 'the default of the other counts');
});
