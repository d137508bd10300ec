import { createPublicKey, generateKeyPairSync, X509Certificate } from 'node:crypto';
import t from 'tap';
import { DAY_MS } from '../../../lib/base/units.js';
import type { CallContext } from '../../../lib/control/server.js';
import { loadConfig } from '../../../lib/machined/load-config.js';
import { nodeCertificateHandler } from '../../../lib/machined/node-certificates.js';
import { IdentityHolder } from '../../../lib/machined/node-identity.js';
import { parseCertificate, verifyCertificate } from '../../../lib/pki/index.js';
import { generated } from './fixtures.js';

const call = { peer: 'trustd', signal: new AbortController().signal, deadlineMs: 600 } as CallContext;
const newKey = () => generateKeyPairSync('ed25519').publicKey.export({ type: 'spki', format: 'der' });

async function controlPlane(edit: (text: string) => string = (text) => text) {
  const { controlplane, worker, caCertificate } = await generated();
  const config = loadConfig(edit(controlplane));
  const identity = new IdentityHolder();
  identity.set(config.identity);
  const logged: string[] = [];
  const issue = nodeCertificateHandler({
    identity,
    ownAddresses: () => ['127.0.0.1', '::1', '10.5.0.4', 'fe80::1%eth0', 'fd00::4'],
    log: (text) => void logged.push(text),
  });
  const { token } = config.identity;
  return { issue, logged, token, caCertificate, worker, identity };
}

t.test('the right token: a certificate for a server, for a day, for the address that it comes from', async (t) => {
  const { issue, logged, token, caCertificate } = await controlPlane();
  const publicKey = newKey();
  for (const address of ['10.5.0.9', 'fd00::9']) {
    const { body } = await issue({ publicKey, address, token }, call);
    const pem = Buffer.from(body.certificate).toString();
    const issued = parseCertificate(pem);
    t.same(issued.usages, ['server'], 'a server and nothing else');
    t.same([issued.otherUsages, issued.organizations, issued.isAuthority], [[], [], false], 'no roles');
    t.equal(issued.commonName, address);
    t.same(issued.dnsNames, ['localhost'], 'no name of the config or of anybody');
    const node = new X509Certificate(pem);
    t.ok(node.checkIP(address));
    t.equal(issued.ipAddresses.length, 3, 'that address, and itself from itself');
    const lifetimeMs = issued.notAfter.getTime() - Date.now();
    t.ok(lifetimeMs > DAY_MS - 60_000 && lifetimeMs <= DAY_MS, 'a day');
    t.ok(issued.publicKeyDer.equals(publicKey));
    t.equal(Buffer.from(body.acceptedCas).toString(), caCertificate);
    const told = { certificate: pem, authorities: caCertificate, now: Date.now() };
    t.same(verifyCertificate({ ...told, usage: 'server' }), { kind: 'valid' });
    t.same(verifyCertificate({ ...told, usage: 'client' }), { kind: 'wrong-usage' }, 'no client of the API');
  }
  t.equal(logged.length, 2);
  t.notMatch(logged.join(), new RegExp(`${token}|BEGIN`));
});

t.test('another token: nothing, and the log says from where', async (t) => {
  const { issue, logged, token } = await controlPlane();
  const others = ['', `${token}x`, token.slice(1), token.toUpperCase(), 'aaaaaa.aaaaaaaaaaaaaaaa', '\0'.repeat(10_000)];
  for (const wrong of others) {
    const asked = issue({ publicKey: newKey(), address: '10.5.0.9', token: wrong }, call);
    await t.rejects(asked, { name: 'ControlError', kind: 'PERMISSION_DENIED', message: 'the token is wrong' });
  }
  t.equal(logged.length, others.length);
  t.match(logged[0], /^refused a certificate to 10\.5\.0\.9: its token is wrong$/);
});

t.test('never for an address of a control plane, or one that is nobody’s', async (t) => {
  const { issue, token } = await controlPlane((text) => text.replace('api.example.org', '2001:db8:0:0::7'));
  const refused = (address: string, message: RegExp) =>
    t.rejects(issue({ publicKey: newKey(), address, token }, call), { kind: 'FAILED_PRECONDITION', message }, address);
  // Its own, the endpoint of the cluster, and those of certSANs, however they are written.
  for (const address of [
    '10.5.0.4',
    '127.0.0.1',
    '::1',
    'fd00:0::4',
    '10.5.0.2',
    '192.0.2.7',
    '2001:db8::7',
    '::ffff:10.5.0.4',
  ])
    await refused(address, /belongs to a control plane/);
  for (const address of ['', 'node-2', '10.5.0', '0.0.0.0', '169.254.1.1', '224.0.0.1', '255.255.255.255'])
    await refused(address, /does not come from an address/);
  for (const address of ['::', 'fe80::9', 'fe80::9%eth0', 'ff02::1', '10.5.0.9, DNS:x'])
    await refused(address, /does not come from an address/);
});

t.test('keys that cannot be certified', async (t) => {
  const { issue, token, caCertificate } = await controlPlane();
  const rsa = generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey.export({ type: 'spki', format: 'der' });
  for (const publicKey of [Buffer.alloc(0), Buffer.from('hello'), Buffer.alloc(60_000, 0x30), rsa]) {
    const asked = issue({ publicKey, address: '10.5.0.9', token }, call);
    await t.rejects(asked, { kind: 'INVALID_ARGUMENT', message: /key/ });
  }
  const ofTheAuthority = createPublicKey(caCertificate).export({ type: 'spki', format: 'der' });
  await t.rejects(issue({ publicKey: ofTheAuthority, address: '10.5.0.9', token }, call), {
    kind: 'FAILED_PRECONDITION',
    message: /that of the authority/,
  });
});

t.test('a worker issues nothing, and neither does a node without a config', async (t) => {
  const { issue, token, worker, identity } = await controlPlane();
  identity.set(loadConfig(worker).identity);
  const request = { publicKey: newKey(), address: '10.5.0.9', token };
  await t.rejects(issue(request, call), { kind: 'FAILED_PRECONDITION', message: /it is no control plane/ });
  const empty = new IdentityHolder();
  empty.setMissing('no config disk was found');
  const early = nodeCertificateHandler({ identity: empty, ownAddresses: () => [], log: () => {} });
  await t.rejects(early(request, call), { kind: 'FAILED_PRECONDITION', message: /no config disk was found/ });
});
