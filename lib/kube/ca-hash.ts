import { createHash, X509Certificate } from 'node:crypto';

/**
 * What a joining node knows the cluster's CA by: `sha256:` and the hash of its public key (SubjectPublicKeyInfo in DER) in hexadecimal, as `kubeadm token
 * create --print-join-command` shows it.
 */
export function caCertHash(certificatePem: string): string {
  const key = new X509Certificate(certificatePem).publicKey.export({ type: 'spki', format: 'der' });
  return `sha256:${createHash('sha256').update(key).digest('hex')}`;
}
