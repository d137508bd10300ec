/** Reading certificates and deciding whether one is to be believed. Names are taken from the parsed structure, never from printed text. */
import 'reflect-metadata';
import { X509Certificate as NodeCertificate } from 'node:crypto';
import {
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  SubjectAlternativeNameExtension,
  X509Certificate,
} from '@peculiar/x509';
import { TalosError } from '../base/errors.js';

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
  [ExtendedKeyUsage.serverAuth]: 'server',
  [ExtendedKeyUsage.clientAuth]: 'client',
};

/**
 * Parses one certificate, PEM or DER.
 * @throws ERR_PKI_CERTIFICATE  it is not one
 */
export function parseCertificate(data: string | Uint8Array): ParsedCertificate {
  try {
    const node = new NodeCertificate(typeof data === 'string' ? data : Buffer.from(data));
    const parsed = new X509Certificate(node.raw);
    const subject = parsed.subjectName.toJSON();
    const usages = Array.from(parsed.getExtension(ExtendedKeyUsageExtension)?.usages ?? [], String);
    const names = Array.from(parsed.getExtension(SubjectAlternativeNameExtension)?.names.toJSON() ?? []);
    return {
      pem: node.toString(),
      der: node.raw,
      serialNumber: parsed.serialNumber,
      commonName: subject.flatMap((rdn) => rdn.CN ?? [])[0],
      organizations: subject.flatMap((rdn) => rdn.O ?? []),
      issuer: parsed.issuer,
      notBefore: parsed.notBefore,
      notAfter: parsed.notAfter,
      isAuthority: parsed.getExtension(BasicConstraintsExtension)?.ca ?? false,
      usages: usages.flatMap((oid) => USAGES[oid] ?? []),
      otherUsages: usages.filter((oid) => !(oid in USAGES)),
      dnsNames: names.flatMap((name) => (name.type === 'dns' ? name.value : [])),
      ipAddresses: names.flatMap((name) => (name.type === 'ip' ? name.value : [])),
    };
  } catch (cause) {
    throw new TalosError('ERR_PKI_CERTIFICATE', 'this is not an X.509 certificate', { cause });
  }
}

/** Splits a PEM bundle into its certificates; text between them is ignored. */
export function splitCertificates(bundle: string): string[] {
  return bundle.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
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
  const authority = splitCertificates(options.authorities)
    .map((pem) => new NodeCertificate(pem))
    .find((candidate) => candidate.ca && node.checkIssued(candidate) && node.verify(candidate.publicKey));
  if (authority === undefined) return { kind: 'unknown-authority' };
  for (const { notBefore, notAfter } of [certificate, parseCertificate(authority.raw)]) {
    if (options.now < notBefore.getTime()) return { kind: 'not-yet-valid', notBefore };
    if (options.now >= notAfter.getTime()) return { kind: 'expired', notAfter };
  }
  const isExact =
    certificate.usages.length === 1 && certificate.usages[0] === options.usage && certificate.otherUsages.length === 0;
  return certificate.isAuthority || !isExact ? { kind: 'wrong-usage' } : { kind: 'valid' };
}
