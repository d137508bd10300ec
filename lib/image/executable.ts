/**
 * The one executable of the image: Node, stripped, with a launcher and every role's bundle and code cache inside (Node's
 * documentation, "Single executable applications"). It runs nothing else: no -e, no NODE_OPTIONS, no inspector on a signal.
 */
import { chmod, copyFile, readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { cached, hashFile, type Progress } from '../base/build-cache.js';
import { ARCHITECTURES, type Architecture, hostArchitecture, isNative, toolPrefix } from './architecture.js';
import { type Bundle, LAUNCHER } from './bundle.js';
import { emulation } from './emulation.js';
import { nodePackageFolder } from './node-package.js';
import { runCommand } from './run-command.js';

/**
 * What Node is started with in every role. Code is compiled by the thread that runs it: process.exit() waits for V8's threads without
 * telling them, and one that compiles and runs out of memory for code just then waits for a collection that never comes, so that a role
 * that has ended would stay (nodejs/node issue 54918).
 *
 * --use-openssl-ca: whoever loads node:tls would otherwise parse the public authorities that Node carries, at once and in a thread of its own. No
 * role trusts any of them, and the image has no folder of authorities that OpenSSL could find.
 *
 * The sizes of the heap, in MiB: what V8 makes of a service's bound on memory are so small that it marks the whole heap, and sweeps it, while
 * the node boots. Of V8's flags these are among the few that do not make it refuse the code cache which Node carries for its own modules.
 */
export const NODE_FLAGS = [
  '--disable-sigusr1',
  '--use-openssl-ca',
  '--no-concurrent-sparkplug',
  '--no-concurrent-recompilation',
  '--max-old-space-size=256',
  '--min-semi-space-size=8',
];

/** Makes V8 write the same code cache every time; the cache it writes is accepted without the flag. */
const SAME_BYTES = ['--predictable'];

const EXECUTABLE_NAME = 'talos';
/** In the checkout, not beside this file: osctl's bundle carries the image builder too. */
const CACHE_MAKER = path.join('out', 'js', 'lib', 'image', 'make-code-cache.js');

/** The executable for a bundle, made when it is not in the cache. */
export async function buildExecutable(
  root: string,
  arch: Architecture,
  bundle: Bundle,
  onProgress: Progress,
): Promise<string> {
  const node = await strippedNode(root, arch, onProgress);
  const cacheMaker = path.join(root, CACHE_MAKER);
  const folder = await cached({
    kind: 'executable',
    inputs: {
      recipe: 5,
      node: path.basename(path.dirname(node)),
      flags: NODE_FLAGS,
      cacheMaker: await hashFile(cacheMaker),
      bundle: await hashBundle(bundle),
    },
    onProgress,
    make: async (made) => {
      // What makes executables of the other architecture is this machine's own Node, of the same version.
      const builder = isNative(arch) ? node : await strippedNode(root, hostArchitecture(), onProgress);
      const emulated = await emulation(arch, onProgress);
      await make({ node, builder, emulated, cacheMaker }, bundle, made, onProgress);
    },
  });
  return path.join(folder, EXECUTABLE_NAME);
}

async function hashBundle({ folder }: Bundle): Promise<string[]> {
  const names = (await readdir(folder)).sort();
  return Promise.all(names.map(async (name) => `${name} ${await hashFile(path.join(folder, name))}`));
}

interface Tools {
  /** What the executable is made of. */
  node: string;
  /** Node that runs here. */
  builder: string;
  /** Words in front of `node` that run it here. */
  emulated: readonly string[];
  cacheMaker: string;
}

async function make(
  { node, builder, emulated, cacheMaker }: Tools,
  bundle: Bundle,
  made: string,
  onProgress: Progress,
): Promise<void> {
  const assets: Record<string, string> = {};
  for (const role of bundle.roles) {
    onProgress(`compiling the code cache of ${role}`);
    const [script, cache] = [path.join(bundle.folder, `${role}.cjs`), path.join(made, `${role}.cache`)];
    const words = [...emulated, node, ...NODE_FLAGS, ...SAME_BYTES, cacheMaker, script, cache, `talos:${role}`];
    await runCommand(words as [string, ...string[]]);
    assets[`${role}.cjs`] = script;
    assets[`${role}.cache`] = cache;
  }
  onProgress('making the executable');
  const config = path.join(made, 'sea.json');
  await writeFile(
    config,
    JSON.stringify({
      // Relative: the name goes into the executable, the cache's folder must not.
      main: `${LAUNCHER}.cjs`,
      output: path.join(made, EXECUTABLE_NAME),
      executable: node,
      assets,
      disableExperimentalSEAWarning: true,
      execArgv: NODE_FLAGS,
      execArgvExtension: 'none',
    }),
  );
  await runCommand([builder, '--build-sea', config], { cwd: bundle.folder });
  await chmod(path.join(made, EXECUTABLE_NAME), 0o755);
}

/** Node without its symbols: 30 MB less, and nothing that runs needs them. */
async function strippedNode(root: string, arch: Architecture, onProgress: Progress): Promise<string> {
  const { nodePackage } = ARCHITECTURES[arch];
  const packageFolder = await nodePackageFolder(root, arch, onProgress);
  const description = await readFile(path.join(packageFolder, 'package.json'), 'utf8');
  const { version } = JSON.parse(description) as { version: string };
  const folder = await cached({
    kind: 'node',
    inputs: { nodePackage, version },
    onProgress,
    make: async (made) => {
      const node = path.join(made, 'node');
      await copyFile(path.join(packageFolder, 'bin', 'node'), node);
      await runCommand([`${toolPrefix(arch)}strip`, node]);
      await chmod(node, 0o755);
    },
  });
  return path.join(folder, 'node');
}
