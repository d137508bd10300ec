/** Changing a machine config by a piece of one, as talosctl's strategic merge patches do; comments of the config stay. */
import { type Document, isCollection, isMap, isSeq, parseAllDocuments, stringify, type YAMLMap } from 'yaml';
import { TalosError } from '../base/errors.js';
import { readDocuments } from './document.js';
import { ConfigError } from './problem.js';

/** Lists that a patch replaces; to all others it appends. */
const REPLACED: ReadonlySet<string> = new Set(['cluster.network.podSubnets', 'cluster.network.serviceSubnets']);
const DIRECTIVE = '$patch';

type Fields = Record<string, unknown>;

/**
 * Merges a patch into a config: maps field by field, lists by appending, anything else by replacing. A map with `$patch: delete` removes what
 * it stands for. A document with a `kind` is for that of the same kind and name, or becomes a new one.
 * @param what  names of the two, for messages
 * @throws ConfigError  the texts are no YAML · TalosError ERR_CONFIG_PATCH  the patch makes no sense
 */
export function patchConfig(text: string, patch: string, what: { config: string; patch: string }): string {
  const { problems } = readDocuments(text);
  if (problems.length > 0) throw new ConfigError(problems, what.config);
  const read = readDocuments(patch);
  if (read.problems.length > 0) throw new ConfigError(read.problems, what.patch);
  const parsed = parseAllDocuments(text);
  const documents: Document[] = Array.isArray(parsed) ? parsed : [];
  const added: string[] = [];
  for (const { value } of read.documents) {
    if (!isFields(value)) {
      const why = Array.isArray(value)
        ? 'JSON patches are not supported: write the fields as they are in the config'
        : 'it must be a map';
      throw new TalosError('ERR_CONFIG_PATCH', `${what.patch}: ${why}`);
    }
    const index = documents.findIndex((document) => isFor(document, value));
    const target = documents[index];
    if (target === undefined) added.push(`---\n${stringify(value, { lineWidth: 0 })}`);
    else if (value[DIRECTIVE] === 'delete') documents.splice(index, 1);
    else merge(target, target.contents as YAMLMap, value, []);
  }
  return documents.map((document) => document.toString({ lineWidth: 0 })).join('') + added.join('');
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
