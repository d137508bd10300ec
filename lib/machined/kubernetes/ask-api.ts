/** Whether a server of the Kubernetes API is ready: one question, by the cluster's CA, before there are credentials for more. */
import { request } from 'node:https';
import { isTimeout, withDeadline } from '../../base/abort.js';
import { errorCode, errorMessage, TalosError } from '../../base/errors.js';
import { SECOND_MS } from '../../base/units.js';
import { certificateProblem } from '../../kube/api/index.js';

/** A name that every server's certificate has. */
const SERVER_NAME = 'kubernetes';
const ANSWER_MS = 10 * SECOND_MS;
const MAX_ANSWER_BYTES = 64 * 1024;
/** Who does not say who he is may not know more than that there is a server. */
const UNAUTHORISED = new Set([401, 403]);

const SET_CLUSTER = 'set cluster.ca and cluster.controlPlane.endpoint to those of the cluster';
const CHECK_CLOCKS = 'check the clocks of this node and of the control planes (osctl time)';
const SAID: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nobody listens there',
  EHOSTUNREACH: 'there is no way to it',
  ENETUNREACH: 'there is no way to it',
  ENOTFOUND: 'its name is not known',
  ETIMEDOUT: 'it does not answer',
};

export interface ApiServerAddress {
  /** Name or address, without brackets. */
  host: string;
  port: number;
  /** PEM: whose certificates are believed. */
  ca: string;
  /** What the server's certificate is checked for: `host`, or the name that all servers of a cluster have. */
  identity: 'host' | 'cluster';
}

/** Of a server that is not whom the config expects, which does not pass by itself. */
export const NOT_THE_CLUSTERS = 'ERR_KUBERNETES_TRUST';

/**
 * Resolves when it is ready.
 * @throws TalosError ERR_KUBERNETES_API  it is not, or it does not answer · ERR_KUBERNETES_TRUST  it is not the cluster's, or the clocks do not agree
 */
export async function askApiServer(address: ApiServerAddress, signal: AbortSignal): Promise<void> {
  const status = await withDeadline(ANSWER_MS, [signal], (ends) => statusOf(address, ends)).catch((cause: unknown) => {
    signal.throwIfAborted();
    throw explained(cause, address.host);
  });
  if (status === 200 || UNAUTHORISED.has(status)) return;
  throw new TalosError('ERR_KUBERNETES_API', `it is not ready yet (HTTP ${status})`);
}

function statusOf({ host, port, ca, identity }: ApiServerAddress, signal: AbortSignal): Promise<number> {
  return new Promise((resolve, reject) => {
    const call = request({
      ...{ host, port, ca, signal, path: '/readyz', method: 'GET', agent: false, minVersion: 'TLSv1.2' },
      ...(identity === 'cluster' && { servername: SERVER_NAME }),
    });
    call.on('error', reject);
    call.on('response', (response) => {
      let bytes = 0;
      response.on('error', reject);
      response.on('data', (chunk: Buffer) => {
        bytes += chunk.length;
        if (bytes > MAX_ANSWER_BYTES) response.destroy(new Error('its answer has no end'));
      });
      response.on('end', () => resolve(response.statusCode ?? 0));
    });
    call.end();
  });
}

function explained(cause: unknown, host: string): TalosError {
  const code = errorCode(cause) ?? '';
  const ofCertificate = certificateProblem(code);
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') {
    const text = `its certificate is not for ${host}: add that to cluster.apiServer.certSANs of the control planes, or mend cluster.controlPlane.endpoint`;
    return new TalosError(NOT_THE_CLUSTERS, text, { cause });
  }
  if (ofCertificate !== undefined) {
    const what = code.startsWith('CERT_') && code !== 'CERT_SIGNATURE_FAILURE' ? CHECK_CLOCKS : SET_CLUSTER;
    return new TalosError(NOT_THE_CLUSTERS, `its certificate ${ofCertificate}: ${what}`, { cause });
  }
  const why = isTimeout(cause) ? `no answer within ${ANSWER_MS / SECOND_MS} s` : (SAID[code] ?? errorMessage(cause));
  return new TalosError('ERR_KUBERNETES_API', why, { cause });
}
