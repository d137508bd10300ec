/** Bringing a parsed YAML document to another value while what stays the same keeps its form and its comments. */
import { isDeepStrictEqual } from 'node:util';
import { type Document, isCollection, isMap, isSeq, type Node, type YAMLMap, type YAMLSeq } from 'yaml';

type Fields = Record<string, unknown>;

/**
 * Changes the nodes of a document, without aliases, that stand for what is different.
 * @param before  its plain value; fields without a value are left out of it, and left as they are
 */
export function setValue(document: Document, before: unknown, after: unknown): void {
  if (!change(document, document.contents, before, after)) document.contents = document.createNode(after) as Node;
}

/** False if the node cannot become that, and has to be replaced. */
function change(document: Document, node: unknown, before: unknown, after: unknown): boolean {
  if (isDeepStrictEqual(before, after)) return true;
  if (isMap(node) && isFields(before) && isFields(after)) changeMap(document, node, before, after);
  else if (isSeq(node) && Array.isArray(before) && Array.isArray(after)) changeList(document, node, before, after);
  else return false;
  return true;
}

function changeMap(document: Document, map: YAMLMap, before: Fields, after: Fields): void {
  for (const name of Object.keys(before)) if (!Object.hasOwn(after, name)) map.delete(name);
  for (const [name, value] of Object.entries(after)) {
    const old = Object.hasOwn(before, name) ? before[name] : undefined;
    if (!change(document, map.get(name), old, value)) map.set(name, made(document, value));
  }
}

/** What is the same at both ends stays; in between items are changed as far as there are as many of them, else replaced. */
function changeList(document: Document, list: YAMLSeq, before: readonly unknown[], after: readonly unknown[]): void {
  const least = Math.min(before.length, after.length);
  let start = 0;
  while (start < least && isDeepStrictEqual(before[start], after[start])) start++;
  let end = 0;
  while (end < least - start && isDeepStrictEqual(before.at(-1 - end), after.at(-1 - end))) end++;
  const [old, current] = [before.slice(start, before.length - end), after.slice(start, after.length - end)];
  const nodes = current.map((value, index) => {
    const node = list.items[start + index];
    const isKept = old.length === current.length && change(document, node, old[index], value);
    return isKept ? node : made(document, value);
  });
  list.items.splice(start, old.length, ...nodes);
}

/** In the form of the rest, not that of a patch in JSON. */
function made(document: Document, value: unknown): Node {
  const node = document.createNode(value);
  if (isCollection(node)) node.flow = false;
  return node;
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
