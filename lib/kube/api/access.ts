/**
 * What a kubeconfig says about the way to a cluster: https://kubernetes.io/docs/reference/config-api/kubeconfig.v1/. Only what needs no other
 * program and leaves the server no way to be somebody else: a CA, and a client certificate or a token.
 */
import { isIP } from 'node:net';
import { parse } from 'yaml';
import { errorMessage } from '../../base/errors.js';
import { quoted } from '../../base/printable.js';
import { KIB } from '../../base/units.js';
import { KubeError } from './errors.js';
import { isTrueAt, type JsonObject, listAt, objectAt, textAt } from './json.js';

/** A text, or the file that has it, which may be another one each time it is read. */
export type TextSource = { kind: 'text'; text: string } | { kind: 'file'; path: string };

export type ClientCredentials =
  /** PEM. */
  { kind: 'certificate'; certificate: TextSource; key: TextSource } | { kind: 'token'; token: TextSource };

export interface KubeAccess {
  /** Name or address, and port, of the server. */
  host: string;
  port: number;
  /** What the certificate of the server has to be for. */
  serverName: string;
  /** PEM: the authorities that it may be of, and no others. */
  ca: TextSource;
  client: ClientCredentials;
}

const MAX_BYTES = 256 * KIB;
const HTTPS_PORT = 443;

/**
 * The way that the kubeconfig's current context names.
 * @throws KubeError ERR_KUBE_ACCESS  it is none, names nothing, or asks for what is refused here
 */
export function parseKubeconfig(text: string): KubeAccess {
  if (Buffer.byteLength(text) > MAX_BYTES) throw refused('is longer than a kubeconfig can be');
  let config: unknown;
  try {
    // No aliases: a few lines of them are gigabytes.
    config = parse(text, { maxAliasCount: 0 });
  } catch (error) {
    throw refused(`is no YAML: ${quoted(errorMessage(error).split('\n')[0] ?? '', 200)}`, error);
  }
  const contextName = textAt(config, 'current-context') ?? '';
  const context = named(config, 'contexts', 'context', contextName);
  const cluster = named(config, 'clusters', 'cluster', textAt(context, 'cluster') ?? '');
  const user = named(config, 'users', 'user', textAt(context, 'user') ?? '');
  const { host, port } = addressOf(textAt(cluster, 'server') ?? '');
  if (isTrueAt(cluster, 'insecure-skip-tls-verify')) {
    throw refused(
      'has insecure-skip-tls-verify, with which anybody could be the server: give it the CA of the cluster',
    );
  }
  if (textAt(cluster, 'proxy-url') !== undefined) throw refused('has proxy-url, which is not supported');
  const ca = sourceAt(cluster, 'certificate-authority');
  if (!ca) throw refused('names no certificate-authority: give it the CA of the cluster');
  return { host, port, serverName: textAt(cluster, 'tls-server-name') ?? host, ca, client: clientOf(user) };
}

/** An entry of one of the lists of a kubeconfig. */
function named(config: unknown, list: string, field: string, name: string): JsonObject {
  const entry = listAt(config, list).find((one) => textAt(one, 'name') === name);
  const found = objectAt(entry, field);
  if (!found) throw refused(`has no ${field} called ${quoted(name, 100)}`);
  return found;
}

function addressOf(server: string): { host: string; port: number } {
  const url = URL.canParse(server) ? new URL(server) : undefined;
  if (url?.protocol !== 'https:') throw refused(`has the server ${quoted(server, 200)}, which is no https URL`);
  const hasMore = url.pathname !== '/' || url.search !== '' || url.hash !== '' || url.username !== '';
  if (hasMore) throw refused(`has the server ${quoted(url.origin, 200)} with more than host and port`);
  return {
    host: url.hostname.replace(/^\[(.*)\]$/, '$1'),
    port: url.port === '' ? HTTPS_PORT : Number(url.port),
  };
}

function clientOf(user: JsonObject): ClientCredentials {
  const certificate = sourceAt(user, 'client-certificate');
  const key = sourceAt(user, 'client-key');
  if (certificate && key) return { kind: 'certificate', certificate, key };
  if (certificate || key) throw refused('has only one of client-certificate and client-key');
  const tokenFile = textAt(user, 'tokenFile');
  if (tokenFile !== undefined) return { kind: 'token', token: { kind: 'file', path: absolute(tokenFile) } };
  const token = textAt(user, 'token');
  if (token !== undefined) return { kind: 'token', token: { kind: 'text', text: token } };
  throw refused('has neither a client certificate nor a token');
}

/** `<name>-data` in base64, which is stronger, or the path of a file. */
function sourceAt(object: JsonObject, name: string): TextSource | undefined {
  const data = textAt(object, `${name}-data`);
  if (data !== undefined && data !== '') return { kind: 'text', text: Buffer.from(data, 'base64').toString('utf8') };
  const path = textAt(object, name);
  return path === undefined || path === '' ? undefined : { kind: 'file', path: absolute(path) };
}

function absolute(path: string): string {
  if (!path.startsWith('/')) throw refused(`names the file ${quoted(path, 200)}, which is no absolute path`);
  return path;
}

function refused(why: string, cause?: unknown): KubeError {
  return new KubeError('ERR_KUBE_ACCESS', `the kubeconfig ${why}`, { cause });
}

/** `host:port`, for people. */
export function describeServer({ host, port }: { host: string; port: number }): string {
  return isIP(host) === 6 ? `[${host}]:${port}` : `${host}:${port}`;
}
