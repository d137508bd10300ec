import { createHash, X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import {
  type ConnectionOptions,
  checkServerIdentity,
  createSecureContext,
  type PeerCertificate,
  type SecureContext,
  type TLSSocket,
} from 'node:tls';
import { type ChannelCredentials, type ChannelOptions, credentials } from '@grpc/grpc-js';
import { errorMessage } from '../base/errors.js';
import { MIB } from '../base/units.js';
import type { Endpoint } from './endpoint.js';
import { ClientError } from './errors.js';
import { parseFingerprint } from './fingerprint.js';

/** The client's side of mutual TLS; all PEM, the key with a label that OpenSSL knows. */
export interface Credentials {
  /** Authorities whose servers are talked to. */
  ca: string;
  crt: string;
  key: string;
}

/**
 * To a node without a machine config: no certificate is shown, and that of the node is whatever it is.
 * With fingerprints it has to have one of them: SHA-256 of the certificate or of its public key, in base64 or hexadecimal.
 */
export interface Unverified {
  fingerprints: readonly string[];
}

/** Whom a client talks to, and as whom. */
export type Trust = Credentials | Unverified;

export function isUnverified(trust: Trust): trust is Unverified {
  return 'fingerprints' in trust;
}

/** What is wrong with the certificate that a server has shown to a client that does not verify it; undefined when nothing is. */
export function fingerprintProblem(socket: TLSSocket, { fingerprints }: Unverified): string | undefined {
  if (fingerprints.length === 0) return undefined;
  const certificate = socket.getPeerX509Certificate();
  if (!certificate) return 'it shows no certificate';
  const key = certificate.publicKey.export({ type: 'spki', format: 'der' });
  const own = [key, certificate.raw].map((bytes) => createHash('sha256').update(bytes).digest());
  const isKnown = fingerprints.some((text) => own.some((digest) => parseFingerprint(text)?.equals(digest)));
  return isKnown
    ? undefined
    : `its certificate has the fingerprint ${own[0]?.toString('base64')}, which is not the one given`;
}

/** Throughput of one stream is at most this per round trip. */
const RECEIVE_WINDOW_BYTES = 16 * MIB;
const MAX_MESSAGE_BYTES = 32 * MIB;
/**
 * Finds out that a followed node is gone for good. Not more often: Go servers close connections of clients that ping more often than
 * every five minutes.
 */
const KEEPALIVE_MS = 330_000;
const KEEPALIVE_TIMEOUT_MS = 20_000;
/** Server name in the handshake when the endpoint is an address, which may not be one (RFC 6066). */
const NAMELESS = 'node';

/**
 * The TLS context of all connections: TLS 1.3 only.
 * @throws ClientError denied  the certificate or key cannot be used
 */
export function secureContext(pem: Trust): SecureContext {
  if (isUnverified(pem)) return createSecureContext({ minVersion: 'TLSv1.3' });
  if (pem.crt === '' || pem.key === '') {
    throw new ClientError('denied', 'the context has no client certificate and key');
  }
  try {
    return createSecureContext({
      ...(pem.ca === '' ? {} : { ca: pem.ca }),
      cert: pem.crt,
      key: pem.key,
      minVersion: 'TLSv1.3',
    });
  } catch (cause) {
    throw new ClientError('denied', `the client certificate or key cannot be used: ${errorMessage(cause)}`, { cause });
  }
}

/** Options of a TLS connection to the endpoint, the same for gRPC and for a diagnosis. */
export function tlsOptions(endpoint: Endpoint, context: SecureContext, trust: Trust): ConnectionOptions {
  return {
    secureContext: context,
    ALPNProtocols: ['h2'],
    rejectUnauthorized: !isUnverified(trust),
    servername: isIP(endpoint.host) === 0 ? endpoint.host : NAMELESS,
    checkServerIdentity: (_name, certificate) => checkServerIdentity(endpoint.host, certificate),
  };
}

export function channelCredentials(endpoint: Endpoint, context: SecureContext): ChannelCredentials {
  return credentials.createFromSecureContext(context, {
    checkServerIdentity: (_name: string, certificate: PeerCertificate) =>
      checkServerIdentity(endpoint.host, certificate),
  });
}

export function channelOptions(endpoint: Endpoint): ChannelOptions {
  return {
    ...(isIP(endpoint.host) === 0 ? {} : { 'grpc.ssl_target_name_override': NAMELESS }),
    'grpc-node.flow_control_window': RECEIVE_WINDOW_BYTES,
    'grpc.max_receive_message_length': MAX_MESSAGE_BYTES,
    'grpc.max_send_message_length': MAX_MESSAGE_BYTES,
    'grpc.keepalive_time_ms': KEEPALIVE_MS,
    'grpc.keepalive_timeout_ms': KEEPALIVE_TIMEOUT_MS,
    'grpc.enable_retries': 0,
    'grpc.enable_http_proxy': 0,
    'grpc.service_config_disable_resolution': 1,
    'grpc.use_local_subchannel_pool': 1,
  };
}

/** Why a server may refuse this certificate, as far as it can be told from here; undefined when nothing is wrong with it. */
export function certificateTrouble(pem: Trust, now = Date.now()): string | undefined {
  if (isUnverified(pem)) return 'it asks for a client certificate: it has a machine config';
  let certificate: X509Certificate;
  try {
    certificate = new X509Certificate(pem.crt);
  } catch {
    return 'the client certificate cannot be read';
  }
  const [begin, end] = [Date.parse(certificate.validFrom), Date.parse(certificate.validTo)];
  if (now >= end) return `the client certificate expired at ${new Date(end).toISOString()}`;
  if (now < begin) return `the client certificate is not valid before ${new Date(begin).toISOString()}`;
  if (pem.ca !== '' && !isSignedBy(certificate, pem.ca)) {
    return "the client certificate was not issued by the context's CA";
  }
  return undefined;
}

function isSignedBy(certificate: X509Certificate, bundle: string): boolean {
  const authorities = bundle.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  return authorities.some((pem) => {
    try {
      const authority = new X509Certificate(pem);
      return certificate.checkIssued(authority) && certificate.verify(authority.publicKey);
    } catch {
      return false;
    }
  });
}
