/**
 * X.509 certificates as ASN.1 (RFC 5280), with the types of @peculiar/asn1-x509 and the signatures of node:crypto. The library on top of
 * those types, @peculiar/x509, takes three times as long to load, and a node loads this before its API can come up; signing requests alone
 * need it (signing-request.ts).
 */
import { createHash, type KeyObject, sign } from 'node:crypto';
import { AsnConvert, OctetString } from '@peculiar/asn1-schema';
import {
  AlgorithmIdentifier,
  AttributeTypeAndValue,
  AttributeValue,
  AuthorityKeyIdentifier,
  BasicConstraints,
  Certificate,
  ExtendedKeyUsage,
  Extension,
  Extensions,
  GeneralName,
  id_ce_authorityKeyIdentifier,
  id_ce_basicConstraints,
  id_ce_extKeyUsage,
  id_ce_keyUsage,
  id_ce_subjectAltName,
  id_ce_subjectKeyIdentifier,
  KeyIdentifier,
  KeyUsage,
  type KeyUsageFlags,
  Name,
  RelativeDistinguishedName,
  SubjectAlternativeName,
  SubjectKeyIdentifier,
  SubjectPublicKeyInfo,
  TBSCertificate,
  Validity,
  Version,
} from '@peculiar/asn1-x509';
import { withoutDots } from '../base/ip-address.js';

/** What a subject can have here; others of a foreign certificate are not looked at. */
const ATTRIBUTE_TYPES = { organization: '2.5.4.10', commonName: '2.5.4.3' } as const;
const PRINTABLE = /^[A-Za-z0-9 '()+,\-./:=?]*$/;
/** The DER of NULL: RSA's algorithm identifiers have parameters that say nothing (RFC 8017, A.1). */
const ASN1_NULL = new Uint8Array([5, 0]).buffer;

/** Values of a subject, each list in one relative name, as Go and talosctl do. */
export interface SubjectNames {
  readonly organizations?: readonly string[] | undefined;
  readonly commonName?: string | undefined;
}

/** Everything that is in a certificate. */
export interface CertificateFields {
  /** Big-endian, positive. */
  readonly serialNumber: Buffer;
  readonly subject: SubjectNames;
  readonly notBefore: Date;
  readonly notAfter: Date;
  /** SubjectPublicKeyInfo, DER. */
  readonly publicKeyDer: Buffer;
  readonly isAuthority: boolean;
  readonly keyUsage: number | KeyUsageFlags;
  /** Object identifiers. */
  readonly extendedKeyUsages?: readonly string[] | undefined;
  readonly names?: { readonly dnsNames: readonly string[]; readonly ipAddresses: readonly string[] } | undefined;
}

function toName({ organizations = [], commonName }: SubjectNames): Name {
  const relativeName = (type: string, values: readonly string[]) =>
    new RelativeDistinguishedName(
      values.map((value) => {
        const text = PRINTABLE.test(value) ? { printableString: value } : { utf8String: value };
        return new AttributeTypeAndValue({ type, value: new AttributeValue(text) });
      }),
    );
  return new Name([
    ...(organizations.length === 0 ? [] : [relativeName(ATTRIBUTE_TYPES.organization, organizations)]),
    ...(commonName === undefined ? [] : [relativeName(ATTRIBUTE_TYPES.commonName, [commonName])]),
  ]);
}

function extension(extnID: string, value: unknown, critical = false): Extension {
  return new Extension({ extnID, critical, extnValue: new OctetString(AsnConvert.serialize(value)) });
}

/** RFC 5280 section 4.2.1.2, method 1: SHA-1 names a key here and protects nothing. */
function keyIdentifier(spki: SubjectPublicKeyInfo): ArrayBuffer {
  return new Uint8Array(createHash('sha1').update(Buffer.from(spki.subjectPublicKey)).digest()).buffer;
}

function extensionsOf(
  fields: CertificateFields,
  spki: SubjectPublicKeyInfo,
  issuer: Certificate | undefined,
): Extension[] {
  const { isAuthority, keyUsage, extendedKeyUsages, names } = fields;
  const extensions = [
    extension(id_ce_basicConstraints, new BasicConstraints({ cA: isAuthority }), true),
    extension(id_ce_keyUsage, new KeyUsage(keyUsage), true),
  ];
  if (extendedKeyUsages) extensions.push(extension(id_ce_extKeyUsage, new ExtendedKeyUsage([...extendedKeyUsages])));
  if (issuer) {
    const keyId = new KeyIdentifier(issuerKeyIdentifier(issuer));
    extensions.push(extension(id_ce_authorityKeyIdentifier, new AuthorityKeyIdentifier({ keyIdentifier: keyId })));
  }
  extensions.push(extension(id_ce_subjectKeyIdentifier, new SubjectKeyIdentifier(keyIdentifier(spki))));
  if (names) {
    const all = [
      ...names.dnsNames.map((dNSName) => new GeneralName({ dNSName })),
      ...names.ipAddresses.map((address) => new GeneralName({ iPAddress: addressForm(address) })),
    ];
    extensions.push(extension(id_ce_subjectAltName, new SubjectAlternativeName(all)));
  }
  return extensions;
}

/** As the library takes an address: of one that ends like IPv4's it would make another. */
export function addressForm(address: string): string {
  return address.includes(':') ? withoutDots(address) : address;
}

/** The one that the authority gave itself, where it did: there are others than method 1. */
function issuerKeyIdentifier(issuer: Certificate): ArrayBuffer {
  const own = extensionValue(issuer, id_ce_subjectKeyIdentifier, SubjectKeyIdentifier);
  return own?.buffer ?? keyIdentifier(issuer.tbsCertificate.subjectPublicKeyInfo);
}

/** How a key signs: the identifier for the certificate (RFC 8410, 5758, 4055), and what node:crypto calls the hash. */
export function signatureOf(key: KeyObject): { algorithm: AlgorithmIdentifier; hash: string | null } {
  if (key.asymmetricKeyType === 'ed25519') {
    return { algorithm: new AlgorithmIdentifier({ algorithm: '1.3.101.112' }), hash: null };
  }
  if (key.asymmetricKeyType === 'ec') {
    const isLarge = key.asymmetricKeyDetails?.namedCurve === 'secp384r1';
    const algorithm = isLarge ? '1.2.840.10045.4.3.3' : '1.2.840.10045.4.3.2';
    return { algorithm: new AlgorithmIdentifier({ algorithm }), hash: isLarge ? 'sha384' : 'sha256' };
  }
  const rsa = new AlgorithmIdentifier({ algorithm: '1.2.840.113549.1.1.11', parameters: ASN1_NULL });
  return { algorithm: rsa, hash: 'sha256' };
}

/**
 * Puts a certificate together and signs it.
 * @param issuer  the authority's certificate (DER); a certificate without one is its own issuer
 * @param signingKey  the issuer's
 * @returns PEM
 */
export function signCertificate(fields: CertificateFields, signingKey: KeyObject, issuer?: Uint8Array): string {
  const spki = AsnConvert.parse(fields.publicKeyDer, SubjectPublicKeyInfo);
  const authority = issuer && AsnConvert.parse(issuer, Certificate);
  const subject = toName(fields.subject);
  const { algorithm, hash } = signatureOf(signingKey);
  const tbsCertificate = new TBSCertificate({
    version: Version.v3,
    serialNumber: new Uint8Array(fields.serialNumber).buffer,
    signature: algorithm,
    issuer: authority?.tbsCertificate.subject ?? subject,
    validity: new Validity({ notBefore: fields.notBefore, notAfter: fields.notAfter }),
    subject,
    subjectPublicKeyInfo: spki,
    extensions: new Extensions(extensionsOf(fields, spki, authority)),
  });
  return signed(tbsCertificate, algorithm, hash, signingKey);
}

/** A certificate of these contents. @returns PEM */
export function signed(
  tbsCertificate: TBSCertificate,
  algorithm: AlgorithmIdentifier,
  hash: string | null,
  signingKey: KeyObject,
): string {
  const signature = sign(hash, Buffer.from(AsnConvert.serialize(tbsCertificate)), signingKey);
  const certificate = new Certificate({
    tbsCertificate,
    signatureAlgorithm: algorithm,
    signatureValue: new Uint8Array(signature).buffer,
  });
  return toPem(Buffer.from(AsnConvert.serialize(certificate)));
}

function toPem(der: Buffer): string {
  const lines = der.toString('base64').match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`;
}

function extensionValue<T>(certificate: Certificate, id: string, type: new () => T): T | undefined {
  const found = certificate.tbsCertificate.extensions?.find(({ extnID }) => extnID === id);
  return found && AsnConvert.parse(found.extnValue.buffer, type);
}

/** What a certificate says that node:crypto does not tell as it stands there. */
export interface CertificateContents {
  organizations: string[];
  commonNames: string[];
  notBefore: Date;
  notAfter: Date;
  isAuthority: boolean;
  /** Object identifiers. */
  extendedKeyUsages: string[];
  dnsNames: string[];
  ipAddresses: string[];
}

/** @throws Error  it is no certificate, or an extension that we read is malformed */
export function readCertificate(der: Uint8Array): CertificateContents {
  const certificate = AsnConvert.parse(der, Certificate);
  const { subject, validity } = certificate.tbsCertificate;
  const attributes = [...subject].flatMap((relativeName) => [...relativeName]);
  const valuesOf = (wanted: string) =>
    attributes.filter(({ type }) => type === wanted).map(({ value }) => value.toString());
  const names = [...(extensionValue(certificate, id_ce_subjectAltName, SubjectAlternativeName) ?? [])];
  return {
    organizations: valuesOf(ATTRIBUTE_TYPES.organization),
    commonNames: valuesOf(ATTRIBUTE_TYPES.commonName),
    notBefore: validity.notBefore.getTime(),
    notAfter: validity.notAfter.getTime(),
    isAuthority: extensionValue(certificate, id_ce_basicConstraints, BasicConstraints)?.cA ?? false,
    extendedKeyUsages: [...(extensionValue(certificate, id_ce_extKeyUsage, ExtendedKeyUsage) ?? [])],
    dnsNames: names.flatMap(({ dNSName }) => dNSName ?? []),
    ipAddresses: names.flatMap(({ iPAddress }) => iPAddress ?? []),
  };
}
