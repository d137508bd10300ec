/** Keys in talosctl's PEM forms, and a cluster's secrets. */
import { createPrivateKey } from 'node:crypto';
import t from 'tap';
import {
  decodePrivateKey,
  encodePrivateKey,
  encodePublicKey,
  generatePrivateKey,
  generateSecrets,
  isKnownRole,
  parseCertificate,
  randomToken,
  standardPrivateKeyPem,
} from '../../../lib/pki/index.js';

t.test('labels', async (t) => {
  const labels = {
    ed25519: 'ED25519 PRIVATE KEY',
    'ecdsa-p256': 'EC PRIVATE KEY',
    'rsa-4096': 'RSA PRIVATE KEY',
  } as const;
  for (const kind of Object.keys(labels) as (keyof typeof labels)[]) {
    const key = await generatePrivateKey(kind);
    const pem = encodePrivateKey(key);
    t.match(pem, new RegExp(`^-----BEGIN ${labels[kind]}-----\n[^-]+-----END ${labels[kind]}-----\n$`));
    t.ok(decodePrivateKey(pem).equals(key));
    t.ok(decodePrivateKey(key.export({ type: 'pkcs8', format: 'pem' }) as string).equals(key), 'and the standard form');
    t.ok(createPrivateKey(standardPrivateKeyPem(pem)).equals(key), 'in a form that OpenSSL reads');
    t.match(encodePublicKey(key), kind === 'ed25519' ? /BEGIN ED25519 PUBLIC KEY/ : /BEGIN PUBLIC KEY/);
  }
  for (const text of ['', 'x', '-----BEGIN ED25519 PRIVATE KEY-----\nAAAA\n-----END ED25519 PRIVATE KEY-----\n']) {
    t.throws(() => decodePrivateKey(text), { code: 'ERR_PKI_KEY' });
  }
});

t.test('secrets of a cluster', async (t) => {
  const [one, two] = [await generateSecrets(), await generateSecrets()];
  for (const bundle of [one, two]) {
    t.equal(Buffer.from(bundle.cluster.id, 'base64').length, 32);
    t.match(bundle.bootstrapToken, /^[a-z0-9]{6}\.[a-z0-9]{16}$/);
    const { os, k8s, k8sAggregator, etcd } = bundle.certs;
    for (const { crt } of [os, k8s, k8sAggregator, etcd]) t.ok(parseCertificate(crt).isAuthority);
    t.equal(decodePrivateKey(os.key).asymmetricKeyType, 'ed25519');
    t.equal(decodePrivateKey(k8s.key).asymmetricKeyType, 'ec');
  }
  t.not(one.cluster.id, two.cluster.id);
  t.not(one.machineToken, two.machineToken);
  t.not(one.certs.os.crt, two.certs.os.crt);
  t.not(randomToken(), randomToken());
});

t.test('roles', async (t) => {
  t.ok(isKnownRole('os:admin'));
  t.notOk(isKnownRole('os:impersonator'));
});
