/** Bundles the roles: one script each, which the launcher (bin/talos.ts) runs. */
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { BuildOptions } from 'esbuild';
import { cached, type Progress } from '../base/build-cache.js';
import { TalosError } from '../base/errors.js';
import { type NpmPackage, npmPackages } from './npm-packages.js';
import { hashSources, type SourceIdentity } from './sources.js';

/** The roles and their entries, relative to the checkout. Each exports `main()`. */
export const ROLES: Readonly<Record<string, string>> = {
  init: 'lib/init/main.ts',
  machined: 'lib/machined/main.ts',
  networkd: 'lib/networkd/main.ts',
  osd: 'lib/osd/main.ts',
  blockd: 'lib/blockd/main.ts',
  proxyd: 'lib/proxyd/main.ts',
  trustd: 'lib/trustd/main.ts',
};

/** Name of the launcher's bundle; no role can have it. */
export const LAUNCHER = 'talos';

/** What is bundled. */
export interface BundleRequest {
  readonly root: string;
  readonly identity: SourceIdentity;
  /** {@link ROLES} unless a test says otherwise. */
  readonly roles?: Readonly<Record<string, string>> | undefined;
  readonly onProgress: Progress;
}

/** In the bundle's folder: the npm packages that are in the scripts. */
const PACKAGES_NAME = 'packages.json';

/** The npm packages whose code is in a bundle. */
export async function bundledPackages({ folder }: Bundle): Promise<NpmPackage[]> {
  return JSON.parse(await readFile(path.join(folder, PACKAGES_NAME), 'utf8')) as NpmPackage[];
}

/** A folder with `<role>.cjs` for every role, and `talos.cjs`, the launcher. */
export interface Bundle {
  readonly folder: string;
  readonly roles: readonly string[];
}

const isBundled = (name: string) => /\.(ts|js|json)$/.test(name) && !name.endsWith('.d.ts');

/** The bundles, made when they are not in the cache. */
export async function buildBundle({ root, identity, roles = ROLES, onProgress }: BundleRequest): Promise<Bundle> {
  const entries = Object.values(roles);
  const sources = await hashSources(root, ['lib', 'bin', 'package-lock.json', ...entries], isBundled);
  const folder = await cached({
    kind: 'bundle',
    inputs: { recipe: 6, sources, roles, tag: identity.tag, sha: identity.sha, built: identity.built },
    onProgress,
    make: async (made) => {
      onProgress('bundling the roles');
      const launcher = await bundle(root, { [LAUNCHER]: 'bin/talos.ts' }, identity, made);
      const inputs = await bundle(root, roles, identity, made, {
        // A function expression in parentheses: V8 compiles it at once, and the launcher hands `require` in.
        banner: { js: `(function(exports,require,module){const TALOS_BUNDLE_URL='file:///usr/bin/talos';` },
        footer: { js: '})' },
        define: { ...definitions(identity), 'import.meta.url': 'TALOS_BUNDLE_URL' },
      });
      const packages = await npmPackages(root, [...launcher, ...inputs]);
      await writeFile(path.join(made, PACKAGES_NAME), `${JSON.stringify(packages, undefined, 2)}\n`);
    },
  });
  return { folder, roles: Object.keys(roles).sort() };
}

function definitions(identity: SourceIdentity): Record<string, string> {
  return {
    TALOS_BUILD_TAG: JSON.stringify(identity.tag),
    TALOS_BUILD_SHA: JSON.stringify(identity.sha),
    TALOS_BUILD_TIME: JSON.stringify(identity.built),
    TALOS_IMAGE: 'true',
  };
}

/** @returns the files that are in it, relative to the checkout */
async function bundle(
  root: string,
  entryPoints: Readonly<Record<string, string>>,
  identity: SourceIdentity,
  outdir: string,
  more: BuildOptions = {},
): Promise<string[]> {
  const esbuild = await import('esbuild');
  try {
    const { metafile } = await esbuild.build({
      metafile: true,
      absWorkingDir: root,
      entryPoints: { ...entryPoints },
      outdir,
      outExtension: { '.js': '.cjs' },
      bundle: true,
      platform: 'node',
      target: 'node26',
      format: 'cjs',
      // Names of modules are paths from the checkout, also where node_modules is a link to elsewhere.
      preserveSymlinks: true,
      // There is no module loader inside a script: what is imported on demand is in the bundle, or Node's own.
      supported: { 'dynamic-import': false },
      // Whitespace only: stack traces in a node's log keep their names.
      minifyWhitespace: true,
      // Node prints the line of an uncaught error.
      lineLimit: 160,
      // One byte a character, which V8 takes as it is.
      charset: 'ascii',
      legalComments: 'none',
      logLevel: 'silent',
      define: definitions(identity),
      ...more,
    });
    // What was read but left out as unused is not in it.
    const used = Object.values(metafile?.outputs ?? {}).flatMap((output) => Object.entries(output.inputs));
    return used.filter(([, { bytesInOutput }]) => bytesInOutput > 0).map(([file]) => file);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    const names = Object.values(entryPoints).join(', ');
    throw new TalosError('ERR_BUNDLE', `cannot bundle ${names}: ${message.split('\n').slice(0, 6).join('\n  ')}`);
  }
}
