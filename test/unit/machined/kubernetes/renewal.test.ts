/** Certificates of a control plane: when they are issued anew, what stays, and who is told to read them again. */
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { DAY_MS, YEAR_MS } from '../../../../lib/base/units.js';
import type { ContainerdConnection } from '../../../../lib/containerd/index.js';
import { containerd } from '../../../../lib/gen/containerd/containerd.js';
import type { KubernetesConfig } from '../../../../lib/kube/input.js';
import { kubeconfigOf } from '../../../../lib/kube/kubeconfig.js';
import { CertificateKeeper } from '../../../../lib/machined/kubernetes/certificate-keeper.js';
import { type Renewal, renewCertificates } from '../../../../lib/machined/kubernetes/renewal.js';
import { restartControlPlane } from '../../../../lib/machined/kubernetes/restart-control-plane.js';
import { loadNative } from '../../../../lib/native/index.js';
import {
  createCertificateAuthority,
  generatePrivateKey,
  issueClientCertificate,
  issueServerCertificate,
  publicKeyDer,
} from '../../../../lib/pki/index.js';

const { files } = loadNative();
/** Whole seconds, as certificates count. */
const NOW = Math.floor(Date.now() / 1000) * 1000;
const ALL = ['pki/apiserver.crt', 'pki/front-proxy-client.crt', 'pki/etcd/server.crt', 'admin.conf'];

/** As kubeadm leaves it, with authorities that end when they are told to. */
async function controlPlane(t: Test, authorityMs = 10 * YEAR_MS) {
  const authority = (organization: string) =>
    createCertificateAuthority({ organization, kind: 'ecdsa-p256', now: NOW, lifetimeMs: authorityMs });
  const [ca, aggregatorCA, etcdCa] = await Promise.all(['kubernetes', 'front-proxy', 'etcd'].map(authority));
  if (!ca || !aggregatorCA || !etcdCa) throw new Error('there are no authorities');
  const config = { machine: { type: 'controlplane' }, cluster: { ca, aggregatorCA, etcd: { ca: etcdCa } } };
  const key = await generatePrivateKey('ecdsa-p256');
  const server = (from: typeof ca) =>
    issueServerCertificate({
      ...{ ca: from, publicKeyDer: publicKeyDer(key), dnsNames: ['kubernetes', 'node-1'], ipAddresses: ['10.96.0.1'] },
      ...{ lifetimeMs: YEAR_MS, now: NOW },
    });
  const client = (from: typeof ca, commonName: string) =>
    issueClientCertificate({
      ...{ ca: from, roles: ['system:masters'], commonName, kind: 'ecdsa-p256', lifetimeMs: YEAR_MS, now: NOW },
    });
  const folder = t.testdir();
  mkdirSync(join(folder, 'pki/etcd'), { recursive: true });
  const write = (name: string, text: string, mode = 0o644) => writeFileSync(join(folder, name), text, { mode });
  write('pki/apiserver.crt', await server(ca));
  write('pki/etcd/server.crt', await server(etcdCa));
  write('pki/front-proxy-client.crt', (await client(aggregatorCA, 'front-proxy-client')).crt);
  const about = { clusterName: 'demo', server: 'https://10.5.0.2:6443', ca: ca.crt, user: 'admin' };
  write('admin.conf', kubeconfigOf({ ...about, client: await client(ca, 'kubernetes-admin') }), 0o600);
  const read = (name: string) => readFileSync(join(folder, name), 'utf8');
  const certificate = (name: string) => {
    const data = /client-certificate-data: (\S+)/.exec(read(name))?.[1];
    return new X509Certificate(data === undefined ? read(name) : Buffer.from(data, 'base64'));
  };
  const renew = (nowMs: number) =>
    renewCertificates({ files, config: config as unknown as KubernetesConfig, folder, nowMs });
  return { ...{ folder, key, write, read, certificate, renew }, authorities: { ca, aggregatorCA, etcdCa } };
}

t.test('they are issued anew when half of their time is over, and not before', async (t) => {
  const { certificate, renew, authorities, key, folder } = await controlPlane(t);
  const before = new Map(ALL.map((name) => [name, certificate(name)]));
  t.strictSame(await renew(NOW + 0.49 * YEAR_MS), { renewed: [], problems: [] });
  const laterMs = NOW + 0.6 * YEAR_MS;
  t.strictSame(await renew(laterMs), { renewed: ALL, problems: [] });
  t.strictSame(await renew(laterMs), { renewed: [], problems: [] }, 'once');
  for (const [name, old] of before) {
    const now = certificate(name);
    t.equal(Date.parse(now.validTo), laterMs + YEAR_MS, name);
    t.not(now.serialNumber, old.serialNumber);
    for (const field of ['subject', 'issuer', 'subjectAltName', 'ca', 'validFrom'] as const) {
      t.equal(now[field], old[field], field);
    }
    t.strictSame(now.keyUsage, old.keyUsage);
    t.ok(
      now.publicKey
        .export({ type: 'spki', format: 'der' })
        .equals(old.publicKey.export({ type: 'spki', format: 'der' })),
    );
    t.equal(statSync(join(folder, name)).mode & 0o777, name.endsWith('.conf') ? 0o600 : 0o644, name);
  }
  const isOf = (name: string, crt: string) => {
    const authority = new X509Certificate(crt);
    return certificate(name).checkIssued(authority) && certificate(name).verify(authority.publicKey);
  };
  t.ok(isOf('pki/apiserver.crt', authorities.ca.crt) && isOf('admin.conf', authorities.ca.crt));
  t.ok(isOf('pki/etcd/server.crt', authorities.etcdCa.crt));
  t.ok(isOf('pki/front-proxy-client.crt', authorities.aggregatorCA.crt));
  t.ok(certificate('pki/apiserver.crt').checkPrivateKey(key), 'for the key that is there');
  t.equal(certificate('pki/apiserver.crt').checkIP('10.96.0.1'), '10.96.0.1');
});

t.test('a kubeconfig is the same but for its certificate', async (t) => {
  const { read, renew, certificate } = await controlPlane(t);
  const without = () => read('admin.conf').replace(/(client-certificate-data: )\S+/, '$1');
  const before = without();
  await renew(NOW + 2 * YEAR_MS);
  t.equal(without(), before);
  const key = /client-key-data: (\S+)/.exec(read('admin.conf'))?.[1] ?? '';
  t.ok(certificate('admin.conf').checkPrivateKey(createPrivateKey(Buffer.from(key, 'base64').toString('utf8'))));
});

t.test('what cannot be renewed is said, or left alone, and keeps nothing else from it', async (t) => {
  const { write, read, renew } = await controlPlane(t);
  const stranger = await createCertificateAuthority({ kind: 'ecdsa-p256', now: NOW });
  const foreign = await issueServerCertificate({
    ...{ ca: stranger, publicKeyDer: publicKeyDer(await generatePrivateKey('ecdsa-p256')) },
    ...{ dnsNames: ['node-1'], ipAddresses: [], now: NOW },
  });
  write('pki/etcd/server.crt', foreign);
  write('pki/apiserver.crt', '');
  const { renewed, problems } = await renew(NOW + 0.6 * YEAR_MS);
  t.strictSame(renewed, ['pki/front-proxy-client.crt', 'admin.conf']);
  t.match(problems, [/^pki\/apiserver\.crt cannot be renewed: /]);
  t.equal(problems.length, 1);
  t.equal(read('pki/etcd/server.crt'), foreign, "somebody else's");
});

t.test('an authority that ends soon is not asked each day', async (t) => {
  const { renew } = await controlPlane(t, YEAR_MS);
  for (const days of [200, 300]) {
    t.strictSame(await renew(NOW + days * DAY_MS), { renewed: [], problems: [] }, `after ${days} days`);
  }
  t.equal((await renew(NOW + 2 * YEAR_MS)).problems.length, ALL.length, 'it has expired');
});

t.test('whoever has read them is started again, until that has worked', async (t) => {
  const results: Renewal[] = [
    { renewed: [], problems: [] },
    { renewed: ['admin.conf'], problems: ['pki/apiserver.crt cannot be renewed: it is none'] },
    { renewed: [], problems: [] },
    { renewed: [], problems: [] },
  ];
  const said: string[] = [];
  let restarts = 0;
  const stop = new AbortController();
  const keeper = new CertificateKeeper({
    renew: async () => {
      const next = results.shift();
      if (results.length === 0) stop.abort();
      return next ?? { renewed: [], problems: [] };
    },
    restart: async () => {
      if (++restarts === 1) throw new Error('containerd does not answer');
    },
    notice: (text) => said.push(text),
    problem: (text) => said.push(`problem: ${text}`),
    ...{ intervalMs: 1, random: () => 0 },
  });
  await keeper.look(stop.signal);
  t.equal(restarts, 0, 'nothing is due');
  // Its timers keep no process.
  const waiting = setInterval(() => {}, 1000);
  await keeper.keep(stop.signal);
  clearInterval(waiting);
  t.equal(restarts, 2);
  t.strictSame(said, [
    'problem: pki/apiserver.crt cannot be renewed: it is none',
    'certificates of the control plane are renewed: admin.conf',
    'problem: certificates of the control plane cannot be renewed: containerd does not answer',
  ]);
});

t.test('servers of the control plane that run are ended, and nothing else', async (t) => {
  const { RUNNING, STOPPED } = containerd.v1.types.Status;
  const container = (id: string, name: string, namespace = 'kube-system') => ({
    id,
    labels: { 'io.kubernetes.pod.namespace': namespace, 'io.kubernetes.container.name': name },
  });
  const containers = [
    container('sandbox', ''),
    container('api', 'kube-apiserver'),
    container('api-before', 'kube-apiserver'),
    container('manager', 'kube-controller-manager'),
    container('scheduler', 'kube-scheduler'),
    container('etcd', 'etcd'),
    container('other', 'kube-scheduler', 'default'),
  ];
  const tasks = containers.map(({ id }) => ({ id, status: id === 'api-before' ? STOPPED : RUNNING }));
  const killed: unknown[] = [];
  const connection = {
    async unary({ path }: { path: string }, request: unknown) {
      if (path.endsWith('/Kill')) killed.push(request);
      return path.includes('.Containers/') ? { containers } : { tasks };
    },
  } as unknown as ContainerdConnection;
  const restart = () => restartControlPlane({ ready: async () => {}, connection }, new AbortController().signal);
  await restart();
  const sigterm = (containerId: string) => ({ containerId, signal: 15, all: false });
  t.strictSame(killed, ['api', 'manager', 'scheduler'].map(sigterm));
  tasks.length = 0;
  await restart();
  t.equal(killed.length, 3, 'after a boot there is nobody to tell');
});
