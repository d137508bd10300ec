/**
 * What this build is. The image builder replaces the three names below when it bundles (esbuild `define`); code that runs
 * unbundled, as the tests do, has the values on the right.
 */
declare const TALOS_BUILD_TAG: string | undefined;
declare const TALOS_BUILD_SHA: string | undefined;
declare const TALOS_BUILD_TIME: string | undefined;

/** The fields of the machine API's VersionInfo that are the same for the life of a build. */
export interface BuildInfo {
  /** Release, with the `v` that the API has: 'v0.1.0'. */
  readonly tag: string;
  /** Commit, shortened; `-dirty` when files differed from it, 'unknown' without a checkout. */
  readonly sha: string;
  /** Time of the commit (RFC 3339), not of the build: the same sources give the same bytes. */
  readonly built: string;
}

export const BUILD: BuildInfo = {
  tag: typeof TALOS_BUILD_TAG === 'string' ? TALOS_BUILD_TAG : 'v0.1.0',
  sha: typeof TALOS_BUILD_SHA === 'string' ? TALOS_BUILD_SHA : 'unknown',
  built: typeof TALOS_BUILD_TIME === 'string' ? TALOS_BUILD_TIME : '',
};
