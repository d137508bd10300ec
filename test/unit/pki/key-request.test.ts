import { createHash, createPrivateKey, generateKeyPairSync, type JsonWebKey, type KeyObject } from 'node:crypto';
import t from 'tap';
import { createKeyRequest, MAX_KEY_REQUEST_BYTES, readKeyRequest } from '../../../lib/pki/key-request.js';
import { encodePrivateKey, publicKeyDer } from '../../../lib/pki/keys.js';
import { createSigningRequest, readSigningRequest } from '../../../lib/pki/signing-request.js';

const KEYS: Record<string, KeyObject> = {
  Ed25519: generateKeyPairSync('ed25519').privateKey,
  'P-256': generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey,
  'P-384': generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey,
  'RSA 2048': generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey,
};
const ED25519 = KEYS.Ed25519 as KeyObject;

const derOf = (pem: string) => Buffer.from(pem.replace(/-----[A-Z ]+-----|\s/g, ''), 'base64');
const pemOf = (der: Uint8Array, label = 'CERTIFICATE REQUEST') =>
  Buffer.from(`-----BEGIN ${label}-----\n${Buffer.from(der).toString('base64')}\n-----END ${label}-----\n`);
const refused = { code: /^ERR_PKI_(REQUEST|KEY)$/ };

for (const [name, key] of Object.entries(KEYS)) {
  t.test(`a request of ${name}`, async (t) => {
    const pem = createKeyRequest(key);
    t.ok(readKeyRequest(Buffer.from(pem)).equals(publicKeyDer(key)));
    const asOthersReadIt = await readSigningRequest(pem);
    t.ok(asOthersReadIt.publicKeyDer.equals(publicKeyDer(key)), 'others read it too');
    t.same([asOthersReadIt.organizations, asOthersReadIt.dnsNames, asOthersReadIt.ipAddresses], [[], [], []]);
    if (name === 'P-384') return;
    const wishes = { key: encodePrivateKey(key), roles: ['os:admin'], ipAddresses: ['10.5.0.2', '::1'] };
    const wishful = await createSigningRequest(wishes);
    t.ok(readKeyRequest(Buffer.from(wishful)).equals(publicKeyDer(key)), 'of one with wishes the key alone');
    t.ok(readKeyRequest(Buffer.from(wishful.replaceAll('\n', '\r\n'))), 'lines may end in another way');
  });
}

t.test('whoever has made it has the key', (t) => {
  const own = derOf(createKeyRequest(ED25519));
  const other = generateKeyPairSync('ed25519').privateKey;
  const at = own.indexOf(publicKeyDer(ED25519));
  const foreign = Buffer.concat([
    own.subarray(0, at),
    publicKeyDer(other),
    own.subarray(at + publicKeyDer(other).length),
  ]);
  t.throws(() => readKeyRequest(pemOf(foreign)), {
    code: 'ERR_PKI_REQUEST',
    message: /signature does not match its key/,
  });
  t.end();
});

t.test('an RSA key that is made to be slow', (t) => {
  // Public and private exponent change places: signing is fast then, and checking takes a hundred times as long as usual.
  const { n, e, d, p, q, qi } = (KEYS['RSA 2048'] as KeyObject).export({ format: 'jwk' });
  const slow = createPrivateKey({
    key: { kty: 'RSA', n, e: d, d: e, p, q, dp: e, dq: e, qi } as JsonWebKey,
    format: 'jwk',
  });
  t.throws(() => readKeyRequest(Buffer.from(createKeyRequest(slow))), { code: 'ERR_PKI_KEY', message: /exponent/ });
  t.end();
});

t.test('one byte changed anywhere, cut off anywhere, longer: refused', (t) => {
  for (const key of [ED25519, KEYS['P-256'] as KeyObject]) {
    const der = derOf(createKeyRequest(key));
    for (let at = 0; at < der.length; at += 1) {
      for (const bit of [0x01, 0x80, 0xff]) {
        const changed = Buffer.from(der);
        changed[at] = (changed[at] as number) ^ bit;
        t.throws(() => readKeyRequest(pemOf(changed)), refused, `byte ${at}`);
      }
      t.throws(() => readKeyRequest(pemOf(der.subarray(0, at))), refused, `${at} bytes`);
    }
    t.throws(() => readKeyRequest(pemOf(Buffer.concat([der, Buffer.from([0])]))), refused, 'a byte more');
    t.throws(() => readKeyRequest(Buffer.concat([pemOf(der), pemOf(der)])), refused, 'two of them');
  }
  t.end();
});

t.test('what is none: refused, whatever it is', (t) => {
  const nested = Buffer.alloc(4000, 0x30);
  const strange: [string, Uint8Array][] = [
    ['nothing', Buffer.alloc(0)],
    ['text', Buffer.from('hello')],
    ['empty PEM', pemOf(Buffer.alloc(0))],
    ['a certificate', pemOf(derOf(createKeyRequest(ED25519)), 'CERTIFICATE')],
    ['DER without PEM', derOf(createKeyRequest(ED25519))],
    ['nested without end', pemOf(nested)],
    ['an indefinite length', pemOf(Buffer.from('3080020100', 'hex'))],
    ['a length of eight bytes', pemOf(Buffer.from('3088ffffffffffffffff', 'hex'))],
    ['a length that is not the shortest', pemOf(Buffer.from('30810302010000', 'hex'))],
    ['too large', Buffer.alloc(MAX_KEY_REQUEST_BYTES + 1, 0x41)],
    [
      'characters that are no base64',
      Buffer.from('-----BEGIN CERTIFICATE REQUEST-----\nA===B\n-----END CERTIFICATE REQUEST-----'),
    ],
  ];
  for (const [what, bytes] of strange) t.throws(() => readKeyRequest(bytes), refused, what);
  // The same ones each time.
  for (let seed = 0; seed < 2000; seed += 1) {
    const bytes = createHash('sha512').update(`${seed}`).digest();
    t.throws(() => readKeyRequest(seed % 2 === 0 ? bytes : pemOf(bytes)), refused);
  }
  t.end();
});

t.test('keys that are too weak, too slow or unknown', (t) => {
  for (const privateKey of [
    generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey,
    generateKeyPairSync('rsa', { modulusLength: 4608 }).privateKey,
    generateKeyPairSync('ec', { namedCurve: 'secp256k1' }).privateKey,
  ]) {
    t.throws(() => readKeyRequest(Buffer.from(createKeyRequest(privateKey))), { code: 'ERR_PKI_KEY' });
  }
  t.throws(() => createKeyRequest(generateKeyPairSync('x25519').privateKey), { code: 'ERR_PKI_KEY' });
  t.end();
});
