import type { IncomingMessage } from 'node:http';
import { Agent, request } from 'node:https';
import { isIP } from 'node:net';
import { checkServerIdentity, createSecureContext } from 'node:tls';
import { errorCode, errorMessage } from '../../base/errors.js';
import { SECOND_MS } from '../../base/units.js';
import { BUILD } from '../../base/version.js';
import { describeServer, type KubeAccess } from './access.js';
import { CredentialSource, type Credentials } from './credentials.js';
import { connectionError, KubeError } from './errors.js';

export interface TransportOptions {
  access: KubeAccess;
  /** Where connections really go; whose certificate is expected does not change. Default: where the access says. */
  connectTo?: { host: string; port: number };
}

export interface Call {
  method: 'GET' | 'PATCH' | 'POST';
  /** With its query. */
  path: string;
  body?: { type: string; text: string };
  signal: AbortSignal;
}

const KEEP_ALIVE_MS = 30 * SECOND_MS;
/** Of ours: a few watches, and a call beside them. */
const MAX_SOCKETS = 16;
const MAX_FREE_SOCKETS = 2;
/** Of a connection that the server has ended before the request came. */
const STALE: ReadonlySet<string> = new Set(['ECONNRESET', 'EPIPE']);

/**
 * HTTPS to one server, whose CA and name are pinned, over connections that stay open. When the client certificate is another one, further
 * calls use connections of their own; what is under way on the others goes on.
 */
export class Transport {
  private readonly source: CredentialSource;
  private agent: { agent: Agent; made: Credentials } | undefined;

  constructor(private readonly options: TransportOptions) {
    this.source = new CredentialSource(options.access);
  }

  /** Where it connects to, for people. */
  get server(): string {
    return describeServer(this.options.connectTo ?? this.options.access);
  }

  /** That it is shown; undefined: a token is. */
  async certificate(): Promise<string | undefined> {
    return (await this.source.read()).certificate;
  }

  /**
   * Sends a call and gives the answer as soon as its head is there.
   * @throws KubeError  ERR_KUBE_ACCESS · UNREACHABLE · UNTRUSTED · UNAUTHORIZED · what the signal was aborted with
   */
  async send(call: Call): Promise<IncomingMessage> {
    const credentials = await this.source.read();
    const agent = this.agentFor(credentials);
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.once(call, credentials, agent);
      } catch (error) {
        // The server has ended a connection that was kept, at the moment of its use.
        if (attempt === 1 && error instanceof StaleConnection) continue;
        const context = { server: this.server, serverName: this.options.access.serverName };
        throw connectionError(context, error instanceof StaleConnection ? error.cause : error);
      }
    }
  }

  /**
   * Ends its connections; those of an earlier certificate end with what is under way on them.
   * Resolves when no file of its credentials is open any more.
   */
  async close(): Promise<void> {
    this.agent?.agent.destroy();
    this.agent = undefined;
    await this.source.settled();
  }

  private once(call: Call, { token }: Credentials, agent: Agent): Promise<IncomingMessage> {
    const { method, path, body, signal } = call;
    const { host, port } = this.options.connectTo ?? this.options.access;
    return new Promise((resolve, reject) => {
      signal.throwIfAborted();
      const headers = {
        accept: 'application/json',
        'user-agent': `talos/${BUILD.tag}`,
        ...(token !== undefined && { authorization: `Bearer ${token}` }),
        ...(body && { 'content-type': body.type, 'content-length': Buffer.byteLength(body.text) }),
      };
      const sent = request({ agent, host, port, method, path, headers }, resolve);
      const abort = () => sent.destroy(signal.reason instanceof Error ? signal.reason : undefined);
      signal.addEventListener('abort', abort, { once: true });
      sent.once('close', () => signal.removeEventListener('abort', abort));
      sent.on('error', (error) => {
        if (signal.aborted) reject(signal.reason);
        else if (sent.reusedSocket && STALE.has(errorCode(error) ?? '')) reject(new StaleConnection(error));
        else reject(error);
      });
      sent.end(body?.text);
    });
  }

  private agentFor(credentials: Credentials): Agent {
    if (this.agent?.made === credentials) return this.agent.agent;
    const { serverName } = this.options.access;
    const agent = new Agent({
      keepAlive: true,
      keepAliveMsecs: KEEP_ALIVE_MS,
      maxSockets: MAX_SOCKETS,
      maxFreeSockets: MAX_FREE_SOCKETS,
      // A session that is resumed is that of an earlier certificate.
      maxCachedSessions: 0,
      secureContext: contextOf(credentials),
      // An address is no name to ask for (RFC 6066).
      servername: isIP(serverName) === 0 ? serverName : '',
      checkServerIdentity: (_host, found) => checkServerIdentity(serverName, found),
    });
    closeWhenIdle(this.agent?.agent);
    this.agent = { agent, made: credentials };
    return agent;
  }
}

function contextOf({ ca, certificate, key }: Credentials) {
  try {
    return createSecureContext({
      minVersion: 'TLSv1.2',
      ca,
      ...(certificate !== undefined && { cert: certificate, key }),
    });
  } catch (error) {
    const message = `the certificates or the key that the kubeconfig names cannot be used (${errorCode(error) ?? errorMessage(error)}): have the kubeconfig made anew`;
    throw new KubeError('ERR_KUBE_ACCESS', message, { cause: error });
  }
}

/** Those that are in use end by themselves: they are not kept any more. */
function closeWhenIdle(agent: Agent | undefined): void {
  if (!agent) return;
  agent.maxFreeSockets = 0;
  for (const sockets of Object.values(agent.freeSockets)) for (const socket of sockets ?? []) socket.destroy();
}

class StaleConnection extends Error {
  constructor(override readonly cause: Error) {
    super(cause.message);
  }
}
