/**
 * Private keys: generation, PEM in the forms that talosctl reads and writes, and the hand-over to WebCrypto.
 *
 * talosctl labels an Ed25519 key `ED25519 PRIVATE KEY` although its content is plain PKCS#8, a form that OpenSSL does not know;
 * `decodePrivateKey` accepts both labels, `standardPrivateKeyPem` gives what TLS libraries read.
 */
import { createPrivateKey, createPublicKey, generateKeyPair, type KeyObject, webcrypto } from 'node:crypto';
import { promisify } from 'node:util';
import { TalosError } from '../base/errors.js';

const generateKeyPairAsync = promisify(generateKeyPair) as unknown as (
  type: string,
  options?: object,
) => Promise<{ publicKey: KeyObject; privateKey: KeyObject }>;

/** The kinds of keys that we make. Ed25519 for the machine API; Kubernetes 1.20 and etcd want one of the others. */
export type KeyKind = 'ed25519' | 'ecdsa-p256' | 'rsa-4096';

/** Smallest RSA modulus that we accept from others, in bits. */
const MIN_RSA_BITS = 2048;
/** Curves that we accept from others, by OpenSSL's names, with those of WebCrypto. */
const CURVES: Record<string, string> = { prime256v1: 'P-256', secp384r1: 'P-384' };
/** A SubjectPublicKeyInfo of RSA 8192 takes 1 KiB; nothing sensible is longer. */
const MAX_PUBLIC_KEY_BYTES = 2048;

/** Makes a private key. RSA takes seconds, in libuv's pool; the others microseconds. */
export async function generatePrivateKey(kind: KeyKind = 'ed25519'): Promise<KeyObject> {
  switch (kind) {
    case 'ed25519':
      return (await generateKeyPairAsync('ed25519')).privateKey;
    case 'ecdsa-p256':
      return (await generateKeyPairAsync('ec', { namedCurve: 'P-256' })).privateKey;
    case 'rsa-4096':
      return (await generateKeyPairAsync('rsa', { modulusLength: 4096 })).privateKey;
  }
}

/** PEM as talosctl writes it: `ED25519 PRIVATE KEY` (PKCS#8), `EC PRIVATE KEY` (SEC 1), `RSA PRIVATE KEY` (PKCS#1). */
export function encodePrivateKey(key: KeyObject): string {
  switch (key.asymmetricKeyType) {
    case 'ed25519':
      return relabel(key.export({ type: 'pkcs8', format: 'pem' }) as string, 'PRIVATE KEY', 'ED25519 PRIVATE KEY');
    case 'ec':
      return key.export({ type: 'sec1', format: 'pem' }) as string;
    case 'rsa':
      return key.export({ type: 'pkcs1', format: 'pem' }) as string;
    default:
      throw new TalosError('ERR_PKI_KEY', `keys of type ${key.asymmetricKeyType} are not supported`);
  }
}

/** PEM of the public half as talosctl writes it beside a key: `ED25519 PUBLIC KEY` or `PUBLIC KEY`, both SubjectPublicKeyInfo. */
export function encodePublicKey(privateKey: KeyObject): string {
  const pem = createPublicKey(privateKey).export({ type: 'spki', format: 'pem' }) as string;
  return privateKey.asymmetricKeyType === 'ed25519' ? relabel(pem, 'PUBLIC KEY', 'ED25519 PUBLIC KEY') : pem;
}

/**
 * Reads a private key: PKCS#8, PKCS#1 or SEC 1, with talosctl's label or the standard one.
 * @throws ERR_PKI_KEY  no private key in the text, an encrypted one, or a kind that is not supported
 */
export function decodePrivateKey(pem: string): KeyObject {
  let key: KeyObject;
  try {
    key = createPrivateKey(standardPrivateKeyPem(pem));
  } catch (cause) {
    throw new TalosError('ERR_PKI_KEY', 'this is not an unencrypted private key in PEM', { cause });
  }
  assertSupported(key);
  return key;
}

/** The same key with labels that OpenSSL, and so node:tls and grpc-js, know. */
export function standardPrivateKeyPem(pem: string): string {
  return relabel(pem, 'ED25519 PRIVATE KEY', 'PRIVATE KEY');
}

/** SubjectPublicKeyInfo (DER) of a private key. */
export function publicKeyDer(privateKey: KeyObject): Buffer {
  return createPublicKey(privateKey).export({ type: 'spki', format: 'der' });
}

/**
 * Checks a public key that somebody else sent before anything is signed for it.
 * @param der  SubjectPublicKeyInfo, exactly: trailing bytes are refused
 * @throws ERR_PKI_KEY  malformed, too large, or a kind, curve or size that we do not accept
 */
export function checkPublicKeyDer(der: Uint8Array): Buffer {
  if (der.byteLength === 0 || der.byteLength > MAX_PUBLIC_KEY_BYTES) {
    throw new TalosError('ERR_PKI_KEY', `a public key of ${der.byteLength} bytes is not acceptable`);
  }
  let key: KeyObject;
  try {
    key = createPublicKey({ key: Buffer.from(der), format: 'der', type: 'spki' });
  } catch (cause) {
    throw new TalosError('ERR_PKI_KEY', 'this is not a public key (SubjectPublicKeyInfo, DER)', { cause });
  }
  assertSupported(key);
  const canonical = key.export({ type: 'spki', format: 'der' });
  if (!canonical.equals(der)) throw new TalosError('ERR_PKI_KEY', 'the public key is not in its canonical encoding');
  return canonical;
}

/** WebCrypto's name of a key's signature algorithm, as @peculiar/x509 wants it. */
export function signingAlgorithm(key: KeyObject): webcrypto.Algorithm & { hash?: string; namedCurve?: string } {
  switch (key.asymmetricKeyType) {
    case 'ed25519':
      return { name: 'Ed25519' };
    case 'ec': {
      const namedCurve = CURVES[key.asymmetricKeyDetails?.namedCurve ?? ''] as string;
      return { name: 'ECDSA', namedCurve, hash: namedCurve === 'P-384' ? 'SHA-384' : 'SHA-256' };
    }
    default:
      return { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' };
  }
}

/** The key as WebCrypto handles, the form in which @peculiar/x509 takes keys to sign with. */
export async function toCryptoKeyPair(privateKey: KeyObject): Promise<webcrypto.CryptoKeyPair> {
  const algorithm = signingAlgorithm(privateKey);
  const pkcs8 = privateKey.export({ type: 'pkcs8', format: 'der' });
  return {
    privateKey: await webcrypto.subtle.importKey('pkcs8', pkcs8, algorithm, false, ['sign']),
    publicKey: await webcrypto.subtle.importKey('spki', publicKeyDer(privateKey), algorithm, true, ['verify']),
  };
}

function assertSupported(key: KeyObject): void {
  const details = key.asymmetricKeyDetails;
  const isSupported =
    key.asymmetricKeyType === 'ed25519' ||
    (key.asymmetricKeyType === 'ec' && (details?.namedCurve ?? '') in CURVES) ||
    (key.asymmetricKeyType === 'rsa' && (details?.modulusLength ?? 0) >= MIN_RSA_BITS);
  if (!isSupported) {
    const what = details?.namedCurve ?? details?.modulusLength ?? '';
    throw new TalosError('ERR_PKI_KEY', `a key of type ${key.asymmetricKeyType} ${what} is not supported`);
  }
}

function relabel(pem: string, from: string, to: string): string {
  return pem
    .replaceAll(`-----BEGIN ${from}-----`, `-----BEGIN ${to}-----`)
    .replaceAll(`-----END ${from}-----`, `-----END ${to}-----`);
}
