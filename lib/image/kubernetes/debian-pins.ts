/** rootfs/kubernetes/debian-source.json: the exact files that the source `debian-source` builds a release from. */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { TalosError } from '../../base/errors.js';
import type { PinnedPackage } from '../pinned-package.js';

/** A source package of one exact version. */
export interface PinnedSource {
  readonly package: string;
  readonly version: string;
  readonly suite: string;
  /** SHA-256 of each file that the .dsc file names, by file name. */
  readonly files: Readonly<Record<string, string>>;
}

/** One release that is built from Debian's source. */
export interface DebianPins {
  readonly source: PinnedSource;
  /** What the programs say they were made of: the upstream commit, and when that was released. */
  readonly commit: string;
  readonly date: string;
  /** The compiler: GOROOT inside its packages, and those. Those with an architecture are for a machine of that one. */
  readonly go: { readonly root: string; readonly packages: readonly PinnedPackage[] };
  /** Vendored packages that this compiler cannot build, by path in the tree: from a package with a newer version of them. */
  readonly replacements: Readonly<Record<string, { readonly folder: string; readonly package: PinnedPackage }>>;
}

const FILE = 'rootfs/kubernetes/debian-source.json';

/** @throws TalosError ERR_KUBERNETES  no source is pinned for that version */
export async function readDebianPins(root: string, version: string): Promise<DebianPins> {
  const all = JSON.parse(await readFile(path.join(root, FILE), 'utf8')) as Record<string, DebianPins>;
  const found = Object.hasOwn(all, version) ? all[version] : undefined;
  if (found !== undefined) return found;
  throw new TalosError('ERR_KUBERNETES', `${FILE} names no source for Kubernetes ${version}`);
}
