/**
 * What the root image holds: rootfs/manifest.json, and test/layer/manifest.json on top of it for the test image. Every path is
 * listed with its mode and the reason why it is there; nothing gets into the image in any other way.
 */
import { TalosError } from '../base/errors.js';

/** Where a file's content comes from. */
export type FileSource =
  /** A file of a Debian package, by its path in there. `strip` is not needed: Debian's files are stripped. */
  | { readonly kind: 'package'; readonly package: string; readonly file: string }
  /** A file of the checkout. */
  | { readonly kind: 'file'; readonly file: string }
  /** Something that the build makes. */
  | { readonly kind: 'build'; readonly build: BuildProduct }
  /** A program or an addon compiled from one C++ file of the checkout. */
  | { readonly kind: 'compile'; readonly compile: string; readonly as: CompiledKind };

/** `executable`: the program of all roles; `addon`: talos.node; `os-release`: /etc/os-release. */
export type BuildProduct = 'executable' | 'addon' | 'os-release';
export type CompiledKind = 'static-program' | 'addon';

/** One path of the image. */
export type ManifestEntry =
  | { readonly kind: 'directory'; readonly path: string; readonly mode: number; readonly why: string }
  | { readonly kind: 'link'; readonly path: string; readonly target: string; readonly why: string }
  | {
      readonly kind: 'file';
      readonly path: string;
      readonly mode: number;
      readonly why: string;
      readonly from: FileSource;
    };

const BUILD_PRODUCTS = new Set<string>(['executable', 'addon', 'os-release']);
const COMPILED_KINDS = new Set<string>(['static-program', 'addon']);

function fail(where: string, problem: string): never {
  throw new TalosError('ERR_MANIFEST', `${where}: ${problem}`);
}

type Fields = Record<string, unknown>;

function isObject(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function text(fields: Fields, key: string, where: string): string {
  const value = fields[key];
  if (typeof value !== 'string' || value === '') fail(where, `"${key}" must be a text that is not empty`);
  return value;
}

function mode(fields: Fields, where: string): number {
  const value = text(fields, 'mode', where);
  if (!/^0[0-7]{3}$/.test(value))
    fail(where, `"mode" must look like "0644": set-user-ID and the like have no place in the image`);
  return Number.parseInt(value, 8);
}

function imagePath(fields: Fields, where: string): string {
  const value = text(fields, 'path', where);
  if (
    !value.startsWith('/') ||
    value === '/' ||
    value
      .split('/')
      .slice(1)
      .some((part) => ['', '.', '..'].includes(part))
  ) {
    fail(where, `"path" must be absolute and plain, not "${value}"`);
  }
  return value;
}

function fileSource(value: unknown, where: string): FileSource {
  if (!isObject(value)) fail(where, '"from" must be an object');
  if ('package' in value)
    return { kind: 'package', package: text(value, 'package', where), file: text(value, 'file', where) };
  if ('compile' in value) {
    const as = value.as === undefined ? 'static-program' : text(value, 'as', where);
    if (!COMPILED_KINDS.has(as)) fail(where, `"as" must be one of ${[...COMPILED_KINDS].join(', ')}`);
    return { kind: 'compile', compile: text(value, 'compile', where), as: as as CompiledKind };
  }
  if ('build' in value) {
    const build = text(value, 'build', where);
    if (!BUILD_PRODUCTS.has(build)) fail(where, `"build" must be one of ${[...BUILD_PRODUCTS].join(', ')}`);
    return { kind: 'build', build: build as BuildProduct };
  }
  if ('file' in value) return { kind: 'file', file: text(value, 'file', where) };
  return fail(where, '"from" must name a package, file, build or compile');
}

function parseEntry(value: unknown, where: string): ManifestEntry & { replaces: boolean } {
  if (!isObject(value)) fail(where, 'must be an object');
  const path = imagePath(value, where);
  const at = `${where} (${path})`;
  const why = text(value, 'why', at);
  const replaces = value.replaces === true;
  if (value.kind === 'directory') return { kind: 'directory', path, mode: mode(value, at), why, replaces };
  if (value.kind === 'link') return { kind: 'link', path, target: text(value, 'target', at), why, replaces };
  if (value.kind === 'file') {
    return { kind: 'file', path, mode: mode(value, at), why, from: fileSource(value.from, at), replaces };
  }
  return fail(at, '"kind" must be directory, link or file');
}

/**
 * Reads a manifest and lays it over another.
 * @param json content of the file
 * @param name of the file, for messages
 * @param base what is below it; an entry with `"replaces": true` takes the place of one there
 * @returns all entries, sorted by path, parents first
 * @throws TalosError ERR_MANIFEST naming the entry that is wrong, is listed twice, or whose folder is not listed
 */
export function parseManifest(json: string, name: string, base: readonly ManifestEntry[] = []): ManifestEntry[] {
  let document: unknown;
  try {
    document = JSON.parse(json);
  } catch (error) {
    throw new TalosError('ERR_MANIFEST', `${name}: is no JSON`, { cause: error });
  }
  if (!isObject(document) || !Array.isArray(document.entries)) fail(name, 'must have a list "entries"');
  const entries = new Map(base.map((entry) => [entry.path, entry]));
  for (const [index, value] of document.entries.entries()) {
    const { replaces, ...entry } = parseEntry(value, `${name}: entry ${index + 1}`);
    const isThere = entries.has(entry.path);
    if (isThere && !replaces) fail(name, `${entry.path} is listed already`);
    if (!isThere && replaces) fail(name, `${entry.path} replaces nothing`);
    entries.set(entry.path, entry);
  }
  const sorted = [...entries.values()].sort((left, right) => (left.path < right.path ? -1 : 1));
  for (const { path } of sorted) {
    const parent = path.slice(0, path.lastIndexOf('/'));
    if (parent !== '' && entries.get(parent)?.kind !== 'directory')
      fail(name, `${path} is in no directory that is listed`);
  }
  return sorted;
}
