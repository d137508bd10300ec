/**
 * Issuing: authorities, server and client certificates.
 *
 * Every certificate gets a random 127-bit serial number and exactly one extended key usage. The issuer decides subject, names, usage
 * and lifetime; of what an asker sends only the public key is used.
 *
 * Clocks: `notBefore` lies one hour in the past, so that a verifier whose clock is up to an hour behind accepts a fresh certificate.
 * Neither end of a certificate's life lies outside its authority's; an issuer whose clock is before its authority's beginning
 * counts from there (a machine without a battery-backed clock starts in 1970, and its API must come up all the same).
 */
import { randomBytes } from 'node:crypto';
import { isIP } from 'node:net';
import { id_kp_clientAuth, id_kp_serverAuth, KeyUsageFlags } from '@peculiar/asn1-x509';
import { TalosError } from '../base/errors.js';
import type { PemPair } from '../base/secrets-bundle.js';
import { DAY_MS, HOUR_MS, YEAR_MS } from '../base/units.js';
import { type CertificateUsage, parseCertificate } from './certificate.js';
import {
  checkPublicKeyDer,
  decodePrivateKey,
  encodePrivateKey,
  generatePrivateKey,
  type KeyKind,
  publicKeyDer,
} from './keys.js';
import { type SubjectNames, signCertificate } from './x509.js';

export const DEFAULT_CA_LIFETIME_MS = 10 * YEAR_MS;
export const DEFAULT_CLIENT_LIFETIME_MS = YEAR_MS;
export const DEFAULT_SERVER_LIFETIME_MS = DAY_MS;
/** How far a verifier's clock may be behind ours. */
export const CLOCK_SKEW_MS = HOUR_MS;

const SERIAL_BYTES = 16;
/** Upper bound of X.520 for a common name. */
const MAX_COMMON_NAME = 64;
const DNS_NAME = /^(?=.{1,253}$)([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?)(\.[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?)*$/i;

/** Names that a server certificate is valid for. */
export interface ServerNames {
  dnsNames: string[];
  ipAddresses: string[];
}

interface SignOptions {
  ca: PemPair;
  publicKeyDer: Uint8Array;
  subject: SubjectNames;
  usage: CertificateUsage;
  names?: ServerNames;
  lifetimeMs: number;
  now: number;
}

/**
 * Makes a self-signed authority.
 * @param options.organization  Organization of its subject; 'talos' by default, as talosctl does
 * @returns PEM of the certificate and of its private key
 */
export async function createCertificateAuthority(
  options: { organization?: string; commonName?: string; kind?: KeyKind; lifetimeMs?: number; now?: number } = {},
): Promise<PemPair> {
  const {
    organization = 'talos',
    commonName,
    kind = 'ed25519',
    lifetimeMs = DEFAULT_CA_LIFETIME_MS,
    now = Date.now(),
  } = options;
  const key = await generatePrivateKey(kind);
  const crt = signCertificate(
    {
      serialNumber: randomSerial(),
      subject: { organizations: organization === '' ? [] : [organization], commonName },
      notBefore: new Date(now - CLOCK_SKEW_MS),
      notAfter: new Date(now + lifetimeMs),
      publicKeyDer: publicKeyDer(key),
      isAuthority: true,
      keyUsage: KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign | KeyUsageFlags.digitalSignature,
    },
    key,
  );
  return { crt, key: encodePrivateKey(key) };
}

/**
 * Issues a server certificate for a bare public key.
 * @param options.publicKeyDer  SubjectPublicKeyInfo; checked, and the only thing taken from the asker
 * @param options.commonName    the first of the names by default
 * @param options.lifetimeMs    24 hours by default; ends with the authority's at the latest
 * @returns PEM
 * @throws ERR_PKI_KEY   the public key is malformed or too weak
 * @throws ERR_PKI_NAME  a name is no DNS name or IP address, or there is none
 */
export async function issueServerCertificate(
  options: {
    ca: PemPair;
    publicKeyDer: Uint8Array;
    commonName?: string;
    lifetimeMs?: number;
    now?: number;
  } & ServerNames,
): Promise<string> {
  const { ca, dnsNames, ipAddresses, lifetimeMs = DEFAULT_SERVER_LIFETIME_MS, now = Date.now() } = options;
  checkNames({ dnsNames, ipAddresses });
  const commonName = options.commonName ?? [...dnsNames, ...ipAddresses].find((name) => name.length <= MAX_COMMON_NAME);
  return sign({
    ca,
    publicKeyDer: options.publicKeyDer,
    subject: { commonName },
    usage: 'server',
    names: { dnsNames, ipAddresses },
    lifetimeMs,
    now,
  });
}

/**
 * Makes a key and a client certificate for it.
 * @param options.roles  become the Organization of the subject, in this order; one at least, where there is no name
 * @param options.kind  of the key; Ed25519 by default
 * @param options.lifetimeMs  one year by default
 */
export async function issueClientCertificate(options: {
  ca: PemPair;
  roles: readonly string[];
  commonName?: string;
  kind?: KeyKind;
  lifetimeMs?: number;
  now?: number;
}): Promise<PemPair> {
  const key = await generatePrivateKey(options.kind ?? 'ed25519');
  const crt = await issueClientCertificateFor({ ...options, publicKeyDer: publicKeyDer(key) });
  return { crt, key: encodePrivateKey(key) };
}

/** Issues a client certificate for a bare public key; otherwise as `issueClientCertificate`. */
export async function issueClientCertificateFor(options: {
  ca: PemPair;
  publicKeyDer: Uint8Array;
  roles: readonly string[];
  commonName?: string;
  lifetimeMs?: number;
  now?: number;
}): Promise<string> {
  const { ca, roles, commonName, lifetimeMs = DEFAULT_CLIENT_LIFETIME_MS, now = Date.now() } = options;
  if ((roles.length === 0 && !commonName) || roles.some((role) => role === '')) {
    throw new TalosError('ERR_PKI_NAME', 'a client certificate needs a role, or a name');
  }
  return sign({
    ca,
    publicKeyDer: options.publicKeyDer,
    subject: { organizations: roles, commonName },
    usage: 'client',
    lifetimeMs,
    now,
  });
}

/** The authority with its key, and the time of a certificate that it issues now. */
export function beginSigning({ ca, lifetimeMs, now }: Pick<SignOptions, 'ca' | 'lifetimeMs' | 'now'>) {
  const authority = parseCertificate(ca.crt);
  if (!authority.isAuthority)
    throw new TalosError('ERR_PKI_CERTIFICATE', 'the signing certificate is not an authority');
  const authorityKey = decodePrivateKey(ca.key);
  if (!publicKeyDer(authorityKey).equals(authority.publicKeyDer)) {
    throw new TalosError('ERR_PKI_KEY', "the private key is not the authority's");
  }
  const begin = Math.max(now, authority.notBefore.getTime());
  const notAfter = Math.min(begin + lifetimeMs, authority.notAfter.getTime());
  if (notAfter <= begin) {
    throw new TalosError('ERR_PKI_CERTIFICATE', `the authority expired at ${authority.notAfter.toISOString()}`);
  }
  return {
    ...{ authority, authorityKey, notAfter: new Date(notAfter) },
    notBefore: new Date(Math.max(begin - CLOCK_SKEW_MS, authority.notBefore.getTime())),
  };
}

function sign(options: SignOptions): string {
  const { authority, authorityKey, notBefore, notAfter } = beginSigning(options);
  return signCertificate(
    {
      serialNumber: randomSerial(),
      subject: options.subject,
      notBefore,
      notAfter,
      publicKeyDer: checkPublicKeyDer(options.publicKeyDer),
      isAuthority: false,
      keyUsage: KeyUsageFlags.digitalSignature,
      extendedKeyUsages: [options.usage === 'server' ? id_kp_serverAuth : id_kp_clientAuth],
      names: options.names,
    },
    authorityKey,
    authority.der,
  );
}

function checkNames(names: ServerNames): void {
  if (names.dnsNames.length + names.ipAddresses.length === 0) {
    throw new TalosError('ERR_PKI_NAME', 'a server certificate needs at least one name or address');
  }
  for (const name of names.dnsNames) {
    if (!DNS_NAME.test(name)) throw new TalosError('ERR_PKI_NAME', `${JSON.stringify(name)} is not a DNS name`);
  }
  for (const address of names.ipAddresses) assertIp(address);
}

export function assertIp(address: string): void {
  if (isIP(address) === 0 || address.includes('%')) {
    throw new TalosError('ERR_PKI_NAME', `${JSON.stringify(address)} is not an IP address`);
  }
}

/** Positive and not zero, as RFC 5280 section 4.1.2.2 wants. */
export function randomSerial(): Buffer {
  const bytes = randomBytes(SERIAL_BYTES);
  bytes[0] = ((bytes[0] as number) & 0x3f) | 0x40;
  return bytes;
}
