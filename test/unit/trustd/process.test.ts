/** trustd and osd as processes, confined as on a node: a worker gets its certificate from a control plane, and keeps it fresh. */
import { once } from 'node:events';
import { connect as connectHttp2 } from 'node:http2';
import { connect } from 'node:tls';
import t from 'tap';
import { generateConfig } from '../../../lib/config/index.js';
import { generateSecrets, issueClientCertificate, standardPrivateKeyPem } from '../../../lib/pki/index.js';
import { ApiClient, until } from '../osd/support/rig.js';
import { ClusterNode } from './support/node.js';

t.setTimeout(120_000);

/** Everything is on one host: the control plane is 127.0.0.2, and what connects to it comes from 127.0.0.1. */
async function cluster() {
  const secrets = await generateSecrets();
  const ca = secrets.certs.os;
  const admin = await issueClientCertificate({ ca, roles: ['os:admin'] });
  const config = generateConfig({
    clusterName: 'demo',
    endpoint: 'https://127.0.0.2:6443',
    secrets,
    admin,
    additionalSans: ['127.0.0.2'],
  });
  return { ...config, ca: ca.crt, admin: { crt: admin.crt, key: standardPrivateKeyPem(admin.key) } };
}

async function shown(port: number, ca: string, admin: { crt: string; key: string }) {
  const socket = connect({
    host: '127.0.0.1',
    port,
    ca,
    cert: admin.crt,
    key: admin.key,
    servername: 'node',
    checkServerIdentity: () => undefined,
    ALPNProtocols: ['h2'],
  });
  await once(socket, 'secureConnect');
  const certificate = socket.getPeerX509Certificate();
  socket.destroy();
  return certificate;
}

t.test('a worker joins, and its API is up', async (t) => {
  const { controlplane, worker, ca, admin } = await cluster();
  const trustd = await new ClusterNode(t, controlplane).start('trustd');
  const node = new ClusterNode(t, worker, { port: trustd.port });
  const osd = await node.start('osd');
  const client = new ApiClient(osd.port, ca, admin, {});
  t.teardown(() => client.grpc.close());
  t.match(await client.unary('Version', {}), { messages: [{ version: { os: 'linux' } }] });
  const certificate = await shown(osd.port, ca, admin);
  t.ok(certificate?.checkIP('127.0.0.1'));
  t.notOk(certificate?.checkIP('127.0.0.2'), 'not the control plane’s');
  t.match(node.lines.join('\n'), /a control plane issued a certificate to osd for localhost, 127\.0\.0\.1/);
  trustd.started.child.kill('SIGTERM');
  t.same(await trustd.started.child.exited, { kind: 'exited', code: 0 });
});

t.test('certificates are renewed at half of their life, and no connection ends with them', async (t) => {
  const { controlplane, worker, ca, admin } = await cluster();
  const trustd = await new ClusterNode(t, controlplane, { lifetimeMs: 12_000 }).start('trustd');
  const node = new ClusterNode(t, worker, { port: trustd.port });
  const osd = await node.start('osd');
  const before = await shown(osd.port, ca, admin);
  const identity = { ca, cert: admin.crt, key: admin.key, servername: 'localhost' };
  const session = connectHttp2(`https://localhost:${osd.port}`, { ...identity, ALPNProtocols: ['h2'] });
  t.teardown(() => session.destroy());
  await once(session, 'connect');
  const issued = () => node.lines.filter((line) => line.startsWith('a control plane issued')).length;
  await until(() => issued() >= 3, 'two renewals', 60_000);
  await until(() => /renewed the certificate/.test(osd.started.output()), 'osd has it');
  const after = await shown(osd.port, ca, admin);
  t.not(after?.fingerprint256, before?.fingerprint256, 'new connections see the new one');
  await new Promise<void>((resolve, reject) => session.ping((error) => (error ? reject(error) : resolve())));
  t.notOk(session.destroyed, 'and the old one is still there');
});

t.test('without the token of the cluster there is no API, and the node says why', async (t) => {
  const { controlplane, worker } = await cluster();
  const { port } = await new ClusterNode(t, controlplane).start('trustd');
  const wrong = worker.replace(/token: [a-z0-9]{6}\.[a-z0-9]{16}/, 'token: aaaaaa.aaaaaaaaaaaaaaaa');
  const node = new ClusterNode(t, wrong, { port, firstDelayMs: 10 });
  const start = node.start('osd');
  start.catch(() => {});
  await until(
    () => node.lines.some((line) => /machine\.token is not that of the cluster/.test(line)),
    'it says so',
    30_000,
  );
});

t.test('a control plane of another cluster is not told the token', async (t) => {
  const other = await cluster();
  const { worker } = await cluster();
  const control = new ClusterNode(t, other.controlplane);
  const { port, started } = await control.start('trustd');
  const node = new ClusterNode(t, worker, { port, firstDelayMs: 10 });
  node.start('osd').catch(() => {});
  await until(
    () =>
      node.lines.some((line) =>
        /no certificate from a control plane yet: .*self-signed certificate in certificate chain|unable to verify/.test(
          line,
        ),
      ),
    'it says so',
    30_000,
  );
  t.notMatch(started.output(), /SecurityService/, 'no call');
});
