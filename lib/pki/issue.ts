/**
 * Issuing: authorities, server and client certificates, and signing requests.
 *
 * Every certificate gets a random 127-bit serial number and exactly one extended key usage. The issuer decides subject, names, usage
 * and lifetime; of what an asker sends only the public key is used.
 *
 * Clocks: `notBefore` lies one hour in the past, so that a verifier whose clock is up to an hour behind accepts a fresh certificate.
 * Neither end of a certificate's life lies outside its authority's; an issuer whose clock is before its authority's beginning
 * counts from there (a machine without a battery-backed clock starts in 1970, and its API must come up all the same).
 */
import 'reflect-metadata';
import { randomBytes, webcrypto } from 'node:crypto';
import { isIP } from 'node:net';
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  type Extension,
  type JsonName,
  KeyUsageFlags,
  KeyUsagesExtension,
  Pkcs10CertificateRequest,
  Pkcs10CertificateRequestGenerator,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509Certificate,
  X509CertificateGenerator,
} from '@peculiar/x509';
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
  signingAlgorithm,
  toCryptoKeyPair,
} from './keys.js';

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
  subject: JsonName;
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
  const spki = publicKeyDer(key);
  const name: JsonName = [];
  if (organization !== '') name.push({ O: [organization] });
  if (commonName !== undefined) name.push({ CN: [commonName] });
  const certificate = await X509CertificateGenerator.create(
    {
      serialNumber: randomSerial(),
      subject: name,
      issuer: name,
      notBefore: new Date(now - CLOCK_SKEW_MS),
      notAfter: new Date(now + lifetimeMs),
      publicKey: spki,
      signingKey: (await toCryptoKeyPair(key)).privateKey,
      signingAlgorithm: signingAlgorithm(key),
      extensions: [
        new BasicConstraintsExtension(true, undefined, true),
        new KeyUsagesExtension(
          KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign | KeyUsageFlags.digitalSignature,
          true,
        ),
        await SubjectKeyIdentifierExtension.create(spki, false, webcrypto as never),
      ],
    },
    webcrypto as never,
  );
  return { crt: pemOf(certificate), key: encodePrivateKey(key) };
}

/**
 * Issues a server certificate for a bare public key.
 * @param options.publicKeyDer  SubjectPublicKeyInfo; checked, and the only thing taken from the asker
 * @param options.lifetimeMs    24 hours by default; ends with the authority's at the latest
 * @returns PEM
 * @throws ERR_PKI_KEY   the public key is malformed or too weak
 * @throws ERR_PKI_NAME  a name is no DNS name or IP address, or there is none
 */
export async function issueServerCertificate(
  options: { ca: PemPair; publicKeyDer: Uint8Array; lifetimeMs?: number; now?: number } & ServerNames,
): Promise<string> {
  const { ca, dnsNames, ipAddresses, lifetimeMs = DEFAULT_SERVER_LIFETIME_MS, now = Date.now() } = options;
  checkNames({ dnsNames, ipAddresses });
  const commonName = [...dnsNames, ...ipAddresses].find((name) => name.length <= MAX_COMMON_NAME);
  return sign({
    ca,
    publicKeyDer: options.publicKeyDer,
    subject: commonName === undefined ? [] : [{ CN: [commonName] }],
    usage: 'server',
    names: { dnsNames, ipAddresses },
    lifetimeMs,
    now,
  });
}

/**
 * Makes a key and a client certificate for it.
 * @param options.roles  become the Organization of the subject, in this order
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
  if (roles.length === 0 || roles.some((role) => role === '')) {
    throw new TalosError('ERR_PKI_NAME', 'a client certificate needs at least one role');
  }
  return sign({
    ca,
    publicKeyDer: options.publicKeyDer,
    subject: [{ O: [...roles] }, ...(commonName === undefined ? [] : [{ CN: [commonName] }])],
    usage: 'client',
    lifetimeMs,
    now,
  });
}

/** Makes a signing request (PEM) with the roles as Organization and the addresses as alternative names, as talosctl's does. */
export async function createSigningRequest(options: {
  key: string;
  roles: string[];
  ipAddresses: string[];
}): Promise<string> {
  const key = decodePrivateKey(options.key);
  for (const address of options.ipAddresses) assertIp(address);
  const request = await Pkcs10CertificateRequestGenerator.create(
    {
      name: options.roles.length === 0 ? [] : [{ O: options.roles }],
      keys: (await toCryptoKeyPair(key)) as never,
      signingAlgorithm: signingAlgorithm(key),
      extensions:
        options.ipAddresses.length === 0 ? [] : [alternativeNames({ dnsNames: [], ipAddresses: options.ipAddresses })],
    },
    webcrypto as never,
  );
  return `${request.toString('pem')}\n`;
}

/** What a signing request asks for, its signature checked; it is up to the caller what of it to grant. */
export interface SigningRequest {
  publicKeyDer: Buffer;
  organizations: string[];
  ipAddresses: string[];
  dnsNames: string[];
}

/**
 * Reads a signing request.
 * @throws ERR_PKI_REQUEST  malformed, or not signed by the key that it carries
 */
export async function readSigningRequest(pem: string): Promise<SigningRequest> {
  let request: Pkcs10CertificateRequest;
  try {
    request = new Pkcs10CertificateRequest(pem);
    if (!(await request.verify(webcrypto as never))) throw new Error('the signature does not match');
  } catch (cause) {
    throw new TalosError('ERR_PKI_REQUEST', 'this is not a certificate signing request, or its signature is wrong', {
      cause,
    });
  }
  const names = Array.from(request.extensions).flatMap((extension) =>
    extension instanceof SubjectAlternativeNameExtension ? Array.from(extension.names.toJSON()) : [],
  );
  return {
    publicKeyDer: checkPublicKeyDer(Buffer.from(request.publicKey.rawData)),
    organizations: request.subjectName.toJSON().flatMap((rdn) => rdn.O ?? []),
    ipAddresses: names.flatMap((name) => (name.type === 'ip' ? name.value : [])),
    dnsNames: names.flatMap((name) => (name.type === 'dns' ? name.value : [])),
  };
}

async function sign(options: SignOptions): Promise<string> {
  const authority = parseCertificate(options.ca.crt);
  if (!authority.isAuthority)
    throw new TalosError('ERR_PKI_CERTIFICATE', 'the signing certificate is not an authority');
  const authorityKey = decodePrivateKey(options.ca.key);
  const issuer = new X509Certificate(authority.der);
  if (!publicKeyDer(authorityKey).equals(Buffer.from(issuer.publicKey.rawData))) {
    throw new TalosError('ERR_PKI_KEY', "the private key is not the authority's");
  }
  const spki = checkPublicKeyDer(options.publicKeyDer);
  const begin = Math.max(options.now, authority.notBefore.getTime());
  const notAfter = Math.min(begin + options.lifetimeMs, authority.notAfter.getTime());
  if (notAfter <= begin) {
    throw new TalosError('ERR_PKI_CERTIFICATE', `the authority expired at ${authority.notAfter.toISOString()}`);
  }
  const extensions: Extension[] = [
    new BasicConstraintsExtension(false, undefined, true),
    new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
    new ExtendedKeyUsageExtension([
      options.usage === 'server' ? ExtendedKeyUsage.serverAuth : ExtendedKeyUsage.clientAuth,
    ]),
    await AuthorityKeyIdentifierExtension.create(issuer.publicKey, false, webcrypto as never),
    await SubjectKeyIdentifierExtension.create(spki, false, webcrypto as never),
  ];
  if (options.names !== undefined) extensions.push(alternativeNames(options.names));
  const certificate = await X509CertificateGenerator.create(
    {
      serialNumber: randomSerial(),
      subject: options.subject,
      issuer: issuer.subjectName,
      notBefore: new Date(Math.max(begin - CLOCK_SKEW_MS, authority.notBefore.getTime())),
      notAfter: new Date(notAfter),
      publicKey: spki,
      signingKey: (await toCryptoKeyPair(authorityKey)).privateKey,
      signingAlgorithm: signingAlgorithm(authorityKey),
      extensions,
    },
    webcrypto as never,
  );
  return pemOf(certificate);
}

function alternativeNames(names: ServerNames): SubjectAlternativeNameExtension {
  return new SubjectAlternativeNameExtension([
    ...names.dnsNames.map((value) => ({ type: 'dns' as const, value })),
    ...names.ipAddresses.map((value) => ({ type: 'ip' as const, value })),
  ]);
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

function assertIp(address: string): void {
  if (isIP(address) === 0 || address.includes('%')) {
    throw new TalosError('ERR_PKI_NAME', `${JSON.stringify(address)} is not an IP address`);
  }
}

/** Positive and not zero, as RFC 5280 section 4.1.2.2 wants. */
function randomSerial(): string {
  const bytes = randomBytes(SERIAL_BYTES);
  bytes[0] = ((bytes[0] as number) & 0x3f) | 0x40;
  return bytes.toString('hex');
}

function pemOf(certificate: X509Certificate): string {
  return `${certificate.toString('pem')}\n`;
}
