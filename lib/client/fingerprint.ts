const SHA256_BYTES = 32;

/** Reads a SHA-256 digest in base64 or in hexadecimal, with or without colons; undefined for what is none. */
export function parseFingerprint(text: string): Buffer | undefined {
  const hex = text.replaceAll(':', '');
  if (/^[0-9a-f]+$/i.test(hex) && hex.length === 2 * SHA256_BYTES) return Buffer.from(hex, 'hex');
  return /^[A-Za-z0-9+/]{43}=$/.test(text) ? Buffer.from(text, 'base64') : undefined;
}
