/** A join token is worth a server's certificate for one's own address, whatever the request asks for. */
import 'reflect-metadata';
import { generateKeyPairSync, type KeyObject, webcrypto } from 'node:crypto';
import { connect } from 'node:tls';
import { status } from '@grpc/grpc-js';
import {
  BasicConstraintsExtension,
  ChallengePasswordAttribute,
  ExtendedKeyUsageExtension,
  type Extension,
  type JsonName,
  KeyUsageFlags,
  KeyUsagesExtension,
  Pkcs10CertificateRequestGenerator,
  SubjectAlternativeNameExtension,
} from '@peculiar/x509';
import t, { type Test } from 'tap';
import { type ParsedCertificate, parseCertificate, verifyCertificate } from '../../../lib/pki/index.js';
import { createKeyRequest, MAX_KEY_REQUEST_BYTES } from '../../../lib/pki/key-request.js';
import { CLIENT_AUTH, SERVER_AUTH } from '../osd/support/authority.js';
import { Rig, rejection, until } from '../osd/support/rig.js';
import { TOKEN, TrustRig } from './support/rig.js';

interface Wishes {
  subject?: JsonName;
  extensions?: Extension[];
}

/** A request with everything that somebody may want. */
async function wishful({ subject = [], extensions = [] }: Wishes): Promise<{ csr: string; key: string }> {
  const keys = (await webcrypto.subtle.generateKey('Ed25519', true, ['sign', 'verify'])) as webcrypto.CryptoKeyPair;
  const request = await Pkcs10CertificateRequestGenerator.create(
    {
      name: subject,
      keys: keys as never,
      signingAlgorithm: { name: 'Ed25519' },
      extensions,
      attributes: [new ChallengePasswordAttribute('x')],
    },
    webcrypto as never,
  );
  const der = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey)).toString('base64');
  return { csr: request.toString('pem'), key: `-----BEGIN PRIVATE KEY-----\n${der}\n-----END PRIVATE KEY-----\n` };
}

const names = (...values: [type: 'dns' | 'ip' | 'email' | 'url', value: string][]) =>
  new SubjectAlternativeNameExtension(values.map(([type, value]) => ({ type, value })));

const HOSTILE: Record<string, Wishes> = {
  'roles in the subject': { subject: [{ O: ['os:admin', 'os:operator'] }, { CN: ['os:admin'] }] },
  'a name of somebody else': { subject: [{ CN: ['control-plane'] }], extensions: [names(['dns', 'api.example.org'])] },
  'addresses of others': { extensions: [names(['ip', '192.0.2.1'], ['ip', '10.5.0.2'], ['ip', '::2'])] },
  'names of other kinds': { extensions: [names(['email', 'admin@example.org'], ['url', 'spiffe://talos/os:admin'])] },
  'every name there is': { extensions: [names(['dns', '*'], ['ip', '0.0.0.0'])] },
  'use as a client': { subject: [{ O: ['os:admin'] }], extensions: [new ExtendedKeyUsageExtension([CLIENT_AUTH])] },
  'both uses': { extensions: [new ExtendedKeyUsageExtension([SERVER_AUTH, CLIENT_AUTH])] },
  'any use': { extensions: [new ExtendedKeyUsageExtension(['2.5.29.37.0'])] },
  'to be an authority': {
    extensions: [
      new BasicConstraintsExtension(true, undefined, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
    ],
  },
};

function isHarmless(t: Test, issued: ParsedCertificate): void {
  t.same(issued.organizations, [], 'no roles');
  t.equal(issued.commonName, '127.0.0.1', 'named by its address');
  t.same([issued.usages, issued.otherUsages], [['server'], []], 'a server, and nothing else');
  t.notOk(issued.isAuthority, 'no authority');
  t.same(issued.dnsNames, ['localhost'], 'no name that was asked for');
  t.same([...new Set(issued.ipAddresses)].length, 2, 'its address, and its loopback of the other family');
}

/** Resolves when a server has ended a connection with this certificate, whenever it came to look at it. */
async function isCut(port: number, identity: { ca: string; cert: string; key: string }): Promise<void> {
  const socket = connect({ host: '127.0.0.1', port, servername: 'localhost', ALPNProtocols: ['h2'], ...identity });
  socket.on('error', () => {}).resume();
  // Not `once` of node:events: it takes a reset, which is one way of being cut, for a failure.
  await new Promise((resolve) => socket.once('close', resolve));
}

t.test('whatever a request asks for', async (t) => {
  const rig = await TrustRig.start(t);
  const api = await Rig.start({ authority: rig.authority });
  t.teardown(() => api.stop());
  for (const [what, wishes] of Object.entries(HOSTILE)) {
    await t.test(what, async (t) => {
      const { csr, key } = await wishful(wishes);
      const { crt, ca } = await rig.ask(csr);
      const pem = Buffer.from(crt ?? []).toString();
      isHarmless(t, parseCertificate(pem));
      t.equal(Buffer.from(ca ?? []).toString(), rig.authority.certificate);
      const verdict = verifyCertificate({
        certificate: pem,
        authorities: rig.authority.certificate,
        usage: 'client',
        now: Date.now(),
      });
      t.same(verdict, { kind: 'wrong-usage' });
      // What it was all about: the API of a control plane does not take it for anybody's.
      await isCut(api.port, { ca: rig.authority.certificate, cert: pem, key });
      t.same([...api.server.frontDoor.connections.fingerprints()], [], 'no client of the API');
    });
  }
});

t.test('requests that are none', async (t) => {
  const rig = await TrustRig.start(t, { callBurstPerAddress: 100, acceptBurstPerAddress: 100 });
  const key = generateKeyPairSync('ed25519').privateKey;
  const good = createKeyRequest(key);
  const der = (pem: string) => Buffer.from(pem.replace(/-----[A-Z ]+-----|\s/g, ''), 'base64');
  const pem = (bytes: Buffer) =>
    `-----BEGIN CERTIFICATE REQUEST-----\n${bytes.toString('base64')}\n-----END CERTIFICATE REQUEST-----\n`;
  const spki = (own: KeyObject) => Buffer.from(own.export({ format: 'jwk' }).x as string, 'base64url');
  const swapped = Buffer.from(der(good));
  spki(generateKeyPairSync('ed25519').privateKey).copy(swapped, swapped.indexOf(spki(key)));
  const badSignature = Buffer.from(der(good));
  badSignature[badSignature.length - 1] = (badSignature.at(-1) as number) ^ 1;
  for (const [what, csr] of [
    ['nothing', ''],
    ['garbage', Buffer.alloc(1000, 0x7f)],
    ['nested without end', pem(Buffer.alloc(4000, 0x30))],
    ['a certificate', rig.authority.certificate],
    ['a private key', rig.authority.pair.key],
    ['the key of somebody else', pem(swapped)],
    ['a bad signature', pem(badSignature)],
    ['cut off', pem(der(good).subarray(0, 60))],
    ['too large for one', Buffer.alloc(MAX_KEY_REQUEST_BYTES + 1, 0x41)],
    ['a weak key', createKeyRequest(generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey)],
  ] as const) {
    t.match(await rejection(rig.ask(csr)), { code: status.INVALID_ARGUMENT }, what);
  }
  t.match(await rejection(rig.ask(Buffer.alloc(1 << 20))), { code: status.RESOURCE_EXHAUSTED }, 'a megabyte');
  t.ok(await rig.ask(good), 'and a good one is answered still');
  t.notMatch(rig.lines.join('\n'), /BEGIN/);
});

t.test('the token', async (t) => {
  const rig = await TrustRig.start(t);
  const csr = createKeyRequest(generateKeyPairSync('ed25519').privateKey);
  const refused = { code: status.UNAUTHENTICATED };
  t.match(await rejection(rig.ask(csr, ['abcdef.0123456789abcdee'])), { ...refused, details: 'the token is wrong' });
  t.match(await rejection(rig.ask(csr, [TOKEN, TOKEN])), refused, 'two of them');
  for (const tokens of [[], [''], ['x'.repeat(65)]]) {
    t.match(await rejection(rig.ask(csr, tokens)), { ...refused, details: 'the call needs a token' });
  }
  t.ok(await rig.ask(csr));
  t.notMatch(rig.lines.join('\n'), /abcdef\.0123/, 'no token in the log');
  t.match(
    rig.lines.join('\n'),
    /^UNAUTHENTICATED \/securityapi\.SecurityService\/Certificate [\d.]+ ms peer=127\.0\.0\.1:\d+ "the token is wrong"$/m,
  );
});

t.test('so many requests a second, then the connection is cut', async (t) => {
  const rig = await TrustRig.start(t, { callsPerSecondPerAddress: 0, callBurstPerAddress: 3 });
  const client = rig.client();
  const csr = createKeyRequest(generateKeyPairSync('ed25519').privateKey);
  for (const _ of [1, 2, 3]) t.ok(await rig.askOver(client, csr));
  t.match(await rejection(rig.askOver(client, csr)), { code: status.RESOURCE_EXHAUSTED, details: /of its address/ });
  await until(() => rig.server.door.connections.total === 0, 'its connection has gone');
  t.match(rig.lines.join('\n'), /^refused 127\.0\.0\.1:\d+: too many requests a second of its address$/m);
});

t.test('of all nodes together, too', async (t) => {
  const rig = await TrustRig.start(t, { callsPerSecond: 0, callBurst: 1 });
  const csr = createKeyRequest(generateKeyPairSync('ed25519').privateKey);
  t.ok(await rig.ask(csr));
  t.match(await rejection(rig.ask(csr)), { code: status.RESOURCE_EXHAUSTED, details: /of all clients/ });
});

t.test('a connection ends in time, whatever its client does', async (t) => {
  const rig = await TrustRig.start(t, { connectionLifetimeMs: 3000 });
  const client = rig.client();
  t.ok(await rig.askOver(client, createKeyRequest(generateKeyPairSync('ed25519').privateKey)));
  t.equal(rig.server.door.connections.total, 1);
  await until(() => rig.server.door.connections.total === 0, 'it has gone by itself');
});

t.test('nobody can hold all places: the oldest gives way', async (t) => {
  const rig = await TrustRig.start(t, { maxHandshakes: 3, acceptBurstPerAddress: 100 });
  const csr = createKeyRequest(generateKeyPairSync('ed25519').privateKey);
  const holders = [1, 2, 3, 4].map(() => rig.client());
  for (const holder of holders) await rig.askOver(holder, csr);
  t.ok(await rig.ask(csr), 'a fifth is served');
  t.ok(rig.server.door.connections.total <= 3);
});

t.test('no other call, and no other kind', async (t) => {
  const rig = await TrustRig.start(t);
  const client = rig.client();
  const same = (bytes: Buffer) => bytes;
  for (const path of ['/machine.MachineService/Version', '/securityapi.SecurityService/ReadFile', '/'.repeat(500)]) {
    const asked = new Promise((resolve, reject) =>
      client.makeUnaryRequest(path, same, same, Buffer.alloc(0), (error, reply) =>
        error ? reject(error) : resolve(reply),
      ),
    );
    t.match(await rejection(asked), { code: status.UNIMPLEMENTED });
  }
  t.match(rig.lines.join('\n'), /^UNIMPLEMENTED \/machine\.MachineService\/Version /m);
});
