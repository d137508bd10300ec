/** Makes all that is secret in a new cluster. */
import { randomBytes, randomInt } from 'node:crypto';
import type { SecretsBundle } from '../base/secrets-bundle.js';
import { createCertificateAuthority } from './issue.js';
import { encodePrivateKey, generatePrivateKey } from './keys.js';

const TOKEN_ALPHABET = 'abcdefghijklmnopqrstuvwxyz0123456789';

/** A fresh bundle. Kubernetes and etcd get ECDSA P-256 keys, since not every version of theirs takes Ed25519. */
export async function generateSecrets(options: { now?: number } = {}): Promise<SecretsBundle> {
  const now = options.now ?? Date.now();
  const [os, k8s, k8sAggregator, etcd, serviceAccount] = await Promise.all([
    createCertificateAuthority({ organization: 'talos', now }),
    createCertificateAuthority({ organization: 'kubernetes', kind: 'ecdsa-p256', now }),
    createCertificateAuthority({ organization: '', commonName: 'front-proxy', kind: 'ecdsa-p256', now }),
    createCertificateAuthority({ organization: 'etcd', kind: 'ecdsa-p256', now }),
    generatePrivateKey('ecdsa-p256'),
  ]);
  return {
    cluster: { id: randomBytes(32).toString('base64'), secret: randomBytes(32).toString('base64') },
    bootstrapToken: randomToken(),
    secretboxEncryptionSecret: randomBytes(32).toString('base64'),
    machineToken: randomToken(),
    certs: { os, k8s, k8sAggregator, etcd, k8sServiceAccount: { key: encodePrivateKey(serviceAccount) } },
  };
}

/** `xxxxxx.xxxxxxxxxxxxxxxx`: kubeadm's form; 113 bits. */
export function randomToken(): string {
  const letters = (count: number) =>
    Array.from({ length: count }, () => TOKEN_ALPHABET[randomInt(TOKEN_ALPHABET.length)]).join('');
  return `${letters(6)}.${letters(16)}`;
}
