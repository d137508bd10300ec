/** Reading certificates and deciding whether one is to be believed. Names are taken from the parsed structure, never from printed text. */
import { X509Certificate as NodeCertificate } from 'node:crypto';
import { id_kp_clientAuth, id_kp_serverAuth } from '@peculiar/asn1-x509';
import { TalosError } from '../base/errors.js';
import { readCertificate } from './x509.js';

/** What a certificate may be used for, as far as we issue them. */
export type CertificateUsage = 'server' | 'client';

/** What a certificate says about itself; nothing here has been verified. */
export interface CertificateInfo {
  /** Hexadecimal. */
  serialNumber: string;
  commonName: string | undefined;
  /** Organization values of the subject: roles, in a client certificate. */
  organizations: string[];
  issuer: string;
  notBefore: Date;
  notAfter: Date;
  isAuthority: boolean;
  usages: CertificateUsage[];
  /** Extended key usages other than the two above, as object identifiers. */
  otherUsages: string[];
  dnsNames: string[];
  ipAddresses: string[];
}

/** A certificate that was parsed. */
export interface ParsedCertificate extends CertificateInfo {
  pem: string;
  der: Buffer;
  /** SubjectPublicKeyInfo. */
  publicKeyDer: Buffer;
}

export type CertificateVerdict =
  | { kind: 'valid' }
  /** Signed by a key that none of the given authorities has. */
  | { kind: 'unknown-authority' }
  | { kind: 'not-yet-valid'; notBefore: Date }
  | { kind: 'expired'; notAfter: Date }
  /** An authority itself, or not exactly the usage that is needed. */
  | { kind: 'wrong-usage' };

const USAGES: Record<string, CertificateUsage> = {
  [id_kp_serverAuth]: 'server',
  [id_kp_clientAuth]: 'client',
};

/**
 * Parses one certificate, PEM or DER.
 * @throws ERR_PKI_CERTIFICATE  it is not one
 */
export function parseCertificate(data: string | Uint8Array): ParsedCertificate {
  try {
    const node = new NodeCertificate(typeof data === 'string' ? data : Buffer.from(data));
    const { commonNames, extendedKeyUsages, ...contents } = readCertificate(node.raw);
    return {
      ...contents,
      pem: node.toString(),
      der: node.raw,
      publicKeyDer: node.publicKey.export({ type: 'spki', format: 'der' }),
      serialNumber: node.serialNumber.toLowerCase(),
      commonName: commonNames[0],
      issuer: node.issuer.replaceAll('\n', ', '),
      usages: extendedKeyUsages.flatMap((oid) => USAGES[oid] ?? []),
      otherUsages: extendedKeyUsages.filter((oid) => !(oid in USAGES)),
    };
  } catch (cause) {
    throw new TalosError('ERR_PKI_CERTIFICATE', 'this is not an X.509 certificate', { cause });
  }
}

/** Splits a PEM bundle into its certificates; text between them is ignored. */
export function splitCertificates(bundle: string): string[] {
  return bundle.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
}

/** Of which of the times now is not a part. */
function outsideOf(
  times: Pick<CertificateInfo, 'notBefore' | 'notAfter'>[],
  now: number,
): CertificateVerdict | undefined {
  for (const { notBefore, notAfter } of times) {
    if (now < notBefore.getTime()) return { kind: 'not-yet-valid', notBefore };
    if (now >= notAfter.getTime()) return { kind: 'expired', notAfter };
  }
  return undefined;
}

/**
 * Decides whether a certificate is to be believed: signed directly by one of the authorities (the machine API has no intermediates),
 * within its time and its authority's, and made for exactly this usage.
 * @param options.authorities  PEM bundle of the accepted CAs
 * @param options.now          milliseconds since the epoch
 */
export function verifyCertificate(options: {
  certificate: string | Uint8Array;
  authorities: string;
  usage: CertificateUsage;
  now: number;
}): CertificateVerdict {
  const certificate = parseCertificate(options.certificate);
  const node = new NodeCertificate(certificate.der);
  // One that was renewed with its key is there several times.
  const outsides = splitCertificates(options.authorities)
    .map((pem) => new NodeCertificate(pem))
    .filter((candidate) => candidate.ca && node.checkIssued(candidate) && node.verify(candidate.publicKey))
    .map((authority) => outsideOf([certificate, parseCertificate(authority.raw)], options.now));
  if (!outsides.includes(undefined)) return outsides[0] ?? { kind: 'unknown-authority' };
  const isExact =
    certificate.usages.length === 1 && certificate.usages[0] === options.usage && certificate.otherUsages.length === 0;
  return certificate.isAuthority || !isExact ? { kind: 'wrong-usage' } : { kind: 'valid' };
}
