/**
 * Finds out why a connection failed, by a second one of our own. gRPC reports all of it as code 14, and with TLS 1.3 a server looks at
 * the client's certificate only after the client is done with its handshake, so:
 *
 *   name not found, refused, no route, time out, closed before the handshake's end  → unreachable
 *   we refuse the server's certificate                                              → denied
 *   an alert, or closed, after our side of the handshake and before any HTTP/2      → denied
 *   an HTTP/2 frame of the server                                                   → nothing is wrong (now)
 */

import type { SecureContext } from 'node:tls';
import { connect, type TLSSocket } from 'node:tls';
import { errorCode, errorMessage } from '../base/errors.js';
import { formatDuration } from '../base/units.js';
import { certificateTrouble, fingerprintProblem, isUnverified, type Trust, tlsOptions } from './credentials.js';
import { type Endpoint, formatEndpoint } from './endpoint.js';
import { ClientError } from './errors.js';

/** The client's preface and an empty SETTINGS frame (RFC 9113, section 3.4): the server answers with its own. */
const HTTP2_PREFACE = Buffer.concat([
  Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'latin1'),
  Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0]),
]);

const UNREACHABLE: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'the connection was closed before TLS was set up: is the node up?',
  EHOSTUNREACH: 'no route to the host',
  ENETUNREACH: 'no route to the network',
  ETIMEDOUT: 'timed out',
  ENOTFOUND: 'no such host name',
  EAI_AGAIN: 'the name server does not answer',
  ERR_SSL_WRONG_VERSION_NUMBER: 'whatever listens there does not speak TLS',
  ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION: 'the server does not speak TLS 1.3',
  ERR_SSL_UNSUPPORTED_PROTOCOL: 'the server does not speak TLS 1.3',
};

/** Our own verdicts on the server's certificate. */
const DISTRUST: Readonly<Record<string, string>> = {
  CERT_HAS_EXPIRED: 'its certificate has expired',
  CERT_NOT_YET_VALID: 'its certificate is not valid yet: do the clocks agree?',
  ERR_TLS_CERT_ALTNAME_INVALID: 'its certificate is not for this name or address',
  DEPTH_ZERO_SELF_SIGNED_CERT: "its certificate is not signed by the context's CA",
  SELF_SIGNED_CERT_IN_CHAIN: "its certificate is not signed by the context's CA",
  UNABLE_TO_GET_ISSUER_CERT: "its certificate is not signed by the context's CA",
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: "its certificate is not signed by the context's CA",
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: "its certificate is not signed by the context's CA",
  CERT_SIGNATURE_FAILURE: "its certificate is not signed by the context's CA",
  INVALID_PURPOSE: 'its certificate is not one for a server',
};

/** How the connection ended, and how far it had come. */
type Outcome =
  | { kind: 'answered' }
  | { kind: 'timed-out' }
  /** We do not talk to whoever shows this certificate. */
  | { kind: 'distrusted'; problem: string }
  | { kind: 'ended'; isSecured: boolean; code: string | undefined; text: string };

/** The reason why the endpoint cannot be talked to, or undefined if it can. @throws the reason of the signal */
export async function diagnose(
  endpoint: Endpoint,
  pem: Trust,
  context: SecureContext,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<ClientError | undefined> {
  const name = formatEndpoint(endpoint);
  const outcome = await attempt(endpoint, pem, context, timeoutMs, signal);
  signal.throwIfAborted();
  if (outcome.kind === 'answered') return undefined;
  if (outcome.kind === 'timed-out') {
    return new ClientError('unreachable', `cannot reach ${name}: no answer within ${formatDuration(timeoutMs)}`);
  }
  if (outcome.kind === 'distrusted') return new ClientError('denied', `${name} is not trusted: ${outcome.problem}`);
  const { code = '', isSecured, text } = outcome;
  const distrust = DISTRUST[code];
  if (distrust !== undefined) return new ClientError('denied', `${name} is not trusted: ${distrust}`);
  const alert = /ALERT_(.+)$/.exec(code)?.[1]?.toLowerCase().replaceAll('_', ' ');
  if ((isSecured || alert !== undefined) && UNREACHABLE[code] === undefined) return refusal(name, pem, alert);
  if (isSecured) return refusal(name, pem, alert);
  return new ClientError('unreachable', `cannot reach ${name}: ${UNREACHABLE[code] ?? text}`);
}

function refusal(name: string, pem: Trust, alert: string | undefined): ClientError {
  const why =
    certificateTrouble(pem) ?? (alert === undefined ? 'is it a certificate of this cluster?' : `TLS alert: ${alert}`);
  return new ClientError('denied', `${name} refused the client certificate: ${why}`);
}

function attempt(
  endpoint: Endpoint,
  pem: Trust,
  context: SecureContext,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<Outcome> {
  return new Promise((resolve) => {
    let isSecured = false;
    const socket: TLSSocket = connect({
      ...tlsOptions(endpoint, context, pem),
      host: endpoint.host,
      port: endpoint.port,
    });
    const giveUp = () => settle({ kind: 'timed-out' });
    const timer = setTimeout(giveUp, timeoutMs);
    signal.addEventListener('abort', giveUp, { once: true });
    const settle = (outcome: Outcome) => {
      clearTimeout(timer);
      signal.removeEventListener('abort', giveUp);
      socket.on('error', () => {});
      socket.destroy();
      resolve(outcome);
    };
    socket.once('secureConnect', () => {
      const problem = isUnverified(pem) ? fingerprintProblem(socket, pem) : undefined;
      if (problem !== undefined) settle({ kind: 'distrusted', problem });
      if (socket.destroyed) return;
      isSecured = true;
      socket.write(HTTP2_PREFACE);
    });
    socket.once('data', () => settle({ kind: 'answered' }));
    socket.once('error', (error) =>
      settle({ kind: 'ended', isSecured, code: firstCode(error), text: errorMessage(error) }),
    );
    socket.once('close', () => settle({ kind: 'ended', isSecured, code: 'ECONNRESET', text: 'closed' }));
  });
}

/** Several addresses of one name fail together: AggregateError. */
function firstCode(error: Error): string | undefined {
  return errorCode(error) ?? (error instanceof AggregateError ? errorCode(error.errors[0]) : undefined);
}
