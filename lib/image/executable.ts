/**
 * The one executable of the image: Node, stripped, with a bundle of every role and its code cache inside (Node's documentation,
 * "Single executable applications"). It runs nothing but the bundle: no -e, no NODE_OPTIONS, no inspector on a signal.
 */
import { chmod, copyFile, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { BuildOptions } from 'esbuild';
import { cached, hashFile, type Progress } from '../base/build-cache.js';
import { TalosError } from '../base/errors.js';
import { ARCHITECTURES, type Architecture } from './paths.js';
import { runCommand } from './run-command.js';
import { hashSources, type SourceIdentity } from './sources.js';

/** What Node takes for every role; measured in docs/image.md. */
export const NODE_FLAGS = ['--disable-sigusr1', '--max-semi-space-size=2'];

/** Where the image has the addon; the bundle loads it from no other path. */
export const IMAGE_ADDON = '/usr/lib/talos/talos.node';

const BUNDLE_NAME = 'talos.cjs';
const EXECUTABLE_NAME = 'talos';

/** What the bundle is made from. `entry` is relative to the checkout; tests bring their own. */
export interface BundleRequest {
  readonly root: string;
  readonly identity: SourceIdentity;
  readonly entry?: string | undefined;
  readonly onProgress: Progress;
}

const isBundled = (name: string) => /\.(ts|js|json)$/.test(name) && !name.endsWith('.d.ts');

/** All roles in one file. */
export async function buildBundle({
  root,
  identity,
  entry = 'bin/talos.ts',
  onProgress,
}: BundleRequest): Promise<string> {
  const sources = await hashSources(root, ['lib', 'bin', 'package-lock.json', entry], isBundled);
  const folder = await cached({
    kind: 'bundle',
    inputs: { recipe: 1, sources, entry, tag: identity.tag, sha: identity.sha, built: identity.built },
    onProgress,
    make: async (made) => {
      onProgress('bundling the roles');
      await bundle(root, entry, identity, path.join(made, BUNDLE_NAME));
    },
  });
  return path.join(folder, BUNDLE_NAME);
}

async function bundle(root: string, entry: string, identity: SourceIdentity, outfile: string): Promise<void> {
  const options: BuildOptions = {
    absWorkingDir: root,
    entryPoints: [entry],
    outfile,
    bundle: true,
    platform: 'node',
    target: 'node26',
    format: 'cjs',
    // Whitespace only: stack traces in a node's log keep their names.
    minifyWhitespace: true,
    legalComments: 'none',
    logLevel: 'silent',
    define: {
      TALOS_BUILD_TAG: JSON.stringify(identity.tag),
      TALOS_BUILD_SHA: JSON.stringify(identity.sha),
      TALOS_BUILD_TIME: JSON.stringify(identity.built),
      TALOS_IMAGE: 'true',
      'import.meta.url': 'TALOS_BUNDLE_URL',
    },
    banner: { js: "const TALOS_BUNDLE_URL='file:///usr/bin/talos';" },
  };
  const esbuild = await import('esbuild');
  try {
    await esbuild.build(options);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    throw new TalosError('ERR_BUNDLE', `cannot bundle ${entry}: ${message.split('\n').slice(0, 6).join('\n  ')}`);
  }
}

/** The executable for a bundle. */
export async function buildExecutable(
  root: string,
  arch: Architecture,
  bundleFile: string,
  onProgress: Progress,
): Promise<string> {
  const { nodePackage, strip } = ARCHITECTURES[arch];
  const packageFolder = path.join(root, 'node_modules', nodePackage);
  const { version } = JSON.parse(await readFile(path.join(packageFolder, 'package.json'), 'utf8')) as {
    version: string;
  };
  const node = await strippedNode(packageFolder, nodePackage, version, strip, onProgress);
  const folder = await cached({
    kind: 'executable',
    inputs: { recipe: 1, nodePackage, version, flags: NODE_FLAGS, bundle: await hashFile(bundleFile) },
    onProgress,
    make: async (made) => {
      onProgress('making the executable');
      const config = path.join(made, 'sea.json');
      await copyFile(bundleFile, path.join(made, BUNDLE_NAME));
      await writeFile(
        config,
        JSON.stringify({
          main: BUNDLE_NAME,
          output: EXECUTABLE_NAME,
          executable: node,
          disableExperimentalSEAWarning: true,
          useCodeCache: true,
          execArgv: NODE_FLAGS,
          execArgvExtension: 'none',
        }),
      );
      await runCommand([node, ...NODE_FLAGS, '--build-sea', config], { cwd: made });
      await chmod(path.join(made, EXECUTABLE_NAME), 0o755);
    },
  });
  return path.join(folder, EXECUTABLE_NAME);
}

/** Node without its symbols: 30 MB less, and nothing that runs needs them. */
async function strippedNode(
  packageFolder: string,
  nodePackage: string,
  version: string,
  strip: string,
  onProgress: Progress,
): Promise<string> {
  const folder = await cached({
    kind: 'node',
    inputs: { nodePackage, version },
    onProgress,
    make: async (made) => {
      const node = path.join(made, 'node');
      await copyFile(path.join(packageFolder, 'bin', 'node'), node);
      await runCommand([strip, node]);
      await chmod(node, 0o755);
    },
  });
  return path.join(folder, 'node');
}
