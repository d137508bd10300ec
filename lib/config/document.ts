/**
 * Hostile-proof reading of YAML: text in, plain values and the line of each of their fields out.
 *
 * Bounds: size, number of parts, nesting (both before the parser sees the text, see text-bounds.ts), and expansion of aliases (a "billion laughs" text is refused by the parser's own count). Only the core
 * schema is known, so no tag can make anything but plain data; `__proto__` is refused as a key wherever it stands.
 */
import {
  type Document,
  type DocumentOptions,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type ParsedNode,
  parseAllDocuments,
  type SchemaOptions,
  visit,
} from 'yaml';
import { type ConfigProblem, formatPath } from './problem.js';
import { CONFIG_TOO_LARGE, MAX_CONFIG_BYTES } from './size.js';
import { excessOf, MAX_DEPTH, MAX_TOKENS } from './text-bounds.js';

const MAX_ALIASES = 100;
/** Nobody reads more syntax errors at once. */
const MAX_PROBLEMS = 20;
/** Characters of somebody's text that are repeated in a message. */
const MAX_QUOTED = 60;

export interface ConfigDocument {
  /** Plain data; fields with a null value are left out, as if they had not been written. */
  value: unknown;
  /** Line of the field at the path, or of the nearest thing around it that exists. */
  lineOf(path: readonly PropertyKey[]): number;
}

/** What a text may be, and how its scalars are read. */
export interface TextRules {
  readonly maxBytes: number;
  /** What is said of one that has more. */
  readonly tooLarge: string;
  readonly maxDocuments: number;
  /** Pieces (text-bounds.ts). */
  readonly maxTokens: number;
  readonly scalars: Pick<DocumentOptions & SchemaOptions, 'version' | 'schema' | 'merge' | 'customTags'>;
}

/** Of a machine config. */
const CONFIG_RULES: TextRules = {
  maxBytes: MAX_CONFIG_BYTES,
  tooLarge: CONFIG_TOO_LARGE,
  maxDocuments: 64,
  maxTokens: MAX_TOKENS,
  scalars: { schema: 'core', merge: false },
};

/** Reads a stream of documents; empty ones are skipped. Throws nothing: what is wrong comes back as problems. */
export function readDocuments(
  text: string,
  rules: TextRules = CONFIG_RULES,
): { documents: ConfigDocument[]; problems: ConfigProblem[] } {
  const { maxBytes, tooLarge, maxDocuments, maxTokens, scalars } = rules;
  if (Buffer.byteLength(text) > maxBytes) return wholeText(tooLarge);
  const excess = excessOf(text, maxTokens);
  if (excess !== undefined) return { documents: [], problems: [{ path: '', ...excess }] };
  const counter = new LineCounter();
  let parsed: ReturnType<typeof parseAllDocuments>;
  try {
    parsed = parseAllDocuments(text, {
      lineCounter: counter,
      prettyErrors: false,
      // Checked in forbiddenParts: the parser's own check takes quadratic time.
      uniqueKeys: false,
      ...scalars,
      logLevel: 'error',
    });
  } catch (error) {
    // The parser recurses: absurd nesting ends its stack before our own bound is asked.
    if (error instanceof RangeError) return wholeText('is nested too deeply');
    throw error;
  }
  if (!Array.isArray(parsed)) return { documents: [], problems: [] };
  if (parsed.length > maxDocuments) return wholeText(`has more than ${maxDocuments} documents`);

  const problems: ConfigProblem[] = [];
  const documents: ConfigDocument[] = [];
  for (const document of parsed as Document.Parsed[]) {
    const found = [...document.errors, ...document.warnings].slice(0, MAX_PROBLEMS).map((error) => ({
      path: '',
      line: counter.linePos(error.pos[0]).line,
      message: /call stack/.test(error.message) ? 'is nested too deeply' : error.message,
    }));
    if (found.length === 0) found.push(...forbiddenParts(document, counter));
    problems.push(...found);
    if (found.length > 0 || document.contents === null) continue;
    try {
      const value = plainValue(document.toJS({ maxAliasCount: MAX_ALIASES }));
      if (value === undefined) continue;
      documents.push({ value, lineOf: (path) => lineOf(document, counter, path) });
    } catch (error) {
      if (!(error instanceof ReferenceError)) throw error;
      problems.push({ path: '', line: 0, message: 'has aliases that expand to too much' });
    }
  }
  return { documents, problems };
}

function wholeText(message: string): { documents: []; problems: ConfigProblem[] } {
  return { documents: [], problems: [{ path: '', line: 0, message }] };
}

function forbiddenParts(document: Document.Parsed, counter: LineCounter): ConfigProblem[] {
  const problems: ConfigProblem[] = [];
  const report = (node: unknown, message: string) => {
    const start = (node as ParsedNode | null)?.range?.[0] ?? 0;
    problems.push({ path: '', line: counter.linePos(start).line, message });
  };
  visit(document, {
    Collection: (_key, collection, ancestors) => {
      // A map counts twice among the ancestors: itself and its pair.
      if (ancestors.length > 2 * MAX_DEPTH) {
        report(collection, 'is nested too deeply');
        return visit.BREAK;
      }
      const seen = new Set<string>();
      for (const { key, value } of isMap(collection) ? collection.items : []) {
        if (problems.length >= MAX_PROBLEMS) return visit.BREAK;
        const name = isScalar(key) ? String(key.value) : undefined;
        if (name === undefined) report(key ?? value, 'a key must be plain text');
        else if (name === '__proto__') report(key, 'a field cannot have this name');
        else if (seen.has(name)) report(key, `the field ${name.slice(0, MAX_QUOTED)} is there already`);
        seen.add(name ?? '');
      }
      return undefined;
    },
  });
  return problems;
}

/** Plain data as if fields with a null value had not been written; shares nothing with what it is made of. */
export function plainValue(value: unknown): unknown {
  if (value === null) return undefined;
  // A null inside a list stays: it is a mistake there, and the schema says so.
  if (Array.isArray(value)) return value.map((item) => (item === null ? null : plainValue(item)));
  if (typeof value !== 'object') return value;
  return Object.fromEntries(
    Object.entries(value as object)
      .map(([key, item]) => [key, plainValue(item)])
      .filter(([, item]) => item !== undefined),
  );
}

function lineOf(document: Document.Parsed, counter: LineCounter, path: readonly PropertyKey[]): number {
  let node: unknown = document.contents;
  let offset = document.contents?.range?.[0] ?? 0;
  for (const segment of path) {
    if (isAlias(node)) node = node.resolve(document);
    if (isMap(node)) {
      const pair = node.items.find((item) => isScalar(item.key) && String(item.key.value) === String(segment));
      if (pair === undefined) break;
      offset = (pair.key as ParsedNode).range[0];
      node = pair.value;
    } else if (isSeq(node)) {
      node = node.items[Number(segment)];
      if (node === undefined) break;
      offset = (node as ParsedNode).range[0];
    } else {
      break;
    }
  }
  return counter.linePos(offset).line;
}

/** A problem at a field of a document. */
export function problemAt(document: ConfigDocument, path: readonly PropertyKey[], message: string): ConfigProblem {
  return { path: formatPath(path), line: document.lineOf(path), message };
}
