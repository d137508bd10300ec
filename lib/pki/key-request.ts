/**
 * A signing request (PKCS #10, RFC 2986) that stands for a key alone: made by a node that joins, read by the control plane that it asks.
 * Names, roles and extensions in it are for the certificate's issuer to decide, so that they are neither written nor looked at here.
 *
 * The reader takes bytes from strangers. It cuts the structure at the few places that it has to know, by strict DER without recursion, and
 * leaves keys and signatures to OpenSSL.
 */
import { createPublicKey, type KeyObject, sign, verify } from 'node:crypto';
import { TalosError } from '../base/errors.js';
import { KIB } from '../base/units.js';
import { checkPublicKeyDer, publicKeyDer } from './keys.js';

/** One of an RSA key of 4096 bits with a hundred names takes half of it. */
export const MAX_KEY_REQUEST_BYTES = 8 * KIB;
/** A key of more is slow to check, and nobody has one. */
const MAX_RSA_BITS = 4096;
/** The same: a signature is checked in a time that grows with it. Go's libraries take none that is larger. */
const MAX_RSA_EXPONENT = 2n ** 31n - 1n;

const SEQUENCE = 0x30;
const INTEGER = 0x02;
const BIT_STRING = 0x03;
const OBJECT_IDENTIFIER = 0x06;
const NULL = 0x05;
/** [0], constructed: the attributes. */
const ATTRIBUTES = 0xa0;

/** How requests are signed, by the object identifier's content: the kind of key, and what node:crypto calls the hash. */
const ALGORITHMS: Readonly<Record<string, { keyType: string; hash: string | null; hasNull: boolean }>> = {
  '2b6570': { keyType: 'ed25519', hash: null, hasNull: false },
  '2a8648ce3d040302': { keyType: 'ec', hash: 'sha256', hasNull: false },
  '2a8648ce3d040303': { keyType: 'ec', hash: 'sha384', hasNull: false },
  '2a8648ce3d040304': { keyType: 'ec', hash: 'sha512', hasNull: false },
  '2a864886f70d01010b': { keyType: 'rsa', hash: 'sha256', hasNull: true },
  '2a864886f70d01010c': { keyType: 'rsa', hash: 'sha384', hasNull: true },
  '2a864886f70d01010d': { keyType: 'rsa', hash: 'sha512', hasNull: true },
};
/** Those that we sign with, by kind of key. */
const OWN_ALGORITHMS: Readonly<Record<string, string>> = {
  ed25519: '2b6570',
  ec: '2a8648ce3d040302',
  rsa: '2a864886f70d01010b',
};

/**
 * Makes a request for a key: no subject, no attributes.
 * @returns PEM
 * @throws ERR_PKI_KEY  a kind of key that is not supported
 */
export function createKeyRequest(privateKey: KeyObject): string {
  const oid = OWN_ALGORITHMS[privateKey.asymmetricKeyType ?? ''];
  const algorithm = oid === undefined ? undefined : ALGORITHMS[oid];
  if (oid === undefined || algorithm === undefined) {
    throw new TalosError('ERR_PKI_KEY', `keys of type ${privateKey.asymmetricKeyType} are not supported`);
  }
  const info = element(
    SEQUENCE,
    element(INTEGER, Buffer.from([0])),
    element(SEQUENCE),
    publicKeyDer(privateKey),
    element(ATTRIBUTES),
  );
  const identifier = element(OBJECT_IDENTIFIER, Buffer.from(oid, 'hex'));
  const der = element(
    SEQUENCE,
    info,
    element(SEQUENCE, identifier, ...(algorithm.hasNull ? [element(NULL)] : [])),
    element(BIT_STRING, Buffer.from([0]), sign(algorithm.hash, info, privateKey)),
  );
  const lines = der.toString('base64').match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE REQUEST-----\n${lines.join('\n')}\n-----END CERTIFICATE REQUEST-----\n`;
}

/**
 * Reads a request and checks that whoever made it has the key.
 * @param pem  from a stranger
 * @returns the key: SubjectPublicKeyInfo, DER
 * @throws ERR_PKI_REQUEST  malformed, too large, or not signed by the key that it carries
 * @throws ERR_PKI_KEY      the key is not acceptable
 */
export function readKeyRequest(pem: Uint8Array): Buffer {
  const [info, algorithmBytes, signatureBytes] = new Reader(only(derOf(pem), SEQUENCE), 'request').all([
    SEQUENCE,
    SEQUENCE,
    BIT_STRING,
  ]) as [Element, Element, Element];
  const [version, , keyInfo] = new Reader(info, 'request info').all([INTEGER, SEQUENCE, SEQUENCE, ATTRIBUTES]) as [
    Element,
    Element,
    Element,
    Element,
  ];
  if (!version.content.equals(Buffer.from([0]))) throw problem('it is of another version');
  const spki = checkPublicKeyDer(keyInfo.whole);
  const key = createPublicKey({ key: spki, format: 'der', type: 'spki' });
  if ((key.asymmetricKeyDetails?.modulusLength ?? 0) > MAX_RSA_BITS) {
    throw new TalosError('ERR_PKI_KEY', `an RSA key of more than ${MAX_RSA_BITS} bits is not supported`);
  }
  if ((key.asymmetricKeyDetails?.publicExponent ?? 0n) > MAX_RSA_EXPONENT) {
    throw new TalosError('ERR_PKI_KEY', 'an RSA key with so large an exponent is not supported');
  }
  const algorithm = readAlgorithm(algorithmBytes);
  const [unused, signature] = [signatureBytes.content[0], signatureBytes.content.subarray(1)];
  if (algorithm.keyType !== key.asymmetricKeyType || unused !== 0) throw problem('its signature is of another kind');
  if (!isSigned(algorithm.hash, info.whole, key, signature)) throw problem('its signature does not match its key');
  return spki;
}

function isSigned(hash: string | null, bytes: Buffer, key: KeyObject, signature: Buffer): boolean {
  try {
    return verify(hash, bytes, key, signature);
  } catch {
    // OpenSSL throws for some that are no signatures at all.
    return false;
  }
}

function readAlgorithm(element: Element): { keyType: string; hash: string | null } {
  const reader = new Reader(element, 'algorithm');
  const { content } = reader.next(OBJECT_IDENTIFIER);
  const name = content.toString('hex');
  const algorithm = Object.hasOwn(ALGORITHMS, name) ? ALGORITHMS[name] : undefined;
  if (!algorithm) throw problem('it is signed in a way that is not supported');
  if (algorithm.hasNull && !reader.isAtEnd) reader.next(NULL);
  if (!reader.isAtEnd) throw problem('its algorithm has parameters');
  return algorithm;
}

function derOf(pem: Uint8Array): Buffer {
  if (pem.byteLength === 0 || pem.byteLength > MAX_KEY_REQUEST_BYTES) {
    throw problem(`${pem.byteLength} bytes cannot be one`);
  }
  const text = Buffer.from(pem).toString('latin1').trim();
  const [, label, body] =
    /^-----BEGIN ((?:NEW )?CERTIFICATE REQUEST)-----\r?\n([A-Za-z0-9+/=\r\n]+)-----END \1-----$/.exec(text) ?? [];
  if (label === undefined || body === undefined) throw problem('it is not one block of PEM');
  const base64 = body.replace(/[\r\n]/g, '');
  const der = Buffer.from(base64, 'base64');
  // What the decoder passes over would be lost here.
  if (der.toString('base64') !== base64) throw problem('its PEM is not base64');
  return der;
}

/** A piece of DER: its content, and with its header. */
interface Element {
  content: Buffer;
  whole: Buffer;
}

/** The elements of a constructed one, in order. */
class Reader {
  private position = 0;

  constructor(
    private readonly parent: Pick<Element, 'content'>,
    private readonly what: string,
  ) {}

  get isAtEnd(): boolean {
    return this.position === this.parent.content.length;
  }

  next(tag: number): Element {
    const { content: bytes } = this.parent;
    const start = this.position;
    if (bytes[start] !== tag) throw problem(`its ${this.what} is malformed`);
    const { length, headerBytes } = lengthAt(bytes, start + 1);
    const from = start + 1 + headerBytes;
    if (from + length > bytes.length) throw problem('it is cut off');
    this.position = from + length;
    return { content: bytes.subarray(from, this.position), whole: bytes.subarray(start, this.position) };
  }

  /** Exactly these. */
  all(tags: readonly number[]): Element[] {
    const elements = tags.map((tag) => this.next(tag));
    if (!this.isAtEnd) throw problem(`there is more in its ${this.what}`);
    return elements;
  }
}

function only(bytes: Buffer, tag: number): Element {
  const [element] = new Reader({ content: bytes }, 'outermost part').all([tag]);
  return element as Element;
}

/** X.690 section 10.1: the shortest form, and definite. What we accept fits two bytes. */
function lengthAt(bytes: Buffer, at: number): { length: number; headerBytes: number } {
  const first = bytes[at] ?? 0;
  if (first < 0x80) return { length: first, headerBytes: 1 };
  const count = first - 0x80;
  if (count < 1 || count > 2 || at + count >= bytes.length) throw problem('it has an impossible length');
  const length = bytes.readUIntBE(at + 1, count);
  if (length < (count === 1 ? 0x80 : 0x100)) throw problem('it is not DER');
  return { length, headerBytes: 1 + count };
}

function element(tag: number, ...contents: Uint8Array[]): Buffer {
  const content = Buffer.concat(contents);
  const { length } = content;
  const header = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...header]), content]);
}

function problem(why: string): TalosError {
  return new TalosError('ERR_PKI_REQUEST', `this is not a certificate signing request: ${why}`);
}
