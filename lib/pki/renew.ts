import { type KeyObject, X509Certificate } from 'node:crypto';
import { AsnConvert } from '@peculiar/asn1-schema';
import { Certificate, Validity } from '@peculiar/asn1-x509';
import { TalosError } from '../base/errors.js';
import type { PemPair } from '../base/secrets-bundle.js';
import { parseCertificate } from './certificate.js';
import { beginSigning, randomSerial } from './issue.js';
import { type CertificateFields, signatureOf, signed } from './x509.js';

/**
 * Issues a certificate of an authority anew, for the same key and with the same contents, whoever has put it together: only its serial number and its end
 * are others. Its beginning stays, so that one that was made by a clock which is ahead is valid when that is set.
 * @param options.certificate  PEM or DER; signed by this authority
 * @param options.lifetimeMs  from now on; ends with the authority's at the latest
 * @returns PEM
 * @throws ERR_PKI_CERTIFICATE  it is none, or another authority's, or this one has expired
 */
export function renewCertificate(options: {
  ca: PemPair;
  certificate: string | Uint8Array;
  lifetimeMs: number;
  now?: number;
}): string {
  const { ca, lifetimeMs, now = Date.now() } = options;
  const { der, notBefore } = parseCertificate(options.certificate);
  const { authority, authorityKey, notAfter } = beginSigning({ ca, lifetimeMs, now });
  if (!isSignedBy(der, authority.der)) {
    throw new TalosError('ERR_PKI_CERTIFICATE', 'the certificate is of another authority');
  }
  return signAgain(der, { serialNumber: randomSerial(), notBefore, notAfter }, authorityKey, authority.der);
}

function isSignedBy(der: Buffer, authority: Buffer): boolean {
  return new X509Certificate(der).verify(new X509Certificate(authority).publicKey);
}

/**
 * Signs a certificate anew: subject, key and extensions stay what they are, byte by byte.
 * @param der  of its authority before, by the same key
 * @returns PEM
 */
function signAgain(
  der: Uint8Array,
  fields: Pick<CertificateFields, 'serialNumber' | 'notBefore' | 'notAfter'>,
  signingKey: KeyObject,
  issuer: Uint8Array,
): string {
  const { tbsCertificate } = AsnConvert.parse(der, Certificate);
  const { algorithm, hash } = signatureOf(signingKey);
  tbsCertificate.serialNumber = new Uint8Array(fields.serialNumber).buffer;
  tbsCertificate.signature = algorithm;
  tbsCertificate.issuer = AsnConvert.parse(issuer, Certificate).tbsCertificate.subject;
  tbsCertificate.validity = new Validity({ notBefore: fields.notBefore, notAfter: fields.notAfter });
  return signed(tbsCertificate, algorithm, hash, signingKey);
}
