/** What goes wrong between us and the Kubernetes API, a sentence each that says what to look at. */
import { errorCode, errorMessage, TalosError } from '../../base/errors.js';
import { quoted } from '../../base/printable.js';
import { SECOND_MS } from '../../base/units.js';
import { numberAt, textAt } from './json.js';

export type KubeErrorCode =
  /** Our side: the kubeconfig, or a file that it names. */
  | 'ERR_KUBE_ACCESS'
  | 'ERR_KUBE_UNREACHABLE'
  | 'ERR_KUBE_DEADLINE'
  /** The server is not who it should be. */
  | 'ERR_KUBE_UNTRUSTED'
  | 'ERR_KUBE_UNAUTHORIZED'
  | 'ERR_KUBE_FORBIDDEN'
  | 'ERR_KUBE_NOT_FOUND'
  /** The object is not what the call presumes. */
  | 'ERR_KUBE_CONFLICT'
  /** The resourceVersion is too old: list again. */
  | 'ERR_KUBE_GONE'
  /** The server has too much to do, or is not ready yet. */
  | 'ERR_KUBE_BUSY'
  /** An answer that is none, or too long. */
  | 'ERR_KUBE_ANSWER'
  /** Any other status. */
  | 'ERR_KUBE_REFUSED';

export class KubeError extends TalosError {
  declare readonly code: KubeErrorCode;

  constructor(
    code: KubeErrorCode,
    message: string,
    options: { cause?: unknown } = {},
    /** The server's wish: not before so long. */
    readonly retryAfterMs = 0,
  ) {
    super(code, message, options);
  }
}

/** Of what a server says, in a sentence of ours. */
const MAX_SAID = 300;
const MAX_RETRY_AFTER_MS = 60 * SECOND_MS;

/**
 * Of an answer that is not what was asked for.
 * @param what  was asked: 'GET /api/v1/nodes'
 * @param body  a Status of Kubernetes, or anything else
 */
export function statusError(
  { server, what }: { server: string; what: string },
  status: number,
  body: unknown,
  retryAfter?: string,
): KubeError {
  const message = textAt(body, 'message');
  const said = message === undefined || message === '' ? '' : `: it says ${quoted(message, MAX_SAID)}`;
  const seconds = Number(retryAfter ?? numberAt(body, 'details', 'retryAfterSeconds') ?? 0);
  const retryAfterMs = seconds > 0 ? Math.min(seconds * SECOND_MS, MAX_RETRY_AFTER_MS) : 0;
  switch (status) {
    case 401:
      return new KubeError(
        'ERR_KUBE_UNAUTHORIZED',
        `the Kubernetes API at ${server} does not accept the credentials (401): see whether they have expired or are of another cluster${said}`,
      );
    case 403:
      return new KubeError(
        'ERR_KUBE_FORBIDDEN',
        `the Kubernetes API at ${server} forbids ${what} (403): give the user of the kubeconfig a role that allows it${said}`,
      );
    case 404:
      return new KubeError(
        'ERR_KUBE_NOT_FOUND',
        `the Kubernetes API at ${server} has nothing for ${what} (404)${said}`,
      );
    case 409:
      return new KubeError(
        'ERR_KUBE_CONFLICT',
        `the Kubernetes API at ${server} finds something else than ${what} presumes (409): it has to be looked at again${said}`,
      );
    case 410:
      return new KubeError(
        'ERR_KUBE_GONE',
        `what ${what} goes on from is too old (410): it has to be listed again${said}`,
      );
    case 429:
    case 503:
    case 504:
      return new KubeError(
        'ERR_KUBE_BUSY',
        `the Kubernetes API at ${server} cannot answer ${what} now (${status}): it is asked again later${said}`,
        {},
        retryAfterMs,
      );
    default:
      return new KubeError('ERR_KUBE_REFUSED', `the Kubernetes API at ${server} answers ${what} with ${status}${said}`);
  }
}

/** What is wrong with a server's certificate, by OpenSSL's code: goes on behind its name. undefined: the code says something else. */
export function certificateProblem(code: string): string | undefined {
  return Object.hasOwn(UNTRUSTED, code) ? UNTRUSTED[code] : undefined;
}

const UNTRUSTED: Readonly<Record<string, string>> = {
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: "is not of the cluster's CA",
  UNABLE_TO_GET_ISSUER_CERT: "is not of the cluster's CA",
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: "is not of the cluster's CA",
  SELF_SIGNED_CERT_IN_CHAIN: "is not of the cluster's CA",
  DEPTH_ZERO_SELF_SIGNED_CERT: "is not of the cluster's CA",
  CERT_SIGNATURE_FAILURE: "is not of the cluster's CA",
  CERT_HAS_EXPIRED: 'has expired',
  CERT_NOT_YET_VALID: 'is not valid yet',
};

/**
 * Of a connection that failed, by what Node or OpenSSL says.
 * @param serverName  the name that the certificate has to have
 */
export function connectionError(
  { server, serverName }: { server: string; serverName: string },
  error: unknown,
): KubeError {
  if (error instanceof KubeError) return error;
  const code = errorCode(error) ?? '';
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') {
    return new KubeError(
      'ERR_KUBE_UNTRUSTED',
      `the certificate of the Kubernetes API at ${server} is not for ${serverName}: add the name to cluster.apiServer.certSANs`,
      { cause: error },
    );
  }
  const wrong = certificateProblem(code);
  if (wrong !== undefined) {
    return new KubeError(
      'ERR_KUBE_UNTRUSTED',
      `the certificate of the Kubernetes API at ${server} ${wrong}: see whether the kubeconfig is of this cluster, and whether the clocks agree`,
      { cause: error },
    );
  }
  // A server that wants a client certificate, or another one, ends the handshake with an alert.
  if (/^ERR_SSL_.*ALERT|^ERR_SSL_TLSV1/.test(code)) {
    return new KubeError(
      'ERR_KUBE_UNAUTHORIZED',
      `the Kubernetes API at ${server} ends the TLS handshake (${code}): see whether the client certificate is of this cluster`,
      { cause: error },
    );
  }
  const why = code === '' ? quoted(errorMessage(error), MAX_SAID) : code;
  return new KubeError(
    'ERR_KUBE_UNREACHABLE',
    `the Kubernetes API at ${server} cannot be reached (${why}): see whether kube-apiserver runs there`,
    { cause: error },
  );
}
