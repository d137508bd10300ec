/** Client configs and kubeconfigs that machined makes, through a real osd, as osctl gets them. */
import { X509Certificate } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { status } from '@grpc/grpc-js';
import t, { type Test } from 'tap';
import { parse } from 'yaml';
import { HOUR_MS, YEAR_MS } from '../../../lib/base/units.js';
import { parseClientConfig, selectContext } from '../../../lib/config/index.js';
import { decodePrivateKey, parseCertificate, publicKeyDer, verifyCertificate } from '../../../lib/pki/index.js';
import { OsctlHome } from '../osctl/osctl-child.js';
import { rejection } from '../osd/support/rig.js';
import { apiStack } from './api-stack.js';
import { generated } from './fixtures.js';

t.setTimeout(60_000);

const decode = (base64: string | undefined) => Buffer.from(base64 ?? '', 'base64').toString('utf8');
const asWorker = (text: string) => text.replace('type: controlplane', 'type: worker');

function checkPair(t: Test, crt: string, key: string): void {
  const spki = new X509Certificate(crt).publicKey.export({ type: 'spki', format: 'der' });
  t.same(publicKeyDer(decodePrivateKey(key)), spki, 'the key is that of the certificate');
}

t.test('a client config with the roles and the lifetime that were asked for', async (t) => {
  const { controlplane, caCertificate } = await generated();
  const { rig, log } = await apiStack(t, controlplane);
  const client = await rig.clientWith(['os:admin']);
  const before = Date.now();
  const request = { roles: ['os:reader', 'os:etcd:backup', 'os:reader'], crtTtl: { seconds: 3600, nanos: 0 } };
  const { messages } = await client.unary('GenerateClientConfiguration', request);
  const message = messages?.[0];
  const text = (bytes: Uint8Array | null | undefined) => Buffer.from(bytes ?? []).toString();
  const { name, context } = selectContext(parseClientConfig(text(message?.talosconfig)));
  t.equal(name, 'demo');
  t.equal(decode(context.crt), text(message?.crt));
  t.equal(decode(context.key), text(message?.key));
  t.equal(decode(context.ca), text(message?.ca));
  t.equal(text(message?.ca), caCertificate);
  t.notOk(context.endpoints?.some((address) => address.startsWith('127.')));
  const issued = parseCertificate(text(message?.crt));
  t.same(issued.organizations, ['os:reader', 'os:etcd:backup']);
  t.ok(Math.abs(issued.notAfter.getTime() - before - HOUR_MS) < 60_000);
  t.same(verifyCertificate({ certificate: issued.pem, authorities: caCertificate, usage: 'client', now: Date.now() }), {
    kind: 'valid',
  });
  checkPair(t, text(message?.crt), text(message?.key));
  t.match(log, [/issued a client certificate with os:reader, os:etcd:backup for 1 h 0 min to 127\.0\.0\.1/]);
  t.notMatch(log.join(), /PRIVATE|BEGIN/);
});

t.test('what is asked for in vain', async (t) => {
  const { controlplane } = await generated();
  const { rig } = await apiStack(t, controlplane);
  const client = await rig.clientWith(['os:admin']);
  const refused = async (request: object, details: RegExp) =>
    t.match(await rejection(client.unary('GenerateClientConfiguration', request)), {
      code: status.INVALID_ARGUMENT,
      details,
    });
  await refused(
    { roles: ['os:admin', 'os:king'] },
    /no role "os:king": there are os:admin, os:operator, os:reader, os:etcd:backup/,
  );
  await refused({}, /a certificate needs a role: there are/);
  for (const seconds of [0, -1, YEAR_MS / 1000 + 1]) {
    await refused({ roles: ['os:admin'], crtTtl: { seconds, nanos: 0 } }, /above 0 and at most one year/);
  }
  const operator = await rig.clientWith(['os:operator']);
  t.match(await rejection(operator.unary('GenerateClientConfiguration', { roles: ['os:admin'] })), {
    code: status.PERMISSION_DENIED,
  });
});

t.test('a worker, or a control plane without the key', async (t) => {
  const { controlplane } = await generated();
  const home = await OsctlHome.create();
  t.teardown(() => home[Symbol.asyncDispose]());
  const withoutKey = parse(controlplane);
  withoutKey.cluster.ca.key = '';
  for (const [text, answers] of [
    [asWorker(controlplane), [/this node is a worker: ask a control plane node/, /this node is a worker/]],
    [JSON.stringify(withoutKey), [undefined, /has no private key of the cluster's authority/]],
  ] as const) {
    const { talosconfig } = await apiStack(t, text);
    await home.write('admin', await talosconfig(['os:admin']));
    for (const [at, words] of [
      ['config', 'new', `new-${text.length}`],
      ['kubeconfig', '-'],
    ].entries()) {
      const answer = await home.run('--talosconfig', home.path('admin'), ...words);
      if (answers[at] === undefined) t.equal(answer.code, 0, answer.stderr);
      else t.match(answer, { code: 1, stderr: answers[at], stdout: '' });
    }
  }
});

t.test('osctl config new', async (t) => {
  const { controlplane } = await generated();
  const { rig, talosconfig } = await apiStack(t, controlplane);
  const home = await OsctlHome.create();
  t.teardown(() => home[Symbol.asyncDispose]());
  await home.write('admin', await talosconfig(['os:admin']));
  const made = await home.run(
    '--talosconfig',
    home.path('admin'),
    'config',
    'new',
    '--roles',
    'os:reader',
    '--crt-ttl',
    '24h',
  );
  t.same([made.code, made.stdout, made.stderr], [0, '', 'created talosconfig\n']);
  t.equal(statSync(home.path('talosconfig')).mode & 0o777, 0o600);
  const { context } = selectContext(parseClientConfig(readFileSync(home.path('talosconfig'), 'utf8')));
  t.same(context.endpoints, [`127.0.0.1:${rig.port}`], 'the way that is known to work');
  t.same(parseCertificate(decode(context.crt)).organizations, ['os:reader']);
  const again = await home.run('--talosconfig', home.path('admin'), 'config', 'new');
  t.match(again, { code: 1, stderr: /talosconfig exists already/ });
  const admin = await home.run('--talosconfig', home.path('admin'), 'config', 'new', '-f');
  t.equal(admin.code, 0);
  const info = await home.run('--talosconfig', home.path('talosconfig'), 'config', 'info');
  t.match(info.stdout, /os:admin/);
  const several = await home.run('--talosconfig', home.path('admin'), '-n', 'a,b', 'config', 'new', 'x');
  t.match(several, { code: 2, stderr: /comes from one node/ });
});

t.test('osctl kubeconfig', async (t) => {
  const { controlplane } = await generated();
  const { talosconfig, log } = await apiStack(t, controlplane);
  const home = await OsctlHome.create();
  t.teardown(() => home[Symbol.asyncDispose]());
  await home.write('admin', await talosconfig(['os:admin']));
  const osctl = (...words: string[]) => home.run('--talosconfig', home.path('admin'), 'kubeconfig', ...words);
  const read = (name: string) => parse(readFileSync(home.path(name), 'utf8'));

  const shown = await osctl('-');
  t.equal(shown.code, 0, shown.stderr);
  const config = parse(shown.stdout);
  t.equal(config['current-context'], 'admin@demo');
  t.same(config.contexts, [
    { name: 'admin@demo', context: { cluster: 'demo', namespace: 'default', user: 'admin@demo' } },
  ]);
  t.equal(config.clusters[0].cluster.server, 'https://10.5.0.2:6443');
  const authorities = decode(config.clusters[0].cluster['certificate-authority-data']);
  t.equal(authorities, decode(parse(controlplane).cluster.ca.crt));
  const certificate = decode(config.users[0].user['client-certificate-data']);
  t.same(verifyCertificate({ certificate, authorities, usage: 'client', now: Date.now() }), { kind: 'valid' });
  const { organizations, commonName, notAfter } = parseCertificate(certificate);
  t.same([organizations, commonName], [['system:masters'], 'admin']);
  t.ok(Math.abs(notAfter.getTime() - Date.now() - YEAR_MS) < 60_000);
  t.equal(new X509Certificate(certificate).publicKey.asymmetricKeyType, 'ec');
  checkPair(t, certificate, decode(config.users[0].user['client-key-data']));
  t.match(log.at(-1), /issued a Kubernetes administrator's certificate for/);

  await t.test('into ~/.kube/config, which is made', async (t) => {
    const { code, stdout, stderr } = await osctl();
    t.same([code, stdout], [0, '']);
    t.match(stderr, /\.kube\/config: the current context is admin@demo/);
    t.equal(statSync(home.path('.kube/config')).mode & 0o777, 0o600);
    t.equal(read('.kube/config').contexts.length, 1);
  });

  await t.test('merged: a name that is taken is another one here, or overwritten with --force', async (t) => {
    const renamed = await osctl();
    t.match(renamed.stderr, /context admin@demo is called admin@demo-1 here, its name was taken/);
    const two = read('.kube/config');
    t.same(two['current-context'], 'admin@demo-1');
    t.same(two.contexts[1], {
      name: 'admin@demo-1',
      context: { cluster: 'demo', namespace: 'default', user: 'admin@demo-1' },
    });
    t.equal(two.clusters.length, 1, 'the same cluster is there once');
    const before = two.users[0].user['client-certificate-data'];
    t.equal((await osctl('--force')).code, 0);
    const forced = read('.kube/config');
    t.same([forced.contexts.length, forced.users.length], [2, 2]);
    t.not(forced.users[0].user['client-certificate-data'], before);
    t.equal(forced['current-context'], 'admin@demo');
  });

  await t.test('a file or folder of its own, and another name', async (t) => {
    t.equal((await osctl('--merge=false', '--force-context-name', 'mine', 'own')).code, 0);
    t.same([read('own')['current-context'], read('own').contexts[0].name], ['mine', 'mine']);
    t.match(await osctl('--no-merge', 'own'), { code: 1, stderr: /own exists already\n.*--force/ });
    t.equal((await osctl('--no-merge', '-f', 'own')).code, 0);
    t.equal(read('own')['current-context'], 'admin@demo');
    t.equal((await osctl('.')).code, 0);
    t.equal(read('kubeconfig')['current-context'], 'admin@demo');
  });

  await t.test('a file that is none is named with field and line, and left alone', async (t) => {
    await home.write('bad', 'apiVersion: v1\nclusters:\n  - cluster: {}\ncontexts: 7\n');
    const answer = await osctl('bad');
    t.equal(answer.code, 1);
    t.match(
      answer.stderr,
      /bad has 2 problems:\n {2}line 3: clusters\[0\]: has no name\n {2}line 4: contexts: must be a list/,
    );
    await home.write('locked', '');
    await home.write('locked.lock', '');
    t.match(await osctl('locked'), {
      code: 1,
      stderr: /another program is changing \S+\/locked\n.*remove \S+\/locked\.lock\n/,
    });
  });
});
