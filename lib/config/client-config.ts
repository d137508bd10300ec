/**
 * The client config (talosctl's `talosconfig`): contexts, each with the endpoints of a cluster and the client's certificate.
 * Pure functions; fields that we do not know are kept, so that a file shared with talosctl loses nothing.
 */
import { stringify } from 'yaml';
import { TalosError } from '../base/errors.js';
import { readDocuments } from './document.js';
import { ConfigError, type ConfigProblem } from './problem.js';

const HOW_TO_SELECT = 'select one with `osctl config context NAME`';

export interface ClientContext {
  endpoints?: string[];
  nodes?: string[];
  /** Base64 of PEM, each of the three. */
  ca?: string;
  crt?: string;
  key?: string;
  /** talosctl's other fields: auth, cluster, proxy-url. */
  [other: string]: unknown;
}

export interface ClientConfig {
  /** Name of the context in use; empty when none is. */
  context: string;
  contexts: Record<string, ClientContext>;
}

/** A config without any context. */
export function emptyClientConfig(): ClientConfig {
  return { context: '', contexts: {} };
}

/**
 * Parses the text of a client config.
 * @throws ConfigError  naming fields and lines, never values
 */
export function parseClientConfig(text: string, what = 'the client config'): ClientConfig {
  return parseClientConfigText(text, what).config;
}

/** As `parseClientConfig`, with the lines of its fields. */
export function parseClientConfigText(
  text: string,
  what: string,
): { config: ClientConfig; lineOf: (path: readonly PropertyKey[]) => number } {
  const { documents, problems } = readDocuments(text);
  if (documents.length > 1) problems.push({ path: '', line: 0, message: 'has more than one document' });
  if (problems.length > 0) throw new ConfigError(problems, what);
  const document = documents[0];
  if (document === undefined) return { config: emptyClientConfig(), lineOf: () => 0 };

  const complain = (path: PropertyKey[], message: string) =>
    problems.push({ path: path.map(String).join('.'), line: document.lineOf(path), message } satisfies ConfigProblem);
  const top = document.value;
  if (!isObject(top)) {
    complain([], 'must hold the fields context and contexts');
    throw new ConfigError(problems, what);
  }
  const { context = '', contexts = {} } = top;
  if (typeof context !== 'string') complain(['context'], 'must be text');
  if (!isObject(contexts)) complain(['contexts'], 'must map names to contexts');
  for (const [name, value] of Object.entries(isObject(contexts) ? contexts : {})) {
    if (!isObject(value)) {
      complain(['contexts', name], 'must be an object');
      continue;
    }
    for (const list of ['endpoints', 'nodes'] as const) {
      const items = value[list];
      if (items !== undefined && !(Array.isArray(items) && items.every((item) => typeof item === 'string'))) {
        complain(['contexts', name, list], 'must be a list of texts');
      }
    }
    for (const part of ['ca', 'crt', 'key'] as const) {
      if (value[part] !== undefined && typeof value[part] !== 'string')
        complain(['contexts', name, part], 'must be base64 text');
    }
  }
  if (problems.length > 0) throw new ConfigError(problems, what);
  const config = { ...top, context: context as string, contexts: contexts as Record<string, ClientContext> };
  return { config, lineOf: (path) => document.lineOf(path) };
}

/** The text of a client config, as talosctl reads it. */
export function stringifyClientConfig(config: ClientConfig): string {
  return stringify(config, { lineWidth: 0 });
}

/**
 * Merges another config in. A context whose name is taken by a different one gets `-1`, `-2` … appended; the same context again
 * changes nothing. The other's current context becomes the current one.
 * @returns a new config, and the new names of the contexts that were renamed
 */
export function mergeClientConfig(
  base: ClientConfig,
  other: ClientConfig,
): { config: ClientConfig; renamed: Map<string, string> } {
  const contexts = { ...base.contexts };
  const renamed = new Map<string, string>();
  for (const [name, context] of Object.entries(other.contexts)) {
    let target = name;
    for (let suffix = 1; Object.hasOwn(contexts, target) && !isSame(contexts[target], context); suffix++)
      target = `${name}-${suffix}`;
    contexts[target] = context;
    if (target !== name) renamed.set(name, target);
  }
  const context = other.context === '' ? base.context : (renamed.get(other.context) ?? other.context);
  return { config: { ...base, context, contexts }, renamed };
}

/** Takes a context out; if it was the current one, none is current afterwards. */
export function removeContext(config: ClientConfig, name: string): ClientConfig {
  const { [name]: _removed, ...contexts } = config.contexts;
  return { ...config, contexts, context: config.context === name ? '' : config.context };
}

/**
 * The context to use.
 * @param name  overrides the config's own choice
 * @param file  where it was read, for messages
 * @throws ERR_CONFIG_CONTEXT  there is none, or none of this name
 */
export function selectContext(
  config: ClientConfig,
  name?: string,
  file?: { path: string; lineOf(path: readonly PropertyKey[]): number },
): { name: string; context: ClientContext } {
  const where = file === undefined ? '' : `${file.path}: `;
  const wanted = name ?? config.context;
  const known = Object.keys(config.contexts).sort();
  const list = known.length === 0 ? 'there are none' : `there are: ${known.join(', ')}`;
  if (wanted === '') {
    const hint = known.length === 0 ? 'make a local cluster with `osctl cluster create`' : HOW_TO_SELECT;
    throw new TalosError('ERR_CONFIG_CONTEXT', `${where}no context is selected (${list})`, { hint });
  }
  if (!Object.hasOwn(config.contexts, wanted)) {
    // The file's own choice is a mistake in the file.
    const place = file !== undefined && name === undefined ? `line ${file.lineOf(['context'])}: context: ` : '';
    throw new TalosError(
      'ERR_CONFIG_CONTEXT',
      `${where}${place}no context is called ${JSON.stringify(wanted)} (${list})`,
      place === '' ? {} : { hint: HOW_TO_SELECT },
    );
  }
  return { name: wanted, context: config.contexts[wanted] as ClientContext };
}

/** PEM of what a context holds; empty text for what it lacks. */
export function contextCredentials(context: ClientContext): { ca: string; crt: string; key: string } {
  const decode = (base64: string | undefined) => Buffer.from(base64 ?? '', 'base64').toString('utf8');
  return { ca: decode(context.ca), crt: decode(context.crt), key: decode(context.key) };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isSame(left: unknown, right: unknown): boolean {
  return stringify(left, { sortMapEntries: true }) === stringify(right, { sortMapEntries: true });
}
