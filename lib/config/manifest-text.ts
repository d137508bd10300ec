/**
 * Manifests of a cluster: YAML as `kubectl apply -f` takes it, read as safely as a machine config is. Scalars are those of YAML 1.1, as all programs in
 * Go have them (0644 is octal, yes is true), but no times of day and dates: Kubernetes has them as texts.
 */
import type { Tags } from 'yaml';
import { MIB } from '../base/units.js';
import { readDocuments, type TextRules } from './document.js';

/** An object of Kubernetes to be. */
export interface ManifestObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  /** undefined: none is said. */
  readonly namespace: string | undefined;
  /** All of it. */
  readonly fields: Readonly<Record<string, unknown>>;
}

export interface ParsedManifests {
  /** As they are written, one behind the other; items of a List in its place. */
  objects: ManifestObject[];
  /** What is wrong: a piece of a sentence each, without values. */
  problems: string[];
}

/** Of one text: the largest that projects publish have half of it. */
export const MAX_MANIFEST_BYTES = 4 * MIB;
export const MANIFEST_TOO_LARGE = `is larger than ${MAX_MANIFEST_BYTES / MIB} MiB, which is all that a manifest may have`;
/** etcd takes no larger object. */
const MAX_DOCUMENT_BYTES = 1.5 * MIB;
const MAX_DOCUMENTS = 1000;
const MAX_OBJECTS = 2000;
/** Nobody reads more at once. */
const MAX_PROBLEMS = 10;

/** Tags of YAML 1.1 that stand for what JSON has not. */
const LEFT_OUT: ReadonlySet<string> = new Set(
  ['binary', 'omap', 'pairs', 'set', 'timestamp'].map((name) => `tag:yaml.org,2002:${name}`),
);

const RULES: TextRules = {
  maxBytes: MAX_DOCUMENT_BYTES,
  tooLarge: `is larger than ${MAX_DOCUMENT_BYTES / MIB} MiB, which is all that an object may have`,
  maxDocuments: MAX_DOCUMENTS,
  maxTokens: 500_000,
  scalars: {
    version: '1.1',
    // 1:20 is no number either.
    customTags: (tags: Tags) =>
      tags.filter(
        (tag) => typeof tag === 'string' || !(LEFT_OUT.has(tag.tag) || ('format' in tag && tag.format === 'TIME')),
      ),
  },
};

/** Begins a document wherever it stands, also in the middle of a text of several lines. */
const DOCUMENT_START = /^---(?=[ \t\r\n]|$)/m;

const GROUP_VERSION = /^([a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?\/)?v[a-z0-9]{1,62}$/;
const KIND = /^[A-Z][A-Za-z0-9]{0,62}$/;
/** What the API takes as part of a path: https://kubernetes.io/docs/concepts/overview/working-with-objects/names/#path-segment-names */
const NAME = /^(?!\.{1,2}$)[^/%\s\p{C}]{1,253}$/u;
const NAMESPACE = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;

/** Reads manifests. Throws nothing: what is wrong comes back as problems. */
export function parseManifests(text: string): ParsedManifests {
  if (Buffer.byteLength(text) > MAX_MANIFEST_BYTES) return { objects: [], problems: [MANIFEST_TOO_LARGE] };
  const objects: ManifestObject[] = [];
  const problems: string[] = [];
  let documents = 0;
  let line = 0;
  // One document at a time: what the parser makes of a text takes many times its size.
  for (const piece of piecesOf(text)) {
    const read = readDocuments(piece, RULES);
    for (const problem of read.problems) problems.push(`${at(line + Math.max(problem.line, 1))}${problem.message}`);
    for (const { value, lineOf } of read.documents) {
      documents++;
      take(value, at(line + lineOf([])), objects, problems);
    }
    line += piece.split('\n').length - 1;
    if (documents > MAX_DOCUMENTS) problems.push(`has more than ${MAX_DOCUMENTS} documents`);
    if (objects.length > MAX_OBJECTS) problems.push(`has more than ${MAX_OBJECTS} objects`);
    if (problems.length >= MAX_PROBLEMS) break;
  }
  if (problems.length === 0 && objects.length === 0) problems.push('has no object');
  return { objects, problems: problems.slice(0, MAX_PROBLEMS) };
}

function at(line: number): string {
  return `line ${line}: `;
}

function* piecesOf(text: string): Generator<string> {
  let rest = text;
  for (;;) {
    // Behind the mark that this one begins with.
    const next = rest.slice(1).search(DOCUMENT_START);
    if (next < 0) break;
    yield rest.slice(0, next + 1);
    rest = rest.slice(next + 1);
  }
  yield rest;
}

function take(value: unknown, where: string, objects: ManifestObject[], problems: string[]): void {
  if (!isFields(value)) {
    problems.push(`${where}is no object`);
    return;
  }
  const { kind, items } = value;
  if (typeof kind === 'string' && kind.endsWith('List') && Array.isArray(items)) {
    items.forEach((item: unknown, index) => {
      const problem = add(item, objects);
      if (problem !== undefined) problems.push(`${where}item ${index + 1} ${problem}`);
    });
    return;
  }
  const problem = add(value, objects);
  if (problem !== undefined) problems.push(`${where}${problem}`);
}

/** @returns what it lacks */
function add(value: unknown, objects: ManifestObject[]): string | undefined {
  if (!isFields(value)) return 'is no object';
  const { apiVersion, kind, metadata } = value;
  if (typeof apiVersion !== 'string' || !GROUP_VERSION.test(apiVersion)) return 'has no apiVersion such as apps/v1';
  if (typeof kind !== 'string' || !KIND.test(kind)) return 'has no kind such as ConfigMap';
  const { name, namespace } = isFields(metadata) ? metadata : {};
  if (typeof name !== 'string' || !NAME.test(name)) return 'has no metadata.name that an object can have';
  if (namespace !== undefined && (typeof namespace !== 'string' || !NAMESPACE.test(namespace))) {
    return 'has no metadata.namespace that a namespace can be called';
  }
  objects.push({ apiVersion, kind, name, namespace, fields: value });
  return undefined;
}

function isFields(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
