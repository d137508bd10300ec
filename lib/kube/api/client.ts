/**
 * A client of the Kubernetes API: get, list, watch, create and server-side apply over HTTPS, with bounds on everything that a server may send.
 * https://kubernetes.io/docs/reference/using-api/api-concepts/
 */
import { MIB, MINUTE_MS, SECOND_MS } from '../../base/units.js';
import { parseAnswer, readBody } from './body.js';
import { Deadline } from './deadline.js';
import { connectionError, KubeError, statusError } from './errors.js';
import { isJsonObject, type JsonObject, listAt, textAt } from './json.js';
import { type Call, Transport, type TransportOptions } from './transport.js';
import { readWatch, type WatchEvent } from './watch-stream.js';

export interface KubeClientOptions extends TransportOptions {
  /** For one call; of a watch: for the head of its answer. */
  deadlineMs?: number;
  /** Of one answer. */
  maxBodyBytes?: number;
  /** Of one event of a watch. */
  maxLineBytes?: number;
}

/** A collection, or what is left of it. */
export interface Resource {
  /** '/api/v1/nodes' */
  path: string;
  /** 'metadata.name=kubernetes' */
  fieldSelector?: string;
}

export interface ListOptions<T> {
  signal?: AbortSignal | undefined;
  /** What is kept of an object; undefined: nothing. */
  select(object: JsonObject): T | undefined;
}

export interface WatchOptions {
  /** Of the list that the events go on from. */
  resourceVersion: string;
  signal?: AbortSignal | undefined;
  /** After so long the server ends the watch. */
  timeoutMs: number;
  /** The server has taken it. */
  onOpen?(): void;
  /** Those that have come together, in order. */
  onEvents(events: readonly WatchEvent[]): void;
}

const DEADLINE_MS = 15 * SECOND_MS;
/** 250 nodes with all that the kubelet tells of them are 4 MiB. */
const MAX_BODY_BYTES = 32 * MIB;
/** etcd takes 1.5 MiB for an object; as JSON it is longer. */
const MAX_LINE_BYTES = 4 * MIB;
const PAGE_ITEMS = 250;
const MAX_ITEMS = 20_000;
/** Behind the time after which the server was to end a watch. */
const WATCH_GRACE_MS = MINUTE_MS / 2;
const APPLY_MANAGER = 'talos';

export class KubeClient {
  private readonly transport: Transport;

  constructor(private readonly options: KubeClientOptions) {
    this.transport = new Transport(options);
  }

  /** Of the user, PEM, as it is now; undefined: there is none. @throws KubeError ERR_KUBE_ACCESS */
  certificate(): Promise<string | undefined> {
    return this.transport.certificate();
  }

  /** One object. @throws KubeError */
  async get(path: string, { signal }: { signal?: AbortSignal } = {}): Promise<JsonObject> {
    return this.call({ method: 'GET', path }, signal);
  }

  /**
   * Makes an object what is said here, and leaves all else of it (server-side apply).
   * @param path  of the object: '/apis/rbac.authorization.k8s.io/v1/clusterroles/NAME'
   * @throws KubeError
   */
  async apply(path: string, object: JsonObject, { signal }: { signal?: AbortSignal } = {}): Promise<JsonObject> {
    const query = new URLSearchParams({ fieldManager: APPLY_MANAGER, force: 'true' });
    // JSON is YAML.
    const body = { type: 'application/apply-patch+yaml', text: JSON.stringify(object) };
    return this.call({ method: 'PATCH', path: `${path}?${query}`, body }, signal);
  }

  /**
   * Makes an object of a collection, or a subresource. It may arrive twice: where the server ended a connection that was kept in the moment of its use, it is sent
   * anew.
   * @param path  of the collection: '/api/v1/namespaces/NAME/pods'
   * @throws KubeError
   */
  async create(path: string, object: JsonObject, { signal }: { signal?: AbortSignal } = {}): Promise<JsonObject> {
    const body = { type: 'application/json', text: JSON.stringify(object) };
    return this.call({ method: 'POST', path, body }, signal);
  }

  /**
   * All objects of a collection as they were at one moment, in pages.
   * @returns what was kept of them, and the version that a watch goes on from
   * @throws KubeError
   */
  async list<T>(
    resource: Resource,
    { select, signal }: ListOptions<T>,
  ): Promise<{ items: T[]; resourceVersion: string }> {
    const items: T[] = [];
    let seen = 0;
    let next = '';
    for (;;) {
      const query = { limit: String(PAGE_ITEMS), ...(next !== '' && { continue: next }) };
      const page = await this.call({ method: 'GET', path: pathOf(resource, query) }, signal);
      const resourceVersion = textAt(page, 'metadata', 'resourceVersion') ?? '';
      next = textAt(page, 'metadata', 'continue') ?? '';
      const objects = listAt(page, 'items');
      seen += objects.length;
      if (resourceVersion === '' || seen > MAX_ITEMS || (next !== '' && objects.length === 0)) {
        throw new KubeError(
          'ERR_KUBE_ANSWER',
          `the Kubernetes API at ${this.transport.server} sends a list of ${resource.path} that cannot be true, or has more than ${MAX_ITEMS} items`,
        );
      }
      for (const object of objects) {
        const kept = isJsonObject(object) ? select(object) : undefined;
        if (kept !== undefined) items.push(kept);
      }
      if (next === '') return { items, resourceVersion };
    }
  }

  /**
   * Follows a collection until the server ends the watch, which it does in time.
   * @throws KubeError  ERR_KUBE_GONE: list again · others
   */
  async watch(resource: Resource, options: WatchOptions): Promise<void> {
    const { resourceVersion, signal, timeoutMs, onEvents } = options;
    const { server } = this.transport;
    const query = {
      watch: 'true',
      allowWatchBookmarks: 'true',
      resourceVersion,
      timeoutSeconds: String(Math.ceil(timeoutMs / SECOND_MS)),
    };
    const path = pathOf(resource, query);
    const deadline = this.deadline(signal, `to watch ${resource.path}`);
    try {
      const response = await this.transport.send({ method: 'GET', path, signal: deadline.signal });
      deadline.extend(timeoutMs + WATCH_GRACE_MS);
      if (response.statusCode !== 200) throw await this.refusal(response, `GET ${resource.path}`);
      options.onOpen?.();
      const maxLineBytes = this.options.maxLineBytes ?? MAX_LINE_BYTES;
      await readWatch(response, { server, path: resource.path, maxLineBytes, onEvents });
    } catch (error) {
      throw this.explain(error, deadline.signal);
    } finally {
      deadline.clear();
    }
  }

  /** Ends connections that are kept. Resolves when no file of its credentials is open any more; never rejects. */
  close(): Promise<void> {
    return this.transport.close();
  }

  private async call(call: Omit<Call, 'signal'>, signal: AbortSignal | undefined): Promise<JsonObject> {
    const what = `${call.method} ${call.path.replace(/\?.*/, '')}`;
    const { server } = this.transport;
    const deadline = this.deadline(signal, `to answer ${what}`);
    try {
      const response = await this.transport.send({ ...call, signal: deadline.signal });
      if (response.statusCode !== 200 && response.statusCode !== 201) throw await this.refusal(response, what);
      const answer = parseAnswer(await readBody(response, this.maxBodyBytes, server), server);
      if (isJsonObject(answer)) return answer;
      throw new KubeError('ERR_KUBE_ANSWER', `the Kubernetes API at ${server} answers ${what} with no object`);
    } catch (error) {
      throw this.explain(error, deadline.signal);
    } finally {
      deadline.clear();
    }
  }

  private async refusal(response: Awaited<ReturnType<Transport['send']>>, what: string): Promise<KubeError> {
    const { server } = this.transport;
    const text = await readBody(response, this.maxBodyBytes, server);
    let body: unknown;
    try {
      body = JSON.parse(text);
    } catch {
      // A proxy's, perhaps; the status says enough.
    }
    return statusError({ server, what }, response.statusCode ?? 0, body, response.headers['retry-after']);
  }

  private get maxBodyBytes(): number {
    return this.options.maxBodyBytes ?? MAX_BODY_BYTES;
  }

  private deadline(signal: AbortSignal | undefined, what: string): Deadline {
    const deadlineMs = this.options.deadlineMs ?? DEADLINE_MS;
    const message = `the Kubernetes API at ${this.transport.server} takes too long ${what}: see whether it is overloaded`;
    return new Deadline(signal, deadlineMs, () => new KubeError('ERR_KUBE_DEADLINE', message));
  }

  /** An abort has the reason of its signal, whatever it looks like on the way here. */
  private explain(error: unknown, signal: AbortSignal): unknown {
    if (signal.aborted) return signal.reason;
    return connectionError({ server: this.transport.server, serverName: this.options.access.serverName }, error);
  }
}

function pathOf({ path, fieldSelector }: Resource, query: Readonly<Record<string, string>>): string {
  const all = new URLSearchParams({ ...query, ...(fieldSelector !== undefined && { fieldSelector }) });
  return `${path}?${all}`;
}
