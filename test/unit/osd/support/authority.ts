/** Certificates of every kind, good and bad, for a server on 127.0.0.1. */
import 'reflect-metadata';
import { createPrivateKey, generateKeyPairSync, type KeyObject, webcrypto } from 'node:crypto';
import {
  BasicConstraintsExtension,
  ExtendedKeyUsageExtension,
  type JsonName,
  X509Certificate,
  X509CertificateGenerator,
} from '@peculiar/x509';
import type { PemPair } from '../../../../lib/base/secrets-bundle.js';
import { HOUR_MS } from '../../../../lib/base/units.js';
import {
  createCertificateAuthority,
  issueClientCertificate,
  issueServerCertificate,
} from '../../../../lib/pki/issue.js';
import { standardPrivateKeyPem } from '../../../../lib/pki/keys.js';
import { splitBundle, type TlsMaterial } from '../../../../lib/server/tls-material.js';

export const CLIENT_AUTH = '1.3.6.1.5.5.7.3.2';
export const SERVER_AUTH = '1.3.6.1.5.5.7.3.1';

/** A key that node:tls reads. */
function usable(pair: PemPair): PemPair {
  return { crt: pair.crt, key: standardPrivateKeyPem(pair.key) };
}

export interface OddLeaf {
  subject?: JsonName;
  usages?: string[];
  isAuthority?: boolean;
  notBefore?: number;
  notAfter?: number;
  /** Of the leaf; Ed25519 unless said otherwise. */
  keys?: webcrypto.EcKeyGenParams | webcrypto.RsaHashedKeyGenParams;
}

export class Authority {
  private constructor(readonly pair: PemPair) {}

  static async create(): Promise<Authority> {
    return new Authority(await createCertificateAuthority());
  }

  get certificate(): string {
    return this.pair.crt;
  }

  async client(roles: string[], times: { now?: number; lifetimeMs?: number } = {}): Promise<PemPair> {
    return usable(await issueClientCertificate({ ca: this.pair, roles, ...times }));
  }

  /** What osd listens with. */
  async material(acceptedCas: string[] = [this.certificate], lifetimeMs = HOUR_MS): Promise<TlsMaterial> {
    const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const certificate = await issueServerCertificate({
      ca: this.pair,
      publicKeyDer: publicKey.export({ type: 'spki', format: 'der' }),
      dnsNames: ['localhost'],
      ipAddresses: ['127.0.0.1'],
      lifetimeMs,
    });
    return { key: pem(privateKey), certificate, acceptedCas: acceptedCas.flatMap(splitBundle) };
  }

  /** A leaf that lib/pki would never issue. */
  async odd(options: OddLeaf): Promise<PemPair> {
    const algorithm = { name: 'Ed25519' };
    const keys = (await webcrypto.subtle.generateKey(options.keys ?? algorithm, true, [
      'sign',
      'verify',
    ])) as webcrypto.CryptoKeyPair;
    const caKey = createPrivateKey(standardPrivateKeyPem(this.pair.key));
    const signingKey = await webcrypto.subtle.importKey(
      'pkcs8',
      caKey.export({ type: 'pkcs8', format: 'der' }),
      algorithm,
      false,
      ['sign'],
    );
    const extensions = [];
    if (options.usages) extensions.push(new ExtendedKeyUsageExtension(options.usages));
    if (options.isAuthority) extensions.push(new BasicConstraintsExtension(true, undefined, true));
    const certificate = await X509CertificateGenerator.create(
      {
        serialNumber: '01',
        subject: options.subject ?? [{ O: ['os:admin'] }],
        issuer: new X509Certificate(this.pair.crt).subjectName.toJSON(),
        notBefore: new Date(options.notBefore ?? Date.now() - HOUR_MS),
        notAfter: new Date(options.notAfter ?? Date.now() + HOUR_MS),
        publicKey: keys.publicKey as never,
        signingKey: signingKey as never,
        signingAlgorithm: algorithm,
        extensions,
      },
      webcrypto as never,
    );
    const key = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey)).toString('base64');
    return {
      crt: certificate.toString('pem'),
      key: `-----BEGIN PRIVATE KEY-----\n${key}\n-----END PRIVATE KEY-----\n`,
    };
  }
}

function pem(key: KeyObject): string {
  return key.export({ type: 'pkcs8', format: 'pem' }).toString();
}
