/** What we issue, checked by two other implementations: node:crypto here and OpenSSL's verify below. */
import { execFileSync } from 'node:child_process';
import { type createPublicKey, generateKeyPairSync, X509Certificate } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { KeyUsageFlags } from '@peculiar/asn1-x509';
import t from 'tap';
import {
  CLOCK_SKEW_MS,
  createCertificateAuthority,
  decodePrivateKey,
  generatePrivateKey,
  issueClientCertificate,
  issueClientCertificateFor,
  issueServerCertificate,
  parseCertificate,
  publicKeyDer,
  splitCertificates,
  verifyCertificate,
} from '../../../lib/pki/index.js';
import { createSigningRequest, readSigningRequest } from '../../../lib/pki/signing-request.js';
import { signCertificate } from '../../../lib/pki/x509.js';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** Whole seconds, as certificates count. */
const now = Math.floor(Date.now() / 1000) * 1000;

t.test('issuing', async (t) => {
  const ca = await createCertificateAuthority({ now });
  const key = await generatePrivateKey();
  const spki = publicKeyDer(key);
  const names = { dnsNames: ['node-1', 'node-1.example'], ipAddresses: ['10.5.0.2', '2001:db8::2'] };

  await t.test('an authority', async (t) => {
    const info = parseCertificate(ca.crt);
    t.same(info.organizations, ['talos']);
    t.ok(info.isAuthority);
    t.same(info.usages, []);
    t.equal(info.notBefore.getTime(), now - CLOCK_SKEW_MS);
    t.equal(info.notAfter.getTime(), now + 3650 * DAY_MS);
    t.match(ca.key, /^-----BEGIN ED25519 PRIVATE KEY-----\n/);
    t.ok(new X509Certificate(ca.crt).checkPrivateKey(decodePrivateKey(ca.key)));
  });

  await t.test('a server certificate: names, one usage, a day', async (t) => {
    const crt = await issueServerCertificate({ ca, publicKeyDer: spki, ...names, now });
    const info = parseCertificate(crt);
    t.same(info.dnsNames, names.dnsNames);
    t.same(info.ipAddresses, names.ipAddresses);
    t.equal(info.commonName, 'node-1');
    t.same(info.organizations, [], 'no roles');
    t.same([info.usages, info.otherUsages, info.isAuthority], [['server'], [], false]);
    t.equal(info.notAfter.getTime(), now + DAY_MS);
    const node = new X509Certificate(crt);
    t.equal(node.checkIP('10.5.0.2'), '10.5.0.2');
    t.equal(node.checkIP('10.5.0.3'), undefined);
    t.equal(node.checkHost('node-1.example'), 'node-1.example');
    t.ok(node.publicKey.export({ type: 'spki', format: 'der' }).equals(spki), 'for the key that was given');
  });

  await t.test('IPv6 addresses, however they are written', async (t) => {
    const addresses = ['2001:db8:0::a:1', '1::', '::', '::1', '64:ff9b::192.0.2.33', '::ffff:192.0.2.33'];
    const crt = await issueServerCertificate({ ca, publicKeyDer: spki, dnsNames: [], ipAddresses: addresses, now });
    const node = new X509Certificate(crt);
    for (const address of addresses) t.equal(node.checkIP(address), address);
    t.equal(node.checkIP('64:ff9b::192'), undefined, 'nobody else');
    const csr = await createSigningRequest({ key: ca.key, roles: [], ipAddresses: addresses });
    const { ipAddresses } = await readSigningRequest(csr);
    t.same(ipAddresses, parseCertificate(crt).ipAddresses, 'and in a request');
  });

  await t.test('a client certificate: roles in order, a year', async (t) => {
    const pair = await issueClientCertificate({ ca, roles: ['os:operator', 'os:reader'], now });
    const info = parseCertificate(pair.crt);
    t.same(info.organizations, ['os:operator', 'os:reader']);
    t.same([info.usages, info.otherUsages], [['client'], []]);
    t.equal(info.notAfter.getTime(), now + 365 * DAY_MS);
    t.ok(new X509Certificate(pair.crt).checkPrivateKey(decodePrivateKey(pair.key)));
    await t.rejects(issueClientCertificate({ ca, roles: [] }), { code: 'ERR_PKI_NAME' });
    await t.rejects(issueClientCertificate({ ca, roles: [''] }), { code: 'ERR_PKI_NAME' });
    await t.rejects(issueClientCertificate({ ca, roles: [], commonName: '' }), { code: 'ERR_PKI_NAME' });
    const named = parseCertificate((await issueClientCertificate({ ca, roles: [], commonName: 'system:a' })).crt);
    t.match(named, { organizations: [], commonName: 'system:a' }, 'a name alone');
  });

  await t.test('serial numbers are random, positive and short enough', async (t) => {
    const serials = new Set<string>();
    for (let count = 0; count < 50; count++) {
      const { serialNumber } = parseCertificate(await issueServerCertificate({ ca, publicKeyDer: spki, ...names }));
      t.match(serialNumber, /^[4-7][0-9a-f]{31}$/);
      serials.add(serialNumber);
    }
    t.equal(serials.size, 50);
  });

  await t.test('never longer than the authority; nothing from an expired one', async (t) => {
    const brief = await createCertificateAuthority({ lifetimeMs: 2 * HOUR_MS, now });
    const info = parseCertificate(await issueServerCertificate({ ca: brief, publicKeyDer: spki, ...names, now }));
    t.equal(info.notAfter.getTime(), now + 2 * HOUR_MS);
    const late = issueServerCertificate({ ca: brief, publicKeyDer: spki, ...names, now: now + 3 * HOUR_MS });
    await t.rejects(late, { code: 'ERR_PKI_CERTIFICATE', message: /expired/ });
  });

  await t.test('an issuer whose clock stands in 1970 counts from the beginning of its authority', async (t) => {
    const info = parseCertificate(await issueServerCertificate({ ca, publicKeyDer: spki, ...names, now: 0 }));
    t.equal(info.notBefore.getTime(), now - CLOCK_SKEW_MS);
    t.equal(info.notAfter.getTime(), now - CLOCK_SKEW_MS + DAY_MS);
  });

  await t.test('names that are none', async (t) => {
    for (const dnsNames of [['a b'], [''], ['-a'], ['a..b'], ['*.a'], [`${'a'.repeat(64)}.b`], ['ä'], ['a\0b']]) {
      const issue = issueServerCertificate({ ca, publicKeyDer: spki, dnsNames, ipAddresses: [] });
      await t.rejects(issue, { code: 'ERR_PKI_NAME' }, JSON.stringify(dnsNames));
    }
    for (const ipAddresses of [['10.0.0'], ['fe80::1%eth0'], ['1.2.3.4/24']]) {
      const issue = issueServerCertificate({ ca, publicKeyDer: spki, dnsNames: [], ipAddresses });
      await t.rejects(issue, { code: 'ERR_PKI_NAME' }, JSON.stringify(ipAddresses));
    }
    await t.rejects(issueServerCertificate({ ca, publicKeyDer: spki, dnsNames: [], ipAddresses: [] }), {
      code: 'ERR_PKI_NAME',
    });
  });

  await t.test('only authorities with their own key sign', async (t) => {
    const other = await createCertificateAuthority();
    const client = await issueClientCertificate({ ca, roles: ['os:admin'] });
    const issue = (pair: { crt: string; key: string }) =>
      issueServerCertificate({ ca: pair, publicKeyDer: spki, ...names });
    await t.rejects(issue(client), { code: 'ERR_PKI_CERTIFICATE' });
    await t.rejects(issue({ crt: ca.crt, key: other.key }), { code: 'ERR_PKI_KEY' });
    await t.rejects(issue({ crt: 'x', key: ca.key }), { code: 'ERR_PKI_CERTIFICATE' });
    await t.rejects(issue({ crt: ca.crt, key: '' }), { code: 'ERR_PKI_KEY' });
  });

  await t.test('every kind of authority, before OpenSSL', async (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'pki-'));
    t.teardown(() => rmSync(folder, { recursive: true }));
    for (const kind of ['ed25519', 'ecdsa-p256', 'rsa-4096'] as const) {
      const authority = await createCertificateAuthority({ kind, organization: 'kubernetes' });
      const server = await issueServerCertificate({ ca: authority, publicKeyDer: spki, ...names });
      const client = await issueClientCertificate({ ca: authority, roles: ['os:admin'] });
      writeFileSync(join(folder, 'ca'), authority.crt);
      writeFileSync(join(folder, 'server'), server);
      writeFileSync(join(folder, 'client'), client.crt);
      const verify = (purpose: string, file: string) =>
        execFileSync('openssl', ['verify', '-x509_strict', '-CAfile', 'ca', '-purpose', purpose, file], {
          cwd: folder,
          stdio: 'pipe',
        });
      t.doesNotThrow(() => verify('sslserver', 'server'), kind);
      t.doesNotThrow(() => verify('sslclient', 'client'), kind);
      t.throws(() => verify('sslclient', 'server'), 'a server certificate is none for clients');
      t.throws(() => verify('sslserver', 'client'), 'a client certificate is none for servers');
    }
  });

  await t.test('verdicts', async (t) => {
    const certificate = await issueServerCertificate({ ca, publicKeyDer: spki, ...names, now });
    const other = await createCertificateAuthority();
    const verdict = (change: Partial<Parameters<typeof verifyCertificate>[0]>) =>
      verifyCertificate({ certificate, authorities: other.crt + ca.crt, usage: 'server', now, ...change });
    t.same(verdict({}), { kind: 'valid' });
    t.equal(verdict({ authorities: other.crt }).kind, 'unknown-authority', 'same name, another key');
    t.equal(verdict({ authorities: '' }).kind, 'unknown-authority');
    t.equal(verdict({ now: now + DAY_MS }).kind, 'expired');
    t.equal(verdict({ now: now - CLOCK_SKEW_MS - 1 }).kind, 'not-yet-valid');
    t.equal(verdict({ usage: 'client' }).kind, 'wrong-usage');
    t.equal(verdict({ certificate: ca.crt }).kind, 'wrong-usage', 'an authority is nobody');
    t.throws(() => verdict({ certificate: 'x' }), { code: 'ERR_PKI_CERTIFICATE' });
    t.equal(splitCertificates(`text\n${other.crt}between${ca.crt}`).length, 2);
  });

  await t.test('an authority that was renewed with its key: any certificate of it does', async (t) => {
    const key = decodePrivateKey(ca.key);
    const authority = (notBeforeMs: number, notAfterMs: number) =>
      signCertificate(
        {
          serialNumber: Buffer.from([0x40]),
          subject: { organizations: ['talos'] },
          notBefore: new Date(notBeforeMs),
          notAfter: new Date(notAfterMs),
          publicKeyDer: publicKeyDer(key),
          isAuthority: true,
          keyUsage: KeyUsageFlags.keyCertSign,
        },
        key,
      );
    const [past, future] = [authority(now - DAY_MS, now), authority(now + DAY_MS, now + 2 * DAY_MS)];
    const certificate = await issueServerCertificate({ ca, publicKeyDer: spki, ...names, now });
    const verdict = (authorities: string) => verifyCertificate({ certificate, authorities, usage: 'server', now });
    t.same(verdict(past + ca.crt), { kind: 'valid' }, 'the one that has expired is still in the list');
    t.same(verdict(future + past + ca.crt), { kind: 'valid' });
    t.same(verdict(past), { kind: 'expired', notAfter: new Date(now) });
    t.same(verdict(past + future), { kind: 'expired', notAfter: new Date(now) });
  });

  await t.test('requests', async (t) => {
    for (const kind of ['ed25519', 'ecdsa-p256'] as const) {
      const own = await generatePrivateKey(kind);
      const pem = own.export({ type: 'pkcs8', format: 'pem' }) as string;
      const csr = await createSigningRequest({ key: pem, roles: ['os:reader'], ipAddresses: ['10.0.0.9'] });
      const request = await readSigningRequest(csr);
      t.same([request.organizations, request.ipAddresses, request.dnsNames], [['os:reader'], ['10.0.0.9'], []]);
      t.ok(request.publicKeyDer.equals(publicKeyDer(own)));
      const crt = await issueClientCertificateFor({ ca, publicKeyDer: request.publicKeyDer, roles: ['os:reader'] });
      t.same(parseCertificate(crt).organizations, ['os:reader']);
      // One bit of the signature.
      const der = Buffer.from(csr.replace(/-----[^-]+-----|\n/g, ''), 'base64');
      der[der.length - 5] = (der.at(-5) as number) ^ 1;
      const forged = `-----BEGIN CERTIFICATE REQUEST-----\n${der.toString('base64')}\n-----END CERTIFICATE REQUEST-----\n`;
      await t.rejects(readSigningRequest(forged), { code: 'ERR_PKI_REQUEST' });
    }
    await t.rejects(readSigningRequest('x'), { code: 'ERR_PKI_REQUEST' });
  });

  await t.test('public keys of strangers', async (t) => {
    const der = (publicKey: ReturnType<typeof createPublicKey>) => publicKey.export({ type: 'spki', format: 'der' });
    const issue = (bytes: Uint8Array) => issueServerCertificate({ ca, publicKeyDer: bytes, ...names });
    const refused: [string, Uint8Array][] = [
      ['nothing', Buffer.alloc(0)],
      ['noise', Buffer.alloc(44, 7)],
      ['trailing bytes', Buffer.concat([spki, Buffer.from([0])])],
      ['too large', Buffer.alloc(5000)],
      ['a private key', key.export({ type: 'pkcs8', format: 'der' })],
      ['RSA 1024', der(generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey)],
      ['X25519, which cannot sign', der(generateKeyPairSync('x25519').publicKey)],
      ['an odd curve', der(generateKeyPairSync('ec', { namedCurve: 'secp256k1' }).publicKey)],
    ];
    for (const [name, bytes] of refused) await t.rejects(issue(bytes), { code: 'ERR_PKI_KEY' }, name);
    t.ok(await issue(der(generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey)));
  });
});
