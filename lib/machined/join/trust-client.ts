/**
 * One call to trustd of a control plane: gRPC's unary form over node:http2 ("gRPC over HTTP2", the protocol's own description). The gRPC
 * library would make the bundle, which every boot of every node reads, half as large again, for one call that a worker makes once a day.
 */
import { type ClientHttp2Session, type ClientHttp2Stream, connect as connectHttp2, constants } from 'node:http2';
import { isIP } from 'node:net';
import { checkServerIdentity, connect as connectTls, type TLSSocket } from 'node:tls';
import { errorCode, TalosError } from '../../base/errors.js';
import { printable } from '../../base/printable.js';
import { KIB, SECOND_MS } from '../../base/units.js';
import { securityapi } from '../../gen/security/security.js';

/** Where trustd of a control plane is. */
export interface TrustEndpoint {
  /** What its certificate has to be for: the name or address in the machine config. */
  host: string;
  /** Where to connect to. */
  address: string;
  port: number;
}

export interface TrustRequest {
  /** PKCS #10, PEM. */
  signingRequest: Uint8Array;
  token: string;
  /** PEM bundle: the only authorities whose servers are told the token. */
  authorities: string;
}

/** Both PEM. */
export interface TrustReply {
  certificate: string;
  authorities: string;
}

const PATH = '/securityapi.SecurityService/Certificate';
const CONNECT_TIMEOUT_MS = 5 * SECOND_MS;
const CALL_TIMEOUT_MS = 15 * SECOND_MS;
const MAX_REPLY_BYTES = 256 * KIB;
/** gRPC's prefix of a message: whether it is compressed, and its length. */
const PREFIX_BYTES = 5;
/** Of what a server says about a failure, in our log. */
const MAX_REASON_LENGTH = 200;
/** Server name in the handshake when the endpoint is an address, which may not be one (RFC 6066). */
const NAMELESS = 'node';
/** Nobody has seen the request: the control plane does not listen yet, is not up yet, or this node has no network yet. */
const ABSENT_CODES: ReadonlySet<string | undefined> = new Set(['ECONNREFUSED', 'EHOSTUNREACH', 'ENETUNREACH']);
/** The gRPC status of a token that is not the cluster's. */
const UNAUTHENTICATED = '16';

/**
 * Asks for a certificate.
 * @throws TalosError ERR_TRUST_DENIED  the control plane does not know our token · ERR_TRUST_ABSENT  nobody listens there, so it was no work for
 *   anybody · ERR_TRUST  anything else; each with a sentence
 */
export async function requestCertificate(
  endpoint: TrustEndpoint,
  request: TrustRequest,
  signal: AbortSignal,
): Promise<TrustReply> {
  const socket = await secureConnection(endpoint, request.authorities, signal);
  const session = connectHttp2(`https://${NAMELESS}`, {
    createConnection: () => socket,
    settings: { enablePush: false },
    maxSessionMemory: 1,
  });
  // Its stream has the same error.
  session.on('error', () => {});
  const abort = () => session.destroy(new TalosError('ERR_TRUST', 'nobody waits for the answer any more'));
  signal.addEventListener('abort', abort, { once: true });
  try {
    return await call(session, request);
  } finally {
    signal.removeEventListener('abort', abort);
    session.destroy();
    socket.destroy();
  }
}

/** TLS 1.3 to a server that one of the authorities answers for, under the name that we know it by. */
function secureConnection({ host, address, port }: TrustEndpoint, ca: string, signal: AbortSignal): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const socket = connectTls({
      host: address,
      port,
      ca,
      minVersion: 'TLSv1.3',
      ALPNProtocols: ['h2'],
      servername: isIP(host) === 0 ? host : NAMELESS,
      checkServerIdentity: (_name, certificate) => checkServerIdentity(host, certificate),
    });
    const end = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', abort);
    };
    const fail = (cause: Error) => {
      end();
      socket.destroy();
      const code = ABSENT_CODES.has(errorCode(cause)) ? 'ERR_TRUST_ABSENT' : 'ERR_TRUST';
      reject(new TalosError(code, cause.message, { cause }));
    };
    const abort = () => fail(new Error('nobody waits for the answer any more'));
    const timer = setTimeout(
      () => fail(new Error(`there was no connection within ${CONNECT_TIMEOUT_MS / SECOND_MS} s`)),
      CONNECT_TIMEOUT_MS,
    );
    signal.addEventListener('abort', abort, { once: true });
    if (signal.aborted) abort();
    socket.once('error', fail);
    socket.once('secureConnect', () => {
      if (socket.alpnProtocol !== 'h2') return fail(new Error('the server does not speak HTTP/2'));
      end();
      socket.off('error', fail);
      socket.on('error', () => {});
      resolve(socket);
    });
  });
}

function call(session: ClientHttp2Session, { signingRequest, token }: TrustRequest): Promise<TrustReply> {
  const stream = session.request({
    [constants.HTTP2_HEADER_METHOD]: 'POST',
    [constants.HTTP2_HEADER_PATH]: PATH,
    'content-type': 'application/grpc',
    te: 'trailers',
    token,
  });
  stream.setTimeout(CALL_TIMEOUT_MS, () =>
    stream.destroy(new TalosError('ERR_TRUST', `there was no answer within ${CALL_TIMEOUT_MS / SECOND_MS} s`)),
  );
  const message = securityapi.CertificateRequest.encode({ csr: signingRequest }).finish();
  const prefix = Buffer.alloc(PREFIX_BYTES);
  prefix.writeUInt32BE(message.length, 1);
  stream.end(Buffer.concat([prefix, message]));
  return answerOf(stream);
}

function answerOf(stream: ClientHttp2Stream): Promise<TrustReply> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let length = 0;
    // Headers that come alone carry the status, as trailers do that come after a message.
    const heads: Record<string, unknown> = {};
    stream.on('response', (headers) => Object.assign(heads, headers));
    stream.on('trailers', (headers) => Object.assign(heads, headers));
    stream.on('data', (chunk: Buffer) => {
      length += chunk.length;
      if (length > MAX_REPLY_BYTES) stream.destroy(new TalosError('ERR_TRUST', 'the answer is too large'));
      else chunks.push(chunk);
    });
    stream.on('error', (cause) => reject(new TalosError('ERR_TRUST', cause.message, { cause })));
    stream.on('close', () => {
      try {
        resolve(decodeAnswer(heads, Buffer.concat(chunks)));
      } catch (error) {
        reject(error);
      }
    });
  });
}

function decodeAnswer(heads: Record<string, unknown>, body: Buffer): TrustReply {
  const status = String(heads['grpc-status'] ?? '');
  if (status !== '0') {
    const said = decoded(String(heads['grpc-message'] ?? '')) || `status ${printable(status.slice(0, 8)) || 'missing'}`;
    throw new TalosError(status === UNAUTHENTICATED ? 'ERR_TRUST_DENIED' : 'ERR_TRUST', `it answered: ${said}`);
  }
  const isWhole = body.length >= PREFIX_BYTES && body[0] === 0 && body.readUInt32BE(1) === body.length - PREFIX_BYTES;
  if (!isWhole) throw new TalosError('ERR_TRUST', 'the answer is not one message');
  try {
    const { ca, crt } = securityapi.CertificateResponse.decode(body.subarray(PREFIX_BYTES));
    return { certificate: Buffer.from(crt).toString(), authorities: Buffer.from(ca).toString() };
  } catch (cause) {
    throw new TalosError('ERR_TRUST', 'the answer is malformed', { cause });
  }
}

/** gRPC's messages of failures are percent-encoded. */
function decoded(message: string): string {
  const text = message.slice(0, MAX_REASON_LENGTH);
  try {
    return printable(decodeURIComponent(text));
  } catch {
    return printable(text);
  }
}
