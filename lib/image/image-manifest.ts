/** What a finished image says of itself: image-manifest.json, from which the SBOM is made. */
import type { ReleaseSource } from '../kube/release.js';
import type { Architecture } from './architecture.js';
import type { ComponentSize } from './component-sizes.js';
import type { GoModule } from './kubernetes/source.js';
import type { FileSource, ManifestEntry } from './manifest.js';
import type { NpmPackage } from './npm-packages.js';
import type { PackageRecord } from './packages.js';

/** A layer on top of the shipped image: `test` adds what only tests need. */
export type Layer = 'test';

/** One path of a finished image. */
export interface ImageEntry {
  readonly path: string;
  readonly kind: ManifestEntry['kind'];
  readonly why: string;
  /** Octal, as in '0755'; links have none. */
  readonly mode?: string;
  readonly target?: string;
  readonly size?: number;
  readonly sha1?: string;
  readonly sha256?: string;
  /** Where the content of a file comes from, as the manifest's row says. */
  readonly from?: FileSource;
}

/** image-manifest.json */
export interface ImageManifest {
  readonly version: string;
  readonly sha: string;
  readonly architecture: Architecture;
  readonly layer: Layer | 'none';
  /** The container runtime: name of a row of rootfs/runtimes.json. */
  readonly runtime: string;
  /** Where there is Kubernetes. */
  readonly kubernetes?: {
    readonly version: string;
    readonly source: ReleaseSource;
    /** Where it comes from, a sentence. */
    readonly origin: string;
    /** Debian packages whose files are in the images of its components. */
    readonly packages: readonly PackageRecord[];
    /** Modules of Go inside of programs, as far as they are known. */
    readonly modules: readonly GoModule[];
  };
  readonly packages: readonly PackageRecord[];
  /** What the executable has in its scripts. */
  readonly npmPackages: readonly NpmPackage[];
  readonly entries: readonly ImageEntry[];
  /** What takes how much of the image. */
  readonly sizes: readonly ComponentSize[];
}
