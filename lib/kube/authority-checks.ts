/** Whether the authorities in a machine config are those that a node needs, and such as kubeadm can work with. */
import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import type { PemPair } from '../base/secrets-bundle.js';
import type { KubernetesConfig } from './input.js';

/** What kubeadm of all releases reads; Ed25519 it does not. */
const KEY_TYPES: ReadonlySet<string> = new Set(['rsa', 'ec']);

/** One sentence each. */
export function authorityProblems({ machine, cluster }: KubernetesConfig, nowMs: number): string[] {
  const token = cluster.token === undefined ? ['cluster.token is missing: nodes join by it'] : [];
  if (machine.type === 'worker') return [...token, ...pairProblems('cluster.ca', cluster.ca, nowMs, false)];
  return [
    ...token,
    ...pairProblems('cluster.ca', cluster.ca, nowMs, true),
    ...pairProblems('cluster.aggregatorCA', cluster.aggregatorCA, nowMs, true),
    ...pairProblems('cluster.etcd.ca', cluster.etcd?.ca, nowMs, true),
    ...keyProblems('cluster.serviceAccount.key', cluster.serviceAccount?.key),
  ];
}

function pairProblems(field: string, pair: PemPair | undefined, nowMs: number, isKeyNeeded: boolean): string[] {
  if (pair === undefined) return [missing(field)];
  const certificate = readable(() => new X509Certificate(pair.crt));
  if (certificate === undefined) return [`${field}.crt is no certificate that can be read`];
  const problems = certificateProblems(field, certificate, nowMs);
  if (!isKeyNeeded) return problems;
  const ofKey = keyProblems(`${field}.key`, pair.key);
  if (ofKey.length > 0) return [...problems, ...ofKey];
  if (certificate.checkPrivateKey(createPrivateKey(pair.key))) return problems;
  return [...problems, `${field}.key is not the key of ${field}.crt`];
}

function certificateProblems(field: string, certificate: X509Certificate, nowMs: number): string[] {
  if (!certificate.ca) return [`${field}.crt is not the certificate of an authority`];
  if (nowMs > Date.parse(certificate.validTo)) return [`${field}.crt has expired on ${certificate.validTo}`];
  if (nowMs < Date.parse(certificate.validFrom)) {
    return [
      `${field}.crt is not valid before ${certificate.validFrom}: the clock of the node is wrong, or the certificate is`,
    ];
  }
  return [];
}

function keyProblems(field: string, pem: string | undefined): string[] {
  if (pem === undefined || pem === '') return [missing(field)];
  const key: KeyObject | undefined = readable(() => createPrivateKey(pem));
  if (key !== undefined && KEY_TYPES.has(key.asymmetricKeyType ?? '')) return [];
  return [`${field} must be an RSA or ECDSA key: kubeadm reads no other`];
}

function missing(field: string): string {
  const why =
    field === 'cluster.ca' ? 'a node knows its cluster by it' : 'a control plane has all that its cluster signs by';
  return `${field} is missing: ${why} (osctl gen config writes it)`;
}

function readable<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
