/** The files that kubeadm and the API server find: which ones, where, for whom, with what in them. */
import { createHash, createPrivateKey, createPublicKey, X509Certificate } from 'node:crypto';
import t from 'tap';
import { parse } from 'yaml';
import { caCertHash } from '../../../lib/kube/ca-hash.js';
import { controlPlaneFiles } from '../../../lib/kube/control-plane-files.js';
import { findRelease } from '../../../lib/kube/release.js';
import { type InputChange, inputWith, RELEASE_28, RELEASES, secrets } from '../../helpers/kubernetes-input.js';

const filesOf = (change: InputChange = {}) => controlPlaneFiles(inputWith(change));
const release = findRelease(RELEASES, 'v1.36.0');

/** One of the files that are YAML, below the API server's folder. */
function yamlFile(name: string, change: InputChange = {}) {
  const file = filesOf(change).find(({ path }) => path === `/etc/kubernetes/apiserver/${name}.yaml`);
  return file && parse(file.text, { version: '1.1' });
}

t.test('files of a control plane', async (t) => {
  const files = filesOf({ release });
  t.strictSame(
    files.map(({ path, mode }) => [path, mode.toString(8)]),
    [
      ['/etc/kubernetes/pki/ca.crt', '644'],
      ['/etc/kubernetes/pki/ca.key', '600'],
      ['/etc/kubernetes/pki/front-proxy-ca.crt', '644'],
      ['/etc/kubernetes/pki/front-proxy-ca.key', '600'],
      ['/etc/kubernetes/pki/etcd/ca.crt', '644'],
      ['/etc/kubernetes/pki/etcd/ca.key', '600'],
      ['/etc/kubernetes/pki/sa.key', '600'],
      ['/etc/kubernetes/pki/sa.pub', '644'],
      ['/etc/kubernetes/apiserver/audit-policy.yaml', '600'],
      ['/etc/kubernetes/apiserver/encryption.yaml', '600'],
      ['/etc/kubernetes/apiserver/admission.yaml', '600'],
    ],
  );
  const textOf = (name: string) => files.find(({ path }) => path === `/etc/kubernetes/pki/${name}`)?.text ?? '';
  const { k8s, k8sAggregator, etcd, k8sServiceAccount } = secrets.certs;
  for (const [name, pair] of [
    ['ca', k8s],
    ['front-proxy-ca', k8sAggregator],
    ['etcd/ca', etcd],
  ] as const) {
    t.equal(textOf(`${name}.crt`), pair.crt);
    t.ok(new X509Certificate(textOf(`${name}.crt`)).checkPrivateKey(createPrivateKey(textOf(`${name}.key`))), name);
  }
  t.equal(textOf('sa.key'), k8sServiceAccount.key);
  t.match(textOf('sa.pub'), /^-----BEGIN PUBLIC KEY-----\n/);
  t.ok(createPublicKey(textOf('sa.pub')).equals(createPublicKey(k8sServiceAccount.key)), 'the public half of sa.key');
  for (const { path, mode, text } of files) t.equal(/PRIVATE KEY|secretbox/.test(text) && mode !== 0o600, false, path);
});

t.test('a worker has the certificate of the cluster and no key', async (t) => {
  const files = filesOf({ type: 'worker' });
  t.strictSame(files, [{ path: '/etc/kubernetes/pki/ca.crt', mode: 0o644, text: secrets.certs.k8s.crt }]);
  const keyed = filesOf({ type: 'worker', cluster: { secretboxEncryptionSecret: secrets.secretboxEncryptionSecret } });
  t.strictSame(keyed, files, 'nor does it get one by its config');
});

t.test('what is missing is named', async (t) => {
  const cases: [InputChange, string][] = [
    [{ cluster: { ca: null } }, 'cluster.ca.crt'],
    [{ cluster: { ca: { key: '' } } }, 'cluster.ca.key'],
    [{ cluster: { aggregatorCA: null } }, 'cluster.aggregatorCA.crt'],
    [{ cluster: { etcd: { ca: null } } }, 'cluster.etcd.ca.crt'],
    [{ cluster: { serviceAccount: null } }, 'cluster.serviceAccount.key'],
  ];
  for (const [change, field] of cases)
    t.throws(() => filesOf(change), { code: 'ERR_KUBERNETES', message: `${field} is missing in the machine config` });
});

t.test('a CA is known by the hash of its key', async (t) => {
  const { crt, key } = secrets.certs.k8s;
  const der = createPublicKey(key).export({ type: 'spki', format: 'der' });
  t.equal(caCertHash(crt), `sha256:${createHash('sha256').update(der).digest('hex')}`);
});

t.test('audit policy', async (t) => {
  const policy = yamlFile('audit-policy');
  t.match(policy, { apiVersion: 'audit.k8s.io/v1', kind: 'Policy', omitStages: ['RequestReceived'] });
  t.strictSame(policy.rules.at(-1), { level: 'Metadata' }, 'whatever is left is written');
  t.ok(
    policy.rules.every(({ level }: { level: string }) => level === 'None' || level === 'Metadata'),
    'and no contents',
  );
  const own = { apiVersion: 'audit.k8s.io/v1', kind: 'Policy', rules: [{ level: 'RequestResponse' }] };
  t.strictSame(yamlFile('audit-policy', { cluster: { apiServer: { auditPolicy: own } } }), own);
});

t.test('encryption at rest', async (t) => {
  const { secretboxEncryptionSecret: secret } = secrets;
  const aes = Buffer.alloc(32, 7).toString('base64');
  const providers = (cluster: Record<string, unknown>) => yamlFile('encryption', { cluster })?.resources[0].providers;
  const keys = (value: string) => ({ keys: [{ name: 'key1', secret: value }] });
  t.strictSame(yamlFile('encryption'), {
    apiVersion: 'apiserver.config.k8s.io/v1',
    kind: 'EncryptionConfiguration',
    resources: [{ resources: ['secrets'], providers: [{ secretbox: keys(secret) }, { identity: {} }] }],
  });
  t.strictSame(
    providers({ aescbcEncryptionSecret: aes }),
    [{ secretbox: keys(secret) }, { aescbc: keys(aes) }, { identity: {} }],
    'secretbox writes, the other still reads',
  );
  t.strictSame(providers({ aescbcEncryptionSecret: aes, secretboxEncryptionSecret: null }), [
    { aescbc: keys(aes) },
    { identity: {} },
  ]);
  t.equal(yamlFile('encryption', { cluster: { secretboxEncryptionSecret: null } }), undefined);
});

t.test('admission', async (t) => {
  t.equal(yamlFile('admission'), undefined, 'Kubernetes 1.20 has no plugin that we configure');
  for (const [row, version] of [
    [release, 'v1'],
    [RELEASE_28, 'v1'],
    [{ ...RELEASE_28, version: 'v1.23.0' }, 'v1beta1'],
  ] as const) {
    const { plugins, ...head } = yamlFile('admission', { release: row });
    t.strictSame(head, { apiVersion: 'apiserver.config.k8s.io/v1', kind: 'AdmissionConfiguration' });
    t.match(plugins, [
      {
        name: 'PodSecurity',
        configuration: {
          apiVersion: `pod-security.admission.config.k8s.io/${version}`,
          defaults: { enforce: 'baseline', warn: 'restricted' },
          exemptions: { namespaces: ['kube-system'] },
        },
      },
    ]);
    t.equal(plugins.length, 1);
  }
  const admissionControl = [
    { name: 'PodSecurity', configuration: { kind: 'PodSecurityConfiguration' } },
    { name: 'EventRateLimit', configuration: { kind: 'Configuration' } },
  ];
  for (const row of [release, findRelease(RELEASES, 'v1.20.2')]) {
    const { plugins } = yamlFile('admission', { release: row, cluster: { apiServer: { admissionControl } } });
    t.strictSame(plugins, admissionControl, 'of the config, in place of ours');
  }
});
