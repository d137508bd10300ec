import { constants, X509Certificate } from 'node:crypto';
import type { SecureContextOptions } from 'node:tls';

/** What the API listens with: our certificate and key, and whose clients are let in. All PEM. */
export interface TlsMaterial {
  key: string;
  certificate: string;
  acceptedCas: readonly string[];
}

/**
 * Every option of the secure context, always all of them: `setSecureContext` forgets what it is not told again.
 * TLS 1.3 only; no tickets, so that no session outlives the certificate that it was opened with.
 */
export function secureContextOptions(material: TlsMaterial): SecureContextOptions {
  return {
    key: material.key,
    cert: material.certificate,
    ca: [...material.acceptedCas],
    minVersion: 'TLSv1.3',
    maxVersion: 'TLSv1.3',
    ciphers: 'TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256',
    honorCipherOrder: true,
    secureOptions: constants.SSL_OP_NO_TICKET | constants.SSL_OP_NO_RENEGOTIATION,
  };
}

const PEM_CERTIFICATE = /-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g;

/** Takes a PEM bundle apart. @throws Error when there is no certificate in it */
export function splitBundle(pem: string): string[] {
  const found = pem.match(PEM_CERTIFICATE);
  if (!found) throw new Error('no certificate in the bundle of accepted authorities');
  return found;
}

/** True if one of the authorities has signed this certificate itself. */
export function isIssuedByAny(certificate: X509Certificate, authorities: readonly string[]): boolean {
  return authorities.some((pem) => {
    const authority = new X509Certificate(pem);
    return certificate.checkIssued(authority) && certificate.verify(authority.publicKey);
  });
}
