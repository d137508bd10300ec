/** Merging kubeconfigs. Pure; fields that we do not know are kept. */
import { isDeepStrictEqual } from 'node:util';
import { stringify } from 'yaml';
import { problemAt, readDocuments } from '../config/document.js';
import { ConfigError } from '../config/problem.js';

type ListName = 'clusters' | 'users' | 'contexts';

interface Named {
  name: string;
  [other: string]: unknown;
}

export type Kubeconfig = { [list in ListName]: Named[] } & { 'current-context': string; [other: string]: unknown };

/**
 * Reads a kubeconfig.
 * @param what  for the message
 * @throws ConfigError  naming fields and lines, never values
 */
export function parseKubeconfig(text: string, what: string): Kubeconfig {
  const { documents, problems } = readDocuments(text);
  const [document = { value: {}, lineOf: () => 0 }, ...more] = documents;
  const complain = (path: PropertyKey[], message: string) => void problems.push(problemAt(document, path, message));
  if (more.length > 0) complain([], 'has more than one document');
  const value = isObject(document.value) ? document.value : {};
  if (!isObject(document.value)) complain([], 'must have the fields clusters, users and contexts');
  const listOf = (list: ListName): Named[] => {
    const items = value[list] ?? [];
    if (!Array.isArray(items)) complain([list], 'must be a list');
    const found: unknown[] = Array.isArray(items) ? items : [];
    for (const [index, item] of found.entries()) {
      if (!isObject(item) || typeof item.name !== 'string') complain([list, index], 'has no name');
    }
    return found as Named[];
  };
  const [clusters, users, contexts] = [listOf('clusters'), listOf('users'), listOf('contexts')];
  const { 'current-context': current = '' } = value;
  if (typeof current !== 'string') complain(['current-context'], 'must be text');
  if (problems.length > 0) throw new ConfigError(problems, what);
  return { apiVersion: 'v1', kind: 'Config', ...value, clusters, users, contexts, 'current-context': String(current) };
}

export function stringifyKubeconfig(config: Kubeconfig): string {
  return stringify(config, { lineWidth: 0 });
}

/**
 * Merges another kubeconfig in, whose current context becomes the current one.
 * @param force  an entry whose name is taken by a different one takes its place; else it gets `-1`, `-2` … appended
 * @returns a new config, and the new names of the contexts that were renamed
 */
export function mergeKubeconfig(
  base: Kubeconfig,
  other: Kubeconfig,
  force: boolean,
): { config: Kubeconfig; renamed: Map<string, string> } {
  const clusters = mergeList(base.clusters, other.clusters, force);
  const users = mergeList(base.users, other.users, force);
  const moved = other.contexts.map((item) => {
    const context = isObject(item.context) ? item.context : {};
    const { cluster, user } = context;
    return {
      ...item,
      context: { ...context, cluster: clusters.nameOf(cluster), user: users.nameOf(user) },
    };
  });
  const contexts = mergeList(base.contexts, moved, force);
  return {
    config: {
      ...base,
      clusters: clusters.items,
      users: users.items,
      contexts: contexts.items,
      'current-context': contexts.nameOf(other['current-context']) as string,
    },
    renamed: contexts.renamed,
  };
}

/** Gives the one context another name. */
export function renameContext(config: Kubeconfig, name: string): Kubeconfig {
  const current = config['current-context'];
  const contexts = config.contexts.map((item) => (item.name === current ? { ...item, name } : item));
  return { ...config, contexts, 'current-context': name };
}

/** Gives the cluster of the current context another server. @param server  URL */
export function withServer(config: Kubeconfig, server: string): Kubeconfig {
  const context = config.contexts.find(({ name }) => name === config['current-context'])?.context;
  const name = isObject(context) ? context.cluster : undefined;
  const clusters = config.clusters.map((item) =>
    item.name === name && isObject(item.cluster) ? { ...item, cluster: { ...item.cluster, server } } : item,
  );
  return { ...config, clusters };
}

/**
 * Takes out whatever leads to clusters of another kubeconfig, whatever it is called here: a cluster is known by its authority.
 * @returns undefined when there is nothing of it
 */
export function withoutClusters(config: Kubeconfig, other: Kubeconfig): Kubeconfig | undefined {
  const authorities = new Set(other.clusters.map(authorityOf).filter((data) => data !== undefined));
  const gone = new Set(
    config.clusters.filter((item) => authorities.has(authorityOf(item) ?? '')).map(({ name }) => name),
  );
  if (gone.size === 0) return undefined;
  const contexts = config.contexts.filter(({ context }) => !(isObject(context) && gone.has(String(context.cluster))));
  const usersOf = (list: readonly Named[]) =>
    new Set(list.map(({ context }) => (isObject(context) ? context.user : undefined)));
  const [before, after] = [usersOf(config.contexts), usersOf(contexts)];
  const current = config['current-context'];
  return {
    ...config,
    clusters: config.clusters.filter(({ name }) => !gone.has(name)),
    users: config.users.filter(({ name }) => !before.has(name) || after.has(name)),
    contexts,
    'current-context': contexts.some(({ name }) => name === current) ? current : '',
  };
}

function authorityOf({ cluster }: Named): string | undefined {
  const data = isObject(cluster) ? cluster['certificate-authority-data'] : undefined;
  return typeof data === 'string' && data !== '' ? data : undefined;
}

function mergeList(base: readonly Named[], other: readonly Named[], force: boolean) {
  const items = [...base];
  const renamed = new Map<string, string>();
  const placeOf = (name: string) => items.findIndex((item) => item.name === name);
  for (const item of other) {
    if (force && placeOf(item.name) >= 0) {
      items[placeOf(item.name)] = item;
      continue;
    }
    let target = item;
    for (let suffix = 1; placeOf(target.name) >= 0; suffix++) {
      if (isDeepStrictEqual(items[placeOf(target.name)], target)) break;
      target = { ...item, name: `${item.name}-${suffix}` };
    }
    if (placeOf(target.name) < 0) items.push(target);
    if (target.name !== item.name) renamed.set(item.name, target.name);
  }
  const nameOf = (name: unknown) => (typeof name === 'string' ? (renamed.get(name) ?? name) : name);
  return { items, renamed, nameOf };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
