/**
 * What the root image holds: rootfs/manifest.json, and test/layer/manifest.json on top of it for the test image. Every path is
 * listed with its mode and the reason why it is there; nothing gets into the image in any other way. A row holds for every architecture, or
 * for the one that it names, and for every Kubernetes, or for the `releases` that it names; in paths `{triplet}`, `{loader}` and `{loader-name}` stand for what the architecture has there, other names for what the
 * caller says.
 */
import path from 'node:path';
import { TalosError } from '../base/errors.js';
import { ARCHITECTURES, type Architecture, KNOWN_ARCHITECTURES } from './architecture.js';

/** Where a file's content comes from. */
export type FileSource =
  /** A file of a Debian package, by its path in there. `strip` is not needed: Debian's files are stripped. */
  | {
      readonly kind: 'package';
      readonly package: string;
      readonly file: string;
      /** `file` is a folder, and the content all of its files, one behind the other in the order of their names. */
      readonly isJoined?: true;
    }
  /** A file of the checkout. */
  | { readonly kind: 'file'; readonly file: string }
  /** A program or an archive of the Kubernetes that the image is built with, by name. */
  | { readonly kind: 'kubernetes'; readonly kubernetes: string }
  /** Something that the build makes. */
  | { readonly kind: 'build'; readonly build: BuildProduct }
  /** A program or an addon compiled from one C++ file of the checkout. */
  | { readonly kind: 'compile'; readonly compile: string; readonly as: CompiledKind };

/**
 * `executable`: the program of all roles; `addon`: talos.node; `os-release`: /etc/os-release; `service-image`: service-image.ts; of an image
 * with Kubernetes `containerd-config`: containerd's configuration with the release's pause image, `kubernetes-release`: what the node is told
 * of the release.
 */
export const BUILD_PRODUCTS = [
  'executable',
  'addon',
  'os-release',
  'service-image',
  'containerd-config',
  'kubernetes-release',
] as const;
export type BuildProduct = (typeof BUILD_PRODUCTS)[number];
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

/** What stands for something else in the paths of a manifest. */
function placeholders(arch: Architecture): Readonly<Record<string, string>> {
  const { gnuTriplet, loader } = ARCHITECTURES[arch];
  return { triplet: gnuTriplet, loader, 'loader-name': path.basename(loader) };
}

/** What stands for what, by name. */
type Names = Readonly<Record<string, string>>;

/** A text with its own in the place of each `{name}`. */
function expanded(fields: Fields, key: string, where: string, known: Names): string {
  return text(fields, key, where).replaceAll(/\{([^}]*)\}/g, (whole, name: string) => {
    return known[name] ?? fail(where, `"${key}": there is no ${whole}, only ${Object.keys(known).join(', ')}`);
  });
}

/** Whether a row is there for `arch`, and for the Kubernetes release that is among the names. */
function isFor(value: unknown, arch: Architecture, where: string, { release }: Names): boolean {
  if (!isObject(value)) return true;
  const { architecture = arch, releases = [release] } = value;
  if (!KNOWN_ARCHITECTURES.includes(architecture as Architecture)) {
    fail(where, `"architecture" must be one of ${KNOWN_ARCHITECTURES.join(', ')}`);
  }
  if (!Array.isArray(releases)) fail(where, '"releases" must be a list of versions of Kubernetes');
  return architecture === arch && releases.includes(release);
}

function mode(fields: Fields, where: string): number {
  const value = text(fields, 'mode', where);
  if (!/^0[0-7]{3}$/.test(value))
    fail(where, `"mode" must look like "0644": set-user-ID and the like have no place in the image`);
  return Number.parseInt(value, 8);
}

function imagePath(fields: Fields, where: string, names: Names): string {
  const value = expanded(fields, 'path', where, names);
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

function fileSource(value: unknown, where: string, names: Names): FileSource {
  if (!isObject(value)) fail(where, '"from" must be an object');
  if ('package' in value) {
    const from = { kind: 'package', package: text(value, 'package', where) } as const;
    if ('files' in value) return { ...from, file: expanded(value, 'files', where, names), isJoined: true };
    return { ...from, file: expanded(value, 'file', where, names) };
  }
  if ('compile' in value) {
    const as = value.as === undefined ? 'static-program' : text(value, 'as', where);
    if (!COMPILED_KINDS.has(as)) fail(where, `"as" must be one of ${[...COMPILED_KINDS].join(', ')}`);
    return { kind: 'compile', compile: text(value, 'compile', where), as: as as CompiledKind };
  }
  if ('build' in value) {
    const build = text(value, 'build', where);
    const product = BUILD_PRODUCTS.find((each) => each === build);
    if (product === undefined) fail(where, `"build" must be one of ${BUILD_PRODUCTS.join(', ')}`);
    return { kind: 'build', build: product };
  }
  if ('kubernetes' in value) return { kind: 'kubernetes', kubernetes: expanded(value, 'kubernetes', where, names) };
  if ('file' in value) return { kind: 'file', file: expanded(value, 'file', where, names) };
  return fail(where, '"from" must name a package, file, build, kubernetes or compile');
}

function parseEntry(value: unknown, where: string, names: Names): ManifestEntry & { replaces: boolean } {
  if (!isObject(value)) fail(where, 'must be an object');
  const path = imagePath(value, where, names);
  const at = `${where} (${path})`;
  const why = text(value, 'why', at);
  const replaces = value.replaces === true;
  if (value.kind === 'directory') return { kind: 'directory', path, mode: mode(value, at), why, replaces };
  if (value.kind === 'link') return { kind: 'link', path, target: expanded(value, 'target', at, names), why, replaces };
  if (value.kind === 'file') {
    return { kind: 'file', path, mode: mode(value, at), why, from: fileSource(value.from, at, names), replaces };
  }
  return fail(at, '"kind" must be directory, link or file');
}

/**
 * Reads a manifest and lays it over another.
 * @param json content of the file
 * @param name of the file, for messages
 * @param arch what the image is for
 * @param base what is below it; an entry with `"replaces": true` takes the place of one there
 * @param more what stands for something else in paths, beside what the architecture has
 * @returns all entries, sorted by path, parents first
 * @throws TalosError ERR_MANIFEST naming the entry that is wrong, is listed twice, or whose folder is not listed
 */
export function parseManifest(
  json: string,
  name: string,
  arch: Architecture,
  base: readonly ManifestEntry[] = [],
  more: Names = {},
): ManifestEntry[] {
  let document: unknown;
  try {
    document = JSON.parse(json);
  } catch (error) {
    throw new TalosError('ERR_MANIFEST', `${name}: is no JSON`, { cause: error });
  }
  if (!isObject(document) || !Array.isArray(document.entries)) fail(name, 'must have a list "entries"');
  const names = { ...placeholders(arch), ...more };
  const entries = new Map(base.map((entry) => [entry.path, entry]));
  for (const [index, value] of document.entries.entries()) {
    const where = `${name}: entry ${index + 1}`;
    if (!isFor(value, arch, where, names)) continue;
    const { replaces, ...entry } = parseEntry(value, where, names);
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
