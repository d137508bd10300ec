/** Credentials that a node makes before kubeadm and the components would: for whom they are, what stays, and what is made anew. */
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { YEAR_MS } from '../../../../lib/base/units.js';
import { parseKubeconfig } from '../../../../lib/kube/api/index.js';
import type { KubernetesRelease } from '../../../../lib/kube/release.js';
import { makeCredentials, makeKubeletServing } from '../../../../lib/machined/kubernetes/credentials.js';
import { loadNative } from '../../../../lib/native/index.js';
import { FACTS, inputWith, RELEASE_28, RELEASES } from '../../../helpers/kubernetes-input.js';

const { files } = loadNative();
const FOLDER = '/etc/kubernetes';
const [OLD] = RELEASES as [KubernetesRelease];
const KUBECONFIGS = ['admin.conf', 'controller-manager.conf', 'kubelet.conf', 'scheduler.conf'];
const SERVING = ['controller-manager', 'scheduler'];

/** The folder of Kubernetes, empty; its files have the paths that they have on a node. */
function place(t: Test) {
  const root = t.testdir();
  const at = (name: string) => join(root, name);
  // What is called /etc/kubernetes is that folder here.
  const here = { ...files, openRoot: (path: string) => files.openRoot(path === FOLDER ? root : path) };
  const read = (name: string) => readFileSync(at(name), 'utf8');
  const make = (release = OLD, isFirst = true) =>
    makeCredentials({ files: here, input: inputWith({ release }), isFirst, folder: FOLDER });
  const clientOf = (name: string) => {
    const { host, port, client } = parseKubeconfig(read(name));
    if (client.kind !== 'certificate') throw new Error(`${name} has no certificate`);
    const [certificate, key] = [client.certificate, client.key].map((source) =>
      source.kind === 'text' ? source.text : '',
    ) as [string, string];
    return { server: `${host}:${port}`, certificate: new X509Certificate(certificate), key: createPrivateKey(key) };
  };
  return { root, at, read, make, clientOf };
}

t.test('kubeconfigs as kubeadm has them, with keys for P-256', async (t) => {
  const { make, clientOf, at, read } = place(t);
  await make();
  const expected = {
    'admin.conf': ['10.5.0.2:6443', 'O=system:masters\nCN=kubernetes-admin'],
    'controller-manager.conf': ['10.5.0.2:6443', 'CN=system:kube-controller-manager'],
    'kubelet.conf': ['10.5.0.2:6443', 'O=system:nodes\nCN=system:node:node-1'],
    'scheduler.conf': ['10.5.0.2:6443', 'CN=system:kube-scheduler'],
  };
  const ca = new X509Certificate(inputWith({ release: OLD }).config.cluster.ca?.crt ?? '');
  for (const [name, [server, subject]] of Object.entries(expected)) {
    const { certificate, key, ...rest } = clientOf(name);
    t.same([rest.server, certificate.subject], [server, subject], name);
    t.ok(certificate.checkPrivateKey(key) && certificate.verify(ca.publicKey), `${name} is of the cluster`);
    t.equal(key.asymmetricKeyDetails?.namedCurve, 'prime256v1');
    t.strictSame(certificate.keyUsage, ['1.3.6.1.5.5.7.3.2'], 'for clients');
    t.equal(statSync(at(name)).mode & 0o777, 0o600);
    // kubeadm looks for the user under this name when the kubelet is to renew its certificate.
    t.match(read(name), `\n  - name: ${certificate.subject.replace(/^.*CN=/s, '')}\n    user:`);
  }
});

t.test('the address of the node is the server of its own components, whatever its version', async (t) => {
  const { root } = place(t);
  const input = inputWith({
    cluster: { network: { podSubnets: ['fd00:10::/56'], serviceSubnets: ['fd00:96::/112'] } },
    release: OLD,
    facts: { addresses: ['fd00:5::2/64'] },
  });
  const here = { ...files, openRoot: () => files.openRoot(root) };
  await makeCredentials({ files: here, input, isFirst: false, folder: FOLDER });
  t.match(readFileSync(join(root, 'scheduler.conf'), 'utf8'), 'server: https://[fd00:5::2]:6443');
});

t.test('which of them are left to kubeadm, and to the cluster', async (t) => {
  const kubeconfigsOf = async (release: KubernetesRelease, isFirst: boolean) => {
    const { root, make } = place(t);
    await make(release, isFirst);
    return readdirSync(root).filter((name) => name.endsWith('.conf'));
  };
  t.strictSame(await kubeconfigsOf(OLD, true), KUBECONFIGS);
  const joining = KUBECONFIGS.filter((name) => name !== 'kubelet.conf');
  t.strictSame(await kubeconfigsOf(OLD, false), joining, 'a kubelet that joins asks the cluster');
  const withSuperAdmin = { ...RELEASE_28, version: 'v1.30.0' };
  t.strictSame(
    await kubeconfigsOf(withSuperAdmin, true),
    KUBECONFIGS.filter((name) => name !== 'admin.conf'),
    'kubeadm has two administrators',
  );
  t.strictSame(await kubeconfigsOf({ ...RELEASE_28, version: 'v1.31.0' }, true), [], 'it makes such keys itself');
});

t.test('serving certificates of the cluster for its own components', async (t) => {
  const { make, at, read } = place(t);
  await make();
  for (const name of SERVING) {
    const certificate = new X509Certificate(read(`${name}/tls.crt`));
    t.ok(certificate.checkPrivateKey(createPrivateKey(read(`${name}/tls.key`))), name);
    for (const host of ['localhost', `kube-${name}`]) t.equal(certificate.checkHost(host), host);
    t.equal(certificate.checkIP('127.0.0.1'), '127.0.0.1');
    t.strictSame(certificate.keyUsage, ['1.3.6.1.5.5.7.3.1'], 'for servers');
    t.equal(statSync(at(`${name}/tls.key`)).mode & 0o777, 0o600);
    t.equal(statSync(at(name)).mode & 0o777, 0o700);
  }
});

t.test('what is there stays; a pair that is none is made anew', async (t) => {
  const { make, at, read } = place(t);
  await make();
  const all = [...KUBECONFIGS, ...SERVING.flatMap((name) => [`${name}/tls.crt`, `${name}/tls.key`])];
  const before = all.map(read);
  await make();
  t.strictSame(all.map(read), before);
  // The power went between the two.
  writeFileSync(at('scheduler/tls.key'), read('controller-manager/tls.key'));
  writeFileSync(at('controller-manager/tls.crt'), '');
  await make();
  for (const name of SERVING) {
    const certificate = new X509Certificate(read(`${name}/tls.crt`));
    t.ok(certificate.checkPrivateKey(createPrivateKey(read(`${name}/tls.key`))), name);
  }
  t.strictSame(KUBECONFIGS.map(read), before.slice(0, KUBECONFIGS.length), 'nothing else');
});

t.test("the kubelet's serving certificate", async (t) => {
  const folder = t.testdir();
  const make = (nowMs: number) =>
    makeKubeletServing({ files, folder, facts: { ...FACTS, hostname: 'Node-1', addresses: ['10.5.0.2/24'], nowMs } });
  const read = (name: string) => readFileSync(join(folder, 'pki', name), 'utf8');
  const now = Date.now();
  await make(now);
  const first = read('kubelet.crt');
  const [leaf = '', authority = ''] = first.split(/(?<=-----END CERTIFICATE-----\n)/);
  const certificate = new X509Certificate(leaf);
  t.equal(certificate.checkHost('node-1'), 'node-1');
  t.equal(certificate.checkIP('10.5.0.2'), '10.5.0.2');
  t.ok(certificate.verify(new X509Certificate(authority).publicKey));
  t.ok(certificate.checkPrivateKey(createPrivateKey(read('kubelet.key'))));
  t.equal(statSync(join(folder, 'pki/kubelet.key')).mode & 0o777, 0o600);
  await make(now + 0.4 * YEAR_MS);
  t.equal(read('kubelet.crt'), first, 'it stays for half of its time');
  await make(now + 0.6 * YEAR_MS);
  t.not(read('kubelet.crt'), first);
  writeFileSync(join(folder, 'pki/kubelet.key'), '');
  await make(now + 0.6 * YEAR_MS);
  t.match(read('kubelet.key'), /PRIVATE KEY/, 'one that a cut has left empty');
});
