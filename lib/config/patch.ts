/**
 * Changing a machine config by patches, as talosctl does: pieces of a config that are merged in ("strategic merge"), and JSON patches.
 * Comments of the config stay where nothing changes.
 */
import { type Document, isCollection, isMap, isSeq, parseAllDocuments, stringify, visit, type YAMLMap } from 'yaml';
import { TalosError } from '../base/errors.js';
import { type ConfigDocument, plainValue, readDocuments } from './document.js';
import { applyJsonPatch } from './json-patch.js';
import { ConfigError } from './problem.js';
import { setValue } from './yaml-nodes.js';

/** Lists that a patch replaces; to all others it appends. */
const REPLACED: ReadonlySet<string> = new Set(['cluster.network.podSubnets', 'cluster.network.serviceSubnets']);
const DIRECTIVE = '$patch';

type Fields = Record<string, unknown>;

/**
 * Changes a config by a patch, YAML or JSON. A map is merged in: maps field by field, lists by appending, anything else by replacing; a map
 * with `$patch: delete` removes what it stands for; a document with a `kind` is for that of the same kind and name, or becomes a new one.
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
    if (target === undefined) added.push(`---\n${stringify(value, { lineWidth: 0 })}`);
    else if (value[DIRECTIVE] === 'delete') documents.splice(index, 1);
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
    if (isFields(value) && value[DIRECTIVE] === 'delete') target.delete(name);
    else if (isFields(value) && isMap(existing)) merge(document, existing, value, own);
    else if (Array.isArray(value) && isSeq(existing) && !REPLACED.has(own.join('.'))) {
      for (const item of value) existing.add(document.createNode(item));
    } else {
      const node = document.createNode(value);
      if (isCollection(node)) node.flow = false;
      target.set(name, node);
    }
  }
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
