/**
 * Whatever config is accepted: its problems are sentences, and one without problems is rendered, in every version, as documents that Go's parser takes for
 * the same and kubeadm knows the fields of. Seeded: a failure names its seed, and TAP_FUZZ_SEED repeats it.
 */
import t from 'tap';
import { ConfigError } from '../../../lib/config/index.js';
import { problemsOf } from '../../../lib/kube/checks.js';
import { cniFile } from '../../../lib/kube/cni.js';
import { controlPlaneFiles } from '../../../lib/kube/control-plane-files.js';
import { renderInit } from '../../../lib/kube/kubeadm/init.js';
import { renderJoin } from '../../../lib/kube/kubeadm/join.js';
import { kubeletFlags } from '../../../lib/kube/kubelet-flags.js';
import { DOCUMENTED_FIELDS, undocumentedParts } from '../../helpers/kubernetes-fields.js';
import { type Change, documentsOf, inputWith, RELEASE_28, RELEASES } from '../../helpers/kubernetes-input.js';
import { seededRandom } from '../../helpers/seeded-random.js';

const SEED = Number(process.env.TAP_FUZZ_SEED ?? 20_261_130);
const ROUNDS = 300;

const pem = (label: string) =>
  Buffer.from(`-----BEGIN ${label}-----\nAAAA\n-----END ${label}-----\n`).toString('base64');
const TEXTS = [
  '',
  'x',
  'yes',
  'no',
  'on',
  '~',
  '1:20',
  '0x1',
  '012',
  '1e3',
  '---',
  'a\n---\nb',
  '- a',
  '{}',
  '#',
  '%',
  '"',
  "'",
  '\\',
  'ß',
  '\u2028',
  '__proto__',
];
const NETWORKS = [
  '10.244.0.0/16',
  '10.0.0.0/8',
  '10.5.0.0/24',
  '10.96.0.0/12',
  '0.0.0.0/0',
  '192.0.2.7/24',
  'fd00::/56',
  'fd00:1::/112',
  '::/0',
  '2001:DB8::/48',
  'x',
  '',
];
const HOSTS = [
  'api.example',
  'API.Example',
  'a_b',
  '10.5.0.2',
  '127.0.0.1',
  '[::1]',
  '[fd00::2]',
  'localhost',
  '10.96.0.1',
  'x..y',
  'xn--a',
];
const ADDRESSES = [
  '127.0.0.1/8',
  '10.5.0.2/24',
  '10.0.2.15/24',
  '10.244.0.1/24',
  'fe80::1/64',
  'FD00:5::2/64',
  '169.254.0.1/16',
  '192.0.2.1/32',
];

/** A change of some fields, good and bad values alike. */
function changed(below: (most: number) => number): Change & { facts: { addresses: string[]; hostname: string } } {
  const pick = <T>(list: readonly T[]): T => list[below(list.length)] as T;
  const some = <T>(list: readonly T[]): T[] => Array.from({ length: below(4) }, () => pick(list));
  const map = (keys: readonly string[]) => Object.fromEntries(some(keys).map((key) => [key, pick(TEXTS)]));
  const sometimes = (fields: Record<string, unknown>) =>
    Object.fromEntries(Object.entries(fields).filter(() => below(6) === 0));
  const extraArgs = () => map(['v', 'profiling', 'feature-gates', 'enable-admission-plugins', 'x']);
  return {
    machine: sometimes({
      kubelet: sometimes({
        clusterDNS: some(['10.96.0.10', '::1', 'x']),
        extraArgs: extraArgs(),
        extraConfig: {
          ...map(['maxPods', 'on', 'y', 'note']),
          systemReserved: pick([{ memory: '1Gi' }, [1], null, 7]),
        },
        nodeIP: { validSubnets: some([...NETWORKS, '!10.5.0.0/24', '!', '!!10.0.0.0/8']) },
      }),
      nodeLabels: map(['a', 'example.org/b', 'kubernetes.io/c', 'node.kubernetes.io/d', 'on']),
      nodeTaints: Object.fromEntries(
        some(['a', 'x.y/b', 'on']).map((key) => [
          key,
          pick(['NoSchedule', 'v:NoExecute', ':PreferNoSchedule', 'v', ':']),
        ]),
      ),
    }),
    cluster: sometimes({
      clusterName: pick(TEXTS),
      controlPlane: { endpoint: `https://${pick(HOSTS)}${pick(['', ':6443', ':0', ':99999', '/', ':6443/x'])}` },
      network: sometimes({
        podSubnets: some(NETWORKS),
        serviceSubnets: some(NETWORKS),
        dnsDomain: pick(['cluster.local', 'X.Y', 'a b']),
        cni: { name: pick(['bridge', 'none', 'x']) },
      }),
      token: pick(['abcdef.0123456789abcdef', null]),
      ca: pick([null, { crt: pem('CERTIFICATE') }, { key: pem('EC PRIVATE KEY') }, { key: '' }]),
      serviceAccount: pick([null, { key: pem('RSA PRIVATE KEY') }]),
      secretboxEncryptionSecret: null,
      allowSchedulingOnControlPlanes: below(2) === 0,
      apiServer: sometimes({
        extraArgs: extraArgs(),
        certSANs: some([...HOSTS, 'fe80::1%eth0', '::1']),
        auditPolicy: { apiVersion: 'audit.k8s.io/v1', kind: 'Policy', rules: [{ level: pick(TEXTS) }] },
        admissionControl: some(['PodSecurity', 'EventRateLimit', 'x y']).map((name) => ({
          name,
          configuration: map(TEXTS),
        })),
      }),
      etcd: sometimes({ extraArgs: extraArgs(), advertisedSubnets: some(NETWORKS) }),
      proxy: sometimes({ disabled: below(2) === 0, mode: pick(['iptables', 'nftables', 'x']) }),
      coreDNS: { disabled: below(2) === 0 },
    }),
    facts: {
      addresses: below(2) === 0 ? ['10.5.0.2/24', 'fd00:5::2/64'] : some(ADDRESSES),
      hostname: pick(['node-1', 'Node-1', 'x.example', 'a_b', '']),
    },
  };
}

t.test('any config', async (t) => {
  const counts = { refused: 0, withProblems: 0, rendered: 0 };
  const releases = [...RELEASES, RELEASE_28];
  for (let round = 0; round < ROUNDS; round++) {
    const below = seededRandom(SEED + round);
    const name = `TAP_FUZZ_SEED=${SEED + round}, first round`;
    const change = changed(below);
    const release = releases[round % releases.length] as (typeof releases)[number];
    const type = below(3) === 0 ? 'worker' : 'controlplane';
    let input: ReturnType<typeof inputWith>;
    try {
      input = inputWith({ ...change, type, release });
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      counts.refused++;
      continue;
    }
    const problems = problemsOf(input.config, release, input.facts);
    for (const text of problems) if (!/^[a-z].{20,}$/.test(text)) t.fail(`${name}: no sentence: ${text}`);
    if (problems.length > 0) {
      counts.withProblems++;
      continue;
    }
    try {
      const texts = [renderJoin(input), ...(type === 'worker' ? [] : [renderInit(input)])];
      for (const document of texts.flatMap((text) => Object.values(documentsOf(text)))) {
        const { extraConfig = {} } = input.config.machine.kubelet ?? {};
        // What the config adds to the kubelet's is its own affair.
        const own = undocumentedParts(DOCUMENTED_FIELDS[release.kubeadmApi] ?? {}, document).filter(
          (part) => !Object.keys(extraConfig).some((field) => part.startsWith(`KubeletConfiguration.${field}`)),
        );
        if (own.length > 0) t.fail(`${name}: ${own}`);
      }
      for (const value of Object.values(kubeletFlags(input))) if (!/^[!-~]*$/.test(value)) t.fail(`${name}: ${value}`);
      for (const { text } of controlPlaneFiles(input)) if (text === '') t.fail(`${name}: an empty file`);
      cniFile(input.config, ['10.244.1.0/24']);
      counts.rendered++;
    } catch (error) {
      t.fail(`${name}: ${error instanceof Error ? error.stack : error}`);
    }
  }
  t.comment(JSON.stringify(counts));
  for (const count of Object.values(counts)) t.ok(count >= 20, JSON.stringify(counts));
});
