/** Why a node does not become a member: one sentence each. */
import t from 'tap';
import { stringify } from 'yaml';
import { DAY_MS, MIB, YEAR_MS } from '../../../lib/base/units.js';
import { addonsOf } from '../../../lib/kube/addons.js';
import { problemsOf } from '../../../lib/kube/checks.js';
import { findRelease } from '../../../lib/kube/release.js';
import { createCertificateAuthority, encodePrivateKey, generatePrivateKey } from '../../../lib/pki/index.js';
import { type InputChange, inputWith, RELEASE_28, RELEASES, secrets } from '../../helpers/kubernetes-input.js';

const problems = (change: InputChange = {}) => {
  const { config, release, facts } = inputWith(change);
  return problemsOf(config, release, facts);
};
const base64 = (pem: string) => Buffer.from(pem).toString('base64');

t.test('what is generated fits every release', async (t) => {
  for (const release of [...RELEASES, RELEASE_28]) {
    t.strictSame(problems({ release }), []);
    t.strictSame(problems({ release, type: 'worker', facts: { hostname: 'worker-1', memoryBytes: 512 * MIB } }), []);
  }
});

t.test('networks, addresses, names and memory', async (t) => {
  const v6 = { podSubnets: ['10.244.0.0/16', 'fd00:244::/56'], serviceSubnets: ['10.96.0.0/12', 'fd00:96::/112'] };
  const both = ['10.5.0.2/24', 'fd00:5::2/64'];
  const cases: [InputChange, string[]][] = [
    [
      { facts: { addresses: ['10.244.7.2/24'] } },
      [
        'the node has no address that is fit for its Node: see machine.kubelet.nodeIP.validSubnets',
        "cluster.network.podSubnets: 10.244.0.0/16 overlaps with the node's own network 10.244.7.0/24: choose another one",
      ],
    ],
    [
      { facts: { addresses: ['10.5.0.2/8'] } },
      [
        "cluster.network.podSubnets: 10.244.0.0/16 overlaps with the node's own network 10.0.0.0/8: choose another one",
        "cluster.network.serviceSubnets: 10.96.0.0/12 overlaps with the node's own network 10.0.0.0/8: choose another one",
      ],
    ],
    [
      { cluster: { network: v6 }, facts: { addresses: both } },
      ['a second network in cluster.network.podSubnets needs Kubernetes 1.21, and this is v1.20.2'],
    ],
    [{ cluster: { network: v6 }, facts: { addresses: both }, release: RELEASE_28 }, []],
    [
      { cluster: { network: v6 }, release: RELEASE_28 },
      [
        'the node has no address of the IP version of fd00:244::/56 in cluster.network.podSubnets: give it one, or leave that network out',
      ],
    ],
    [
      { cluster: { proxy: { mode: 'nftables' } }, release: RELEASE_28 },
      ['cluster.proxy.mode: nftables needs Kubernetes 1.31, and this is v1.28.0'],
    ],
    [{ cluster: { proxy: { mode: 'nftables' } }, release: findRelease(RELEASES, 'v1.36.0') }, []],
    [
      { facts: { hostname: 'a_b' } },
      ['the host name "a_b" cannot be that of a Node: set machine.network.hostname to letters, digits and -'],
    ],
    [{ facts: { hostname: 'Node-1.Example' } }, []],
    [
      { facts: { memoryBytes: 1024 * MIB } },
      ['the machine has 1024 MiB of memory, and a control plane needs 1700 MiB: give it more'],
    ],
    [{ facts: { memoryBytes: 1988 * MIB } }, []],
    [
      { cluster: { etcd: { advertisedSubnets: ['10.6.0.0/24'] } } },
      [
        "etcd has the node's address 10.5.0.2, which cluster.etcd.advertisedSubnets leaves out: choose another by machine.kubelet.nodeIP.validSubnets",
      ],
    ],
    [{ cluster: { etcd: { subnet: '10.5.0.0/24' } } }, []],
  ];
  for (const [change, expected] of cases) t.strictSame(problems(change), expected);
});

t.test('endpoints that cannot be those of a cluster', async (t) => {
  const at = (endpoint: string) => problems({ cluster: { controlPlane: { endpoint } } });
  const field = 'cluster.controlPlane.endpoint';
  const itself = `${field} is an address of each node itself: name one of a control plane, or of what stands before them`;
  const inside = `${field} is in the network of pods or services: name an address that nodes have`;
  for (const endpoint of ['https://localhost:6443', 'https://127.0.0.1:7445', 'https://[::1]:6443'])
    t.strictSame(at(endpoint), [itself]);
  for (const endpoint of ['https://10.96.0.1:443', 'https://10.244.0.1:6443']) t.strictSame(at(endpoint), [inside]);
  t.strictSame(at('https://api.example/k8s'), [`${field} must end after the port: there is no API below a path`]);
  t.strictSame(at('https://a_b:6443'), [`${field} has neither a host name nor an address before its port`]);
  t.strictSame(at('https://api.example:0'), [`${field} must have a port other than 0`]);
  t.strictSame(at('https://api.example'), []);
  const certSANs = ['fe80::1%eth0'];
  t.strictSame(problems({ cluster: { apiServer: { certSANs } } }), [
    'cluster.apiServer.certSANs: fe80::1%eth0 means something on one machine only: leave it out',
  ]);
});

t.test('authorities', async (t) => {
  const needed = 'is missing: a control plane has all that its cluster signs by (osctl gen config writes it)';
  const missing: [InputChange, string][] = [
    [{ cluster: { token: null } }, 'cluster.token is missing: nodes join by it'],
    [{ cluster: { ca: null } }, 'cluster.ca is missing: a node knows its cluster by it (osctl gen config writes it)'],
    [{ cluster: { ca: { key: '' } } }, `cluster.ca.key ${needed}`],
    [{ cluster: { aggregatorCA: null } }, `cluster.aggregatorCA ${needed}`],
    [{ cluster: { etcd: { ca: null } } }, `cluster.etcd.ca ${needed}`],
    [{ cluster: { serviceAccount: null } }, `cluster.serviceAccount.key ${needed}`],
  ];
  for (const [change, message] of missing) t.strictSame(problems(change), [message]);
  t.strictSame(problems({ type: 'worker', cluster: { token: null, ca: null } }), [missing[0]?.[1], missing[1]?.[1]]);

  const { etcd } = secrets.certs;
  const other = { cluster: { ca: { key: base64(etcd.key) } } };
  t.strictSame(problems(other), ['cluster.ca.key is not the key of cluster.ca.crt']);
  const ed25519 = await createCertificateAuthority({ organization: 'kubernetes' });
  const pair = ({ crt, key }: { crt: string; key: string }) => ({ crt: base64(crt), key: base64(key) });
  t.strictSame(problems({ cluster: { ca: pair(ed25519) } }), [
    'cluster.ca.key must be an RSA or ECDSA key: kubeadm reads no other',
  ]);
  const account = encodePrivateKey(await generatePrivateKey('ed25519'));
  t.strictSame(problems({ cluster: { serviceAccount: { key: base64(account) } } }), [
    'cluster.serviceAccount.key must be an RSA or ECDSA key: kubeadm reads no other',
  ]);
  const broken = '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n';
  t.strictSame(problems({ cluster: { ca: { crt: base64(broken) } } }), [
    'cluster.ca.crt is no certificate that can be read',
  ]);

  const [late, early] = [Date.now() + 20 * YEAR_MS, Date.now() - 10 * DAY_MS];
  const expired = problems({ facts: { nowMs: late } });
  t.equal(expired.length, 3, stringify(expired));
  for (const text of expired) t.match(text, /^cluster\.[\w.]+\.crt has expired on /);
  for (const text of problems({ type: 'worker', facts: { nowMs: early } }))
    t.match(text, /^cluster\.ca\.crt is not valid before .*: the clock of the node is wrong, or the certificate is$/);
  t.equal(problems({ type: 'worker', facts: { nowMs: early } }).length, 1);
});

t.test('what a cluster has besides', async (t) => {
  const [old, , newest] = RELEASES;
  if (!old || !newest) throw new Error('no rows');
  t.strictSame(
    addonsOf(inputWith().config, old),
    { isProxyWanted: true, isDnsWanted: false },
    'there is no image of CoreDNS',
  );
  t.strictSame(addonsOf(inputWith().config, newest), { isProxyWanted: true, isDnsWanted: true });
  const { config } = inputWith({ cluster: { proxy: { disabled: true }, coreDNS: { disabled: true } } });
  t.strictSame(addonsOf(config, newest), { isProxyWanted: false, isDnsWanted: false });
});
