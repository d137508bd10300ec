import { X509Certificate } from 'node:crypto';
import { errorMessage } from '../base/errors.js';
import type { PemPair } from '../base/secrets-bundle.js';
import { parseCertificate, splitCertificates } from './certificate.js';
import { decodePrivateKey, publicKeyDer } from './keys.js';

/**
 * What is wrong with an authority as somebody gave it to us: one certificate, an authority's, and its own key where there is one.
 * @returns the part and a sentence about it; undefined when nothing is wrong
 */
export function authorityProblem({ crt, key }: PemPair): { field: 'crt' | 'key'; message: string } | undefined {
  try {
    if (splitCertificates(crt).length !== 1) return { field: 'crt', message: 'must hold one certificate' };
    if (!parseCertificate(crt).isAuthority) return { field: 'crt', message: 'is not the certificate of an authority' };
  } catch (error) {
    return { field: 'crt', message: errorMessage(error) };
  }
  if (key === '') return undefined;
  try {
    const own = new X509Certificate(crt).publicKey.export({ type: 'spki', format: 'der' });
    if (!publicKeyDer(decodePrivateKey(key)).equals(own)) {
      return { field: 'key', message: 'is not the private key of the certificate beside it' };
    }
  } catch (error) {
    return { field: 'key', message: errorMessage(error) };
  }
  return undefined;
}
