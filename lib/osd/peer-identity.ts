import type { KeyObject, X509Certificate } from 'node:crypto';

const CLIENT_AUTH = '1.3.6.1.5.5.7.3.2';
/** What this project and talosctl issue, and P-256. RSA is not among them: what is too weak or too slow to check does not come up. */
const ACCEPTED_KEYS: ReadonlySet<string> = new Set(['ed25519', 'ec prime256v1']);
/** More than any sane certificate has, few enough for a line in the log. */
const MAX_ROLES = 16;
const MAX_ROLE_LENGTH = 64;

/** Who is at the other end of a connection, as its certificate says. */
export interface PeerIdentity {
  /** SHA-256 of the certificate, as Node prints it. */
  fingerprint: string;
  commonName: string;
  /** Organization values of the subject, known or not. */
  roles: readonly string[];
  notAfterMs: number;
}

/** The certificate chains to an accepted authority, but is not one for a client of ours. */
export class PeerRefused extends Error {
  override readonly name = 'PeerRefused';
}

/**
 * Reads the identity from the leaf certificate of a peer whose chain has been verified already.
 * Values come from the parsed certificate one by one, never from its one-string subject or alternative names, in which a value can
 * pose as several (CVE-2021-44532, CVE-2021-44533).
 * @throws PeerRefused  its key is of another kind, it is an authority, its extended key usage is anything but exactly clientAuth, or its subject is out of bounds
 */
export function readPeerIdentity(certificate: X509Certificate): PeerIdentity {
  const key = describeKey(certificate.publicKey);
  if (!ACCEPTED_KEYS.has(key)) throw new PeerRefused(`the key is ${key}, not ${[...ACCEPTED_KEYS].join(' or ')}`);
  if (certificate.ca) throw new PeerRefused('the certificate is that of an authority');
  // Node calls the extended key usage keyUsage: a list of object identifiers, undefined when the extension is missing.
  const usages: readonly string[] = certificate.keyUsage ?? [];
  if (usages.length !== 1 || usages[0] !== CLIENT_AUTH) {
    throw new PeerRefused(`the extended key usage is [${usages.join(', ')}], not clientAuth alone`);
  }
  // The types know nothing of attributes that occur several times.
  const subject = certificate.toLegacyObject().subject as unknown as Record<string, string | string[] | undefined>;
  const roles = values(subject.O);
  if (roles.length > MAX_ROLES || roles.some((role) => role.length > MAX_ROLE_LENGTH)) {
    throw new PeerRefused('the subject has too many or too long organizations');
  }
  return {
    fingerprint: certificate.fingerprint256,
    commonName: (values(subject.CN)[0] ?? '').slice(0, MAX_ROLE_LENGTH),
    roles,
    notAfterMs: Date.parse(certificate.validTo),
  };
}

/** As in 'ed25519', 'ec prime256v1', 'rsa 2048'. */
function describeKey({ asymmetricKeyType, asymmetricKeyDetails: details }: KeyObject): string {
  const size = details?.namedCurve ?? details?.modulusLength;
  return size === undefined ? String(asymmetricKeyType) : `${asymmetricKeyType} ${size}`;
}

function values(value: string | string[] | undefined): string[] {
  if (value === undefined) return [];
  return Array.isArray(value) ? value : [value];
}
