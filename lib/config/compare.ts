/** What is different between two machine configs: as paths, to decide by, and as text for people, without a secret. */
import { createTwoFilesPatch } from 'diff';
import { stringify } from 'yaml';
import { formatPath } from './problem.js';

export interface ConfigComparison {
  /** Of every field that was added, changed or removed: `machine.certSANs`, `DHCPv4Config(eth0).name`. Lists are compared as a whole. */
  paths: string[];
  /** A unified diff; empty when nothing is different. */
  diff: string;
}

/** Fields whose values are nobody's business, known to us or not. There may be a Secret in the contents of a manifest, and a password in headers. */
const SECRET_NAME = /(key|token|secret|password|passphrase|auth|credentials?|contents|headers)$/i;
const SECRET = '(secret)';
const OTHER_SECRET = '(another secret)';
/** Configs that differ in more lines than that, or take longer to compare, are told apart by their paths only. */
const DIFF_BOUNDS = { maxEditLength: 10_000, timeout: 2000 } as const;

type Fields = Record<string, unknown>;

/**
 * Compares two configs by what they say, not by how it is written.
 * @param before  plain values of its documents (parse.ts)
 */
export function compareConfigs(before: readonly unknown[], after: readonly unknown[]): ConfigComparison {
  const [old, current] = [byName(before), byName(after)];
  const paths: string[] = [];
  const shown: [string[], string[]] = [[], []];
  for (const name of new Set([...old.keys(), ...current.keys()])) {
    const [left, right] = [old.get(name), current.get(name)];
    collect(name === '' ? [] : [name], left, right, paths);
    const redacted = redact(left, right, false);
    for (const side of [0, 1] as const) {
      if (redacted[side] !== undefined) shown[side].push(stringify(redacted[side], { lineWidth: 0 }));
    }
  }
  return { paths, diff: paths.length === 0 ? '' : patch(shown[0].join('---\n'), shown[1].join('---\n'), paths) };
}

function patch(before: string, after: string, paths: string[]): string {
  const text = createTwoFilesPatch('running config', 'new config', before, after, undefined, undefined, {
    ...DIFF_BOUNDS,
    context: 3,
  });
  // The library begins with a line of its own that no tool needs.
  return text?.replace(/^=+\n/, '') ?? `too different to be shown line by line; changed: ${paths.join(', ')}\n`;
}

/** The main document is ''; of others with the same kind and name the later ones get a number. */
function byName(documents: readonly unknown[]): Map<string, unknown> {
  const found = new Map<string, unknown>();
  for (const document of documents) {
    const { kind, name } = isFields(document) ? document : {};
    const own = kind === undefined ? '' : `${kind}${typeof name === 'string' ? `(${name})` : ''}`;
    let unique = own;
    for (let count = 2; found.has(unique); count++) unique = `${own}#${count}`;
    found.set(unique, document);
  }
  return found;
}

function collect(path: readonly string[], left: unknown, right: unknown, paths: string[]): void {
  if (isSame(left, right)) return;
  if (!isFields(left) && !isFields(right)) {
    paths.push(formatPath(path));
    return;
  }
  const [old, current] = [isFields(left) ? left : {}, isFields(right) ? right : {}];
  // A map without fields says as little as none at all.
  for (const name of new Set([...Object.keys(old), ...Object.keys(current)]))
    collect([...path, name], own(old, name), own(current, name), paths);
}

/** Both sides with their secrets replaced, so that a reader still sees whether one has changed. */
function redact(left: unknown, right: unknown, isSecret: boolean): [unknown, unknown] {
  if (isFields(left) || isFields(right)) {
    const [old, current] = [isFields(left) ? left : {}, isFields(right) ? right : {}];
    const shown: [Fields, Fields] = [{}, {}];
    // In the order of each side, so that a moved field shows as that.
    const pairs = new Map(
      [...new Set([...Object.keys(old), ...Object.keys(current)])].map((name) => [
        name,
        redact(own(old, name), own(current, name), isSecret || SECRET_NAME.test(name)),
      ]),
    );
    for (const name of Object.keys(old)) shown[0][name] = pairs.get(name)?.[0];
    for (const name of Object.keys(current)) shown[1][name] = pairs.get(name)?.[1];
    return [isFields(left) ? shown[0] : hidden(left, isSecret), isFields(right) ? shown[1] : hidden(right, isSecret)];
  }
  if (!isSecret && Array.isArray(left) && Array.isArray(right)) {
    const pairs = Array.from({ length: Math.max(left.length, right.length) }, (_, at) =>
      redact(left[at], right[at], false),
    );
    return [pairs.slice(0, left.length).map(([one]) => one), pairs.slice(0, right.length).map(([, other]) => other)];
  }
  if (!isSecret) return [withoutSecrets(left), withoutSecrets(right)];
  return [hidden(left, true), isSame(left, right) || left === undefined ? hidden(right, true) : other(right)];
}

/** Of a list that the other side does not have. */
function withoutSecrets(value: unknown): unknown {
  if (Array.isArray(value))
    return value.map((item) => (isFields(item) ? redact(item, item, false)[0] : withoutSecrets(item)));
  return value;
}

function hidden(value: unknown, isSecret: boolean): unknown {
  if (!isSecret) return withoutSecrets(value);
  return value === undefined || value === '' ? value : SECRET;
}

function other(value: unknown): unknown {
  return value === undefined || value === '' ? value : OTHER_SECRET;
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function own(fields: Fields, name: string): unknown {
  return Object.hasOwn(fields, name) ? fields[name] : undefined;
}

function isSame(left: unknown, right: unknown): boolean {
  if (isFields(left) && isFields(right)) {
    const names = Object.keys(left);
    return names.length === Object.keys(right).length && names.every((name) => isSame(left[name], own(right, name)));
  }
  return JSON.stringify(left) === JSON.stringify(right);
}
