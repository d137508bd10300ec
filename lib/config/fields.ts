/** Building blocks of the schema: each one field type with a message that says what is wanted. */
import { isIP } from 'node:net';
import * as z from 'zod';

const DNS_NAME = /^(?=.{1,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*$/i;
/** Without the blanks: a pattern that allows them too takes quadratic time. */
const BASE64 = /^[A-Za-z0-9+/]*={0,2}$/;

/** RFC 1123 host name, with or without a domain. */
export const hostname = z.string().regex(DNS_NAME, 'is not a host name');

export const ipAddress = z.string().refine((text) => isIP(text) !== 0, 'is not an IP address');

/** What may stand in a certificate's alternative names. */
export const hostOrAddress = z
  .string()
  .refine((text) => isIP(text) !== 0 || DNS_NAME.test(text), 'is neither a host name nor an IP address');

export const cidr = z.string().refine(isNetwork, 'is not a network such as 10.244.0.0/16');

export const token = z
  .string()
  .regex(/^[a-z0-9]{6}\.[a-z0-9]{16}$/, 'is not a token of the form xxxxxx.xxxxxxxxxxxxxxxx');

/** Base64 of exactly 32 bytes. */
export const secret32 = z
  .string()
  .refine((text) => isBase64(text) && Buffer.from(text, 'base64').length === 32, 'is not base64 of 32 bytes');

/** `https://host:port` of the Kubernetes API. */
export const endpoint = z.string().refine(isEndpoint, 'is not a URL such as https://10.5.0.2:6443');

/** Base64 of PEM in the file, PEM in the parsed config. */
const pem = (kind: 'certificate' | 'private key') =>
  z
    .string()
    .refine((text) => text === '' || isPem(text, kind), `is not base64 of a ${kind} in PEM`)
    .transform((text) => Buffer.from(text, 'base64').toString('utf8'));

export const pemCertificate = pem('certificate');
export const pemKey = pem('private key');

/** A certificate, with its private key where the machine may know it. */
export const pemPair = z.strictObject({
  crt: pemCertificate.refine((text) => text !== '', 'is empty'),
  key: pemKey.default(''),
});

export function isCidr(text: string): boolean {
  const [address = '', length = '', ...rest] = text.split('/');
  const family = isIP(address);
  return rest.length === 0 && family !== 0 && /^\d{1,3}$/.test(length) && Number(length) <= (family === 4 ? 32 : 128);
}

/** A CIDR without a zone, which means something on one machine only. */
export function isNetwork(text: string): boolean {
  return isCidr(text) && !text.includes('%');
}

export function isEndpoint(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const url = new URL(text);
  return (
    url.protocol === 'https:' && url.hostname !== '' && url.username === '' && url.search === '' && url.hash === ''
  );
}

function isBase64(text: string): boolean {
  return BASE64.test(text.replace(/\s/g, ''));
}

function isPem(base64: string, kind: 'certificate' | 'private key'): boolean {
  if (!isBase64(base64)) return false;
  const text = Buffer.from(base64, 'base64').toString('utf8');
  const label = kind === 'certificate' ? 'CERTIFICATE' : '[A-Z0-9 ]*PRIVATE KEY';
  return new RegExp(`-----BEGIN ${label}-----[^-]+-----END ${label}-----`).test(text);
}
