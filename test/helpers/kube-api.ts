/**
 * A server of the Kubernetes API as far as our client speaks it: objects with resourceVersions, lists in pages, watches with bookmarks, 410 for
 * versions that are forgotten, client certificates of one authority, server-side apply. What else a server may do, tests put in its place.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import type { PemPair } from '../../lib/base/secrets-bundle.js';
import {
  createCertificateAuthority,
  decodePrivateKey,
  generatePrivateKey,
  issueClientCertificate,
  issueServerCertificate,
  publicKeyDer,
  standardPrivateKeyPem,
} from '../../lib/pki/index.js';

export interface KubeObject {
  metadata: { name: string; namespace?: string; resourceVersion?: string; [field: string]: unknown };
  [field: string]: unknown;
}

interface Change {
  version: number;
  path: string;
  type: 'ADDED' | 'MODIFIED' | 'DELETED';
  object: KubeObject;
}

type Selects = (object: KubeObject) => boolean;

interface Watcher {
  path: string;
  selects: Selects;
  response: ServerResponse;
}

export interface KubeRequest {
  method: string;
  path: string;
  query: URLSearchParams;
  /** Common name of the client certificate; '' without one that is of the authority. */
  user: string;
  body: string;
}

/** Instead of what the server would do; false: it does that. */
export type Behaviour = (request: KubeRequest, response: ServerResponse) => boolean | undefined;

export class KubeApi {
  readonly requests: KubeRequest[] = [];
  /** In place of the usual; asked first. */
  behave: Behaviour | undefined;
  port = 0;
  private readonly objects = new Map<string, Map<string, KubeObject>>();
  private readonly changes: Change[] = [];
  private readonly watchers = new Set<Watcher>();
  private readonly sockets = new Set<Duplex>();
  private version = 100;
  /** Changes up to this one are forgotten. */
  private compacted = 0;
  private wake = (): void => {};

  private constructor(
    readonly ca: PemPair,
    private readonly server: Server,
  ) {}

  /** @param names  that its certificate is for */
  static async start({
    dnsNames = ['kubernetes'],
    ipAddresses = ['127.0.0.1'],
    port = 0,
    ca,
    lifetimeMs,
    now,
  }: {
    dnsNames?: string[];
    ipAddresses?: string[];
    port?: number;
    ca?: PemPair;
    lifetimeMs?: number;
    now?: number;
  } = {}): Promise<KubeApi> {
    const authority = ca ?? (await createCertificateAuthority({ organization: 'kubernetes' }));
    const key = await generatePrivateKey();
    const cert = await issueServerCertificate({
      ...{ ca: authority, publicKeyDer: publicKeyDer(key), dnsNames, ipAddresses },
      ...(lifetimeMs !== undefined && { lifetimeMs }),
      ...(now !== undefined && { now }),
    });
    const server = createServer({
      ...{ cert, key: key.export({ type: 'pkcs8', format: 'pem' }), ca: authority.crt },
      ...{ requestCert: true, rejectUnauthorized: false, keepAliveTimeout: 60_000 },
    });
    const api = new KubeApi(authority, server);
    server.on('request', (request, response) => void api.take(request, response));
    server.on('connection', (socket) => {
      api.sockets.add(socket);
      socket.on('close', () => api.sockets.delete(socket));
      socket.on('error', () => {});
    });
    server.on('tlsClientError', () => {});
    await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
    api.port = (server.address() as AddressInfo).port;
    return api;
  }

  /** Of the authority. @param user  'system:node:node-1' */
  async client(user: string, group = 'system:nodes'): Promise<PemPair> {
    const pair = await issueClientCertificate({ ca: this.ca, roles: [group], commonName: user });
    decodePrivateKey(pair.key);
    return { crt: pair.crt, key: standardPrivateKeyPem(pair.key) };
  }

  /** @param host  that the kubeconfig names */
  async kubeconfig(user: string, host = '127.0.0.1'): Promise<string> {
    const { crt, key } = await this.client(user);
    return kubeconfigText({ server: `https://${host}:${this.port}`, ca: this.ca.crt, crt, key });
  }

  /** Makes or changes an object. */
  set(path: string, object: KubeObject): void {
    const { name } = object.metadata;
    const known = this.objects.get(path) ?? new Map<string, KubeObject>();
    this.objects.set(path, known);
    const type = known.has(name) ? 'MODIFIED' : 'ADDED';
    const next = { ...object, metadata: { ...object.metadata, resourceVersion: String(++this.version) } };
    known.set(name, next);
    this.publish({ version: this.version, path, type, object: next });
  }

  delete(path: string, name: string): void {
    const object = this.objects.get(path)?.get(name);
    if (!object) throw new Error(`there is no ${name}`);
    this.objects.get(path)?.delete(name);
    const next = { ...object, metadata: { ...object.metadata, resourceVersion: String(++this.version) } };
    this.publish({ version: this.version, path, type: 'DELETED', object: next });
  }

  /** Forgets what has happened so far. */
  compact(): void {
    this.compacted = this.version;
  }

  /** Tells everybody who watches how far it is. */
  bookmark(): void {
    for (const { response } of this.watchers) {
      const object = { kind: 'Node', metadata: { resourceVersion: String(this.version) } };
      response.write(`${JSON.stringify({ type: 'BOOKMARK', object })}\n`);
    }
  }

  get watching(): number {
    return this.watchers.size;
  }

  /** Ends watches in order. */
  endWatches(): void {
    for (const { response } of this.watchers) response.end();
  }

  /** Ends connections at once. */
  cut(): void {
    for (const socket of this.sockets) socket.destroy();
  }

  /** Writes something into every watch. */
  writeToWatches(text: string): void {
    for (const { response } of this.watchers) response.write(text);
  }

  /** Resolves when something that it is asked makes this true. */
  async until(isTrue: () => boolean): Promise<void> {
    while (!isTrue()) await new Promise<void>((resolve) => (this.wake = resolve));
  }

  async stop(): Promise<void> {
    this.cut();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private async take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', 'https://kubernetes');
    const socket = request.socket as TLSSocket;
    const commonName = socket.authorized ? String(socket.getPeerCertificate().subject.CN) : '';
    let body = '';
    for await (const piece of request) body += piece;
    const asked: KubeRequest = {
      method: request.method ?? '',
      path: url.pathname,
      query: url.searchParams,
      user: commonName,
      body,
    };
    this.requests.push(asked);
    const isDone = this.behave?.(asked, response) ?? false;
    if (!isDone) this.answer(asked, response);
    this.wake();
  }

  private answer({ method, path, query, user, body }: KubeRequest, response: ServerResponse): void {
    if (user === '') {
      sendStatus(response, 401, 'Unauthorized');
      return;
    }
    if (method === 'PATCH') {
      send(response, 200, JSON.parse(body));
      return;
    }
    const selects = selectorOf(query.get('fieldSelector'));
    if (query.get('watch') === 'true') this.watch({ path, selects, response }, Number(query.get('resourceVersion')));
    else this.list(path, selects, query, response);
  }

  private list(path: string, selects: Selects, query: URLSearchParams, response: ServerResponse): void {
    const all = [...(this.objects.get(path) ?? new Map<string, KubeObject>()).values()]
      .filter(selects)
      .sort((left, right) => left.metadata.name.localeCompare(right.metadata.name));
    const from = Number(query.get('continue') ?? 0);
    const to = from + Number(query.get('limit') ?? all.length);
    send(response, 200, {
      kind: 'List',
      metadata: { resourceVersion: String(this.version), ...(to < all.length && { continue: String(to) }) },
      items: all.slice(from, to),
    });
  }

  private watch(watcher: Watcher, after: number): void {
    const { response } = watcher;
    response.writeHead(200, { 'content-type': 'application/json' });
    response.flushHeaders();
    if (after < this.compacted) {
      const object = { kind: 'Status', status: 'Failure', code: 410, message: 'too old resource version' };
      response.end(`${JSON.stringify({ type: 'ERROR', object })}\n`);
      return;
    }
    this.watchers.add(watcher);
    response.on('close', () => {
      this.watchers.delete(watcher);
      this.wake();
    });
    for (const change of this.changes) if (change.version > after) tell(watcher, change);
  }

  private publish(change: Change): void {
    this.changes.push(change);
    for (const watcher of this.watchers) tell(watcher, change);
  }
}

export function send(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify(body));
}

export function sendStatus(response: ServerResponse, code: number, message: string): void {
  send(response, code, { kind: 'Status', apiVersion: 'v1', status: 'Failure', message, code });
}

/** The two that nodes use: 'metadata.name=…' and 'spec.nodeName=…'. */
function selectorOf(text: string | null): Selects {
  const [field, value] = text?.split('=') ?? [];
  if (field === 'metadata.name') return ({ metadata }) => metadata.name === value;
  if (field === 'spec.nodeName') return ({ spec }) => (spec as { nodeName?: string } | undefined)?.nodeName === value;
  return () => true;
}

function tell({ path, selects, response }: Watcher, { path: changed, type, object }: Change): void {
  if (path !== changed || !selects(object)) return;
  response.write(`${JSON.stringify({ type, object })}\n`);
}

/** A kubeconfig with everything inside. */
export function kubeconfigText(parts: { server: string; ca: string; crt: string; key: string }): string {
  const base64 = (text: string) => Buffer.from(text).toString('base64');
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'c', cluster: { server: parts.server, 'certificate-authority-data': base64(parts.ca) } }],
    users: [
      {
        name: 'u',
        user: { 'client-certificate-data': base64(parts.crt), 'client-key-data': base64(parts.key) },
      },
    ],
    contexts: [{ name: 'u@c', context: { cluster: 'c', user: 'u' } }],
    'current-context': 'u@c',
  });
}
