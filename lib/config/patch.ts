/**
 * Changing a machine config by patches, as talosctl does: pieces of a config that are merged in ("strategic merge"), and JSON patches.
 * Comments of the config stay where nothing changes.
 */
import { isDeepStrictEqual } from 'node:util';
import {
  type Document,
  isCollection,
  isMap,
  isSeq,
  parseAllDocuments,
  stringify,
  visit,
  type YAMLMap,
  type YAMLSeq,
} from 'yaml';
import { TalosError } from '../base/errors.js';
import { type ConfigDocument, plainValue, readDocuments } from './document.js';
import { applyJsonPatch } from './json-patch.js';
import { ConfigError } from './problem.js';
import { setValue } from './yaml-nodes.js';

/** What a patch replaces, be it a list or a map. */
const REPLACED: ReadonlySet<string> = new Set([
  'cluster.network.podSubnets',
  'cluster.network.serviceSubnets',
  'cluster.apiServer.auditPolicy',
]);
/** Lists whose items are known by one of these fields: a patch merges into the item that has the same. To all other lists it appends. */
const KEYS: Readonly<Record<string, readonly string[]>> = {
  'machine.network.interfaces': ['interface', 'deviceSelector'],
  'machine.network.interfaces.vlans': ['vlanId'],
  'cluster.apiServer.admissionControl': ['name'],
};
const DIRECTIVE = '$patch';

type Fields = Record<string, unknown>;

/**
 * Changes a config by a patch, YAML or JSON. A map is merged in: maps field by field, lists by appending or by the keys of their items, anything else by
 * replacing; a map with `$patch: delete` removes what it stands for, in a list the items that have the rest of it; a document with a `kind` is for that of the same kind and name, or becomes a new one.
 * A list is a JSON patch (RFC 6902) of the main document, the one without a `kind`.
 * @param what  names of the two, for messages
 * @throws ConfigError  the texts are no YAML, or an operation cannot be done · TalosError ERR_CONFIG_PATCH  the patch makes no sense
 */
export function patchConfig(text: string, patch: string, what: { config: string; patch: string }): string {
  const { problems } = readDocuments(text);
  if (problems.length > 0) throw new ConfigError(problems, what.config);
  const read = readDocuments(patch);
  if (read.problems.length > 0) throw new ConfigError(read.problems, what.patch);
  const parsed = parseAllDocuments(text);
  const documents: Document[] = Array.isArray(parsed) ? parsed : [];
  for (const document of documents) expandAliases(document);
  const added: string[] = [];
  for (const change of read.documents) {
    const { value } = change;
    if (Array.isArray(value)) {
      patchMain(documents, change, what);
      continue;
    }
    if (!isFields(value)) {
      throw new TalosError(
        'ERR_CONFIG_PATCH',
        `${what.patch}: it must be a piece of a config, or a list of JSON patch operations`,
      );
    }
    const index = documents.findIndex((document) => isFor(document, value));
    const target = documents[index];
    if (isDeletion(value) && value.kind === undefined) {
      throw new TalosError('ERR_CONFIG_PATCH', `${what.patch}: the main document of a config cannot be deleted`);
    }
    if (target === undefined) {
      const document = withoutDeletions(value);
      if (document !== undefined) added.push(`---\n${stringify(document, { lineWidth: 0 })}`);
    } else if (isDeletion(value)) documents.splice(index, 1);
    else merge(target, target.contents as YAMLMap, value, []);
  }
  return documents.map((document) => document.toString({ lineWidth: 0 })).join('') + added.join('');
}

/** An alias stands for the same thing in two places, and a change is meant for one of them. */
function expandAliases(document: Document): void {
  let hasAlias = false;
  visit(document, {
    Alias: () => {
      hasAlias = true;
      return visit.BREAK;
    },
  });
  if (hasAlias) document.contents = document.createNode(document.toJS(), { aliasDuplicateObjects: false });
}

function patchMain(
  documents: readonly Document[],
  change: ConfigDocument,
  what: { config: string; patch: string },
): void {
  const main = documents.find((document) => isMap(document.contents) && !document.has('kind'));
  if (main === undefined) {
    throw new TalosError(
      'ERR_CONFIG_PATCH',
      `${what.config} has no document with version, machine and cluster to patch`,
    );
  }
  const before = plainValue(main.toJS());
  setValue(main, before, applyJsonPatch(before, change, what));
}

function isFor(document: Document, patch: Fields): boolean {
  if (!isMap(document.contents) || (document.get('kind') ?? undefined) !== patch.kind) return false;
  return patch.kind === undefined || (document.get('name') ?? undefined) === patch.name;
}

function merge(document: Document, target: YAMLMap, patch: Fields, path: readonly string[]): void {
  for (const [name, value] of Object.entries(patch)) {
    const own = [...path, name];
    const existing = target.get(name);
    const isReplaced = REPLACED.has(own.join('.'));
    if (isDeletion(value)) target.delete(name);
    else if (isFields(value) && isMap(existing) && !isReplaced) merge(document, existing, value, own);
    else if (Array.isArray(value) && isSeq(existing) && !isReplaced) mergeList(document, existing, value, own);
    // What it is already keeps its comment; a scalar comes as its value.
    else if (existing !== value) {
      const rest = withoutDeletions(value);
      if (rest === undefined) continue;
      const node = document.createNode(rest);
      if (isCollection(node)) node.flow = false;
      target.set(name, node);
    }
  }
}

function mergeList(document: Document, target: YAMLSeq, patch: readonly unknown[], path: readonly string[]): void {
  const keys = KEYS[path.join('.')] ?? [];
  for (const item of patch) {
    if (isDeletion(item)) {
      const { [DIRECTIVE]: _directive, ...fields } = item;
      target.items = target.items.filter((node) => !hasAll(node, fields));
      continue;
    }
    const key = isFields(item) ? keys.find((name) => item[name] !== undefined) : undefined;
    const own = key === undefined ? undefined : target.items.find((node) => hasAll(node, pick(item, key)));
    if (isFields(item) && isMap(own)) merge(document, own, item, path);
    else {
      const rest = withoutDeletions(item);
      if (rest !== undefined) target.add(document.createNode(rest));
    }
  }
}

/** Whether an item of a list is a map with these fields, which are some. */
function hasAll(node: unknown, fields: Fields): boolean {
  if (!isMap(node) || Object.keys(fields).length === 0) return false;
  const own = node.toJSON() as Fields;
  return Object.entries(fields).every(([name, value]) => isDeepStrictEqual(own[name], value));
}

const pick = (item: unknown, key: string): Fields => ({ [key]: (item as Fields)[key] });

function isDeletion(value: unknown): value is Fields {
  return isFields(value) && value[DIRECTIVE] === 'delete';
}

/** What is there of a part of a patch that has nothing to be merged into: what it would take away is away. Undefined when that is all of it. */
function withoutDeletions(value: unknown): unknown {
  if (isDeletion(value)) return undefined;
  if (Array.isArray(value)) {
    const items = value.map(withoutDeletions).filter((item) => item !== undefined);
    return value.length > 0 && items.length === 0 ? undefined : items;
  }
  if (!isFields(value)) return value;
  const fields = Object.entries(value).map(([name, field]) => [name, withoutDeletions(field)] as const);
  const kept = fields.filter(([, field]) => field !== undefined);
  return fields.length > 0 && kept.length === 0 ? undefined : Object.fromEntries(kept);
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
