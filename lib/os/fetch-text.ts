/** One attempt to fetch a text over HTTP. Whatever answers is a stranger: how long, how much and where to is bounded here. */
import type { IncomingMessage, RequestOptions } from 'node:http';
import type { LookupFunction } from 'node:net';
import { isTimeout, withDeadline } from '../base/abort.js';
import { errorCode, errorMessage } from '../base/errors.js';
import { shownUrl } from '../base/shown-url.js';
import { KIB, SECOND_MS } from '../base/units.js';

export interface FetchOptions {
  /** Addresses of a name. Rejects when there are none. */
  resolve(name: string): Promise<string[]>;
  signal: AbortSignal;
  maxBytes: number;
  /** What is said of a text that has more. */
  tooLarge: string;
  /** For all of it, redirects included. */
  deadlineMs?: number | undefined;
  /** PEM: in place of the authorities that Node brings along (Mozilla's list). */
  ca?: string | undefined;
  /** Sent along to the origin of the URL, and to no other that it may redirect to. */
  headers?: Readonly<Record<string, string>> | undefined;
}

/** Why there is no text, in a sentence that may be shown: it holds neither password nor query. */
export class FetchFailed extends Error {
  override readonly name = 'FetchFailed';
}

const DEADLINE_MS = 30 * SECOND_MS;
const MAX_REDIRECTS = 5;
const MAX_HEADER_BYTES = 16 * KIB;

const SAID: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nobody listens there',
  ECONNRESET: 'the connection was cut',
  ENETUNREACH: 'there is no route to it',
  EHOSTUNREACH: 'it cannot be reached',
  ETIMEDOUT: 'it does not answer',
  ENOTFOUND: 'its name is not known',
  ENODATA: 'its name has no address',
  EREFUSED: 'no name server answers',
  ETIMEOUT: 'no name server answers',
  CERT_HAS_EXPIRED: 'its certificate is not valid any more',
  CERT_NOT_YET_VALID: 'its certificate is not valid yet: the clock of this node may be wrong',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'its certificate is of no authority that this node knows',
  SELF_SIGNED_CERT_IN_CHAIN: 'its certificate is of no authority that this node knows',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'its certificate is of no authority that this node knows',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'its certificate is of no authority that this node knows',
  ERR_TLS_CERT_ALTNAME_INVALID: 'its certificate is for another name',
  HPE_HEADER_OVERFLOW: `its headers are larger than ${MAX_HEADER_BYTES / KIB} KiB`,
};

/**
 * Fetches the text that a URL (http or https) names.
 * @throws FetchFailed  with the reason · the reason of `signal`
 */
export async function fetchText(url: string, options: FetchOptions): Promise<string> {
  const { signal, deadlineMs = DEADLINE_MS } = options;
  let current = new URL(url);
  const reached = (at: URL) => {
    current = at;
  };
  try {
    return await withDeadline(deadlineMs, [signal], (ends) => followed(current, options, reached, ends));
  } catch (error) {
    signal.throwIfAborted();
    const why = isTimeout(error) ? `it did not come within ${deadlineMs / SECOND_MS} s` : reason(error);
    const via = shownUrl(current.href) === shownUrl(url) ? '' : ` (redirected to ${shownUrl(current.href)})`;
    throw new FetchFailed(`${shownUrl(url)}${via}: ${why}`, { cause: error });
  }
}

/** Goes where redirects lead to. */
async function followed(
  first: URL,
  options: FetchOptions,
  reached: (at: URL) => void,
  signal: AbortSignal,
): Promise<string> {
  let current = first;
  for (let redirects = 0; ; redirects++) {
    const headers = current.origin === first.origin ? options.headers : undefined;
    const response = await request(current, { ...options, headers }, signal);
    const next = redirectOf(response, current);
    if (next === undefined) return await textOf(response, options);
    response.destroy();
    if (redirects === MAX_REDIRECTS) throw new FetchFailed(`more than ${MAX_REDIRECTS} redirects`);
    current = next;
    reached(current);
  }
}

async function request(
  url: URL,
  { resolve, ca, headers }: FetchOptions,
  signal: AbortSignal,
): Promise<IncomingMessage> {
  const options: RequestOptions & { ca?: string } = {
    agent: false,
    // A text that is compressed could be any size.
    headers: {
      accept: 'application/yaml, text/plain, */*',
      ...headers,
      ...{ 'accept-encoding': 'identity', connection: 'close' },
    },
    lookup: lookupBy(resolve),
    maxHeaderSize: MAX_HEADER_BYTES,
    signal,
    ...(ca !== undefined && { ca }),
  };
  const { get } = url.protocol === 'https:' ? await import('node:https') : await import('node:http');
  return await new Promise((done, failed) => {
    get(url, options, done).on('error', failed);
  });
}

/** Where an answer sends us. @throws FetchFailed  it sends us nowhere, or where a secret would be read by others */
function redirectOf({ statusCode = 0, headers }: IncomingMessage, from: URL): URL | undefined {
  if (statusCode === 200) return undefined;
  if (![301, 302, 303, 307, 308].includes(statusCode)) throw new FetchFailed(`the answer has status ${statusCode}`);
  if (headers.location === undefined) throw new FetchFailed('it redirects to nowhere');
  let next: URL;
  try {
    next = new URL(headers.location, from);
  } catch {
    throw new FetchFailed('it redirects to what is no URL');
  }
  if (next.protocol !== 'http:' && next.protocol !== 'https:')
    throw new FetchFailed('it redirects to another protocol');
  if (from.protocol === 'https:' && next.protocol === 'http:') {
    throw new FetchFailed('it redirects from https to http, where everybody could read and change it');
  }
  // A password is for whom it was meant.
  if (next.origin === from.origin && next.username === '' && next.password === '') {
    next.username = from.username;
    next.password = from.password;
  }
  return next;
}

async function textOf(
  response: IncomingMessage,
  { maxBytes, tooLarge }: Pick<FetchOptions, 'maxBytes' | 'tooLarge'>,
): Promise<string> {
  const { headers } = response;
  try {
    if ((headers['content-encoding'] ?? 'identity') !== 'identity') throw new FetchFailed('the answer is compressed');
    if (Number(headers['content-length'] ?? 0) > maxBytes) throw new FetchFailed(`it ${tooLarge}`);
    const parts: Buffer[] = [];
    let bytes = 0;
    for await (const part of response as AsyncIterable<Buffer>) {
      bytes += part.length;
      if (bytes > maxBytes) throw new FetchFailed(`it ${tooLarge}`);
      parts.push(part);
    }
    if (!response.complete) throw new FetchFailed('it ends before its end');
    if (bytes === 0) throw new FetchFailed('it is empty');
    try {
      return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(parts));
    } catch {
      throw new FetchFailed('it is not text in UTF-8');
    }
  } finally {
    response.destroy();
  }
}

/** As `dns.lookup`, by the name servers of the node. */
function lookupBy(resolve: FetchOptions['resolve']): LookupFunction {
  return (name, { all }, done) => {
    resolve(name).then(
      (addresses) => {
        const list = addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }));
        const [first] = list;
        if (first === undefined) done(Object.assign(new Error('no address'), { code: 'ENODATA' }), '');
        else if (all) done(null, list);
        else done(null, first.address, first.family);
      },
      (error: NodeJS.ErrnoException) => done(error, ''),
    );
  };
}

/** An error of Node may repeat what it was given: only what is known by its code is told by its text. */
function reason(error: unknown): string {
  if (error instanceof FetchFailed) return errorMessage(error);
  const code = errorCode(error) ?? '';
  if (code.startsWith('HPE_')) return SAID[code] ?? 'what answers does not speak HTTP';
  return SAID[code] ?? `it cannot be fetched (${code === '' ? 'for no known reason' : code})`;
}
