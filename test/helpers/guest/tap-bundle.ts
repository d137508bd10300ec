/**
 * tap in one file. Loading it from node_modules means some four hundred files and seventeen hundred lookups, each a round trip to the host:
 * twenty seconds in an emulated guest on a busy machine. The bundle takes a quarter of that. Only the name `tap` is redirected to it; the test
 * itself and what it imports are the files that the host's tests run, too.
 */
import { mkdir, readFile, rename, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { build } from 'esbuild';
import { hashInputs } from '../../../lib/base/build-cache.js';

/** CommonJS packages inside the bundle ask for Node's modules by require. */
const banner =
  "import { createRequire as makeRequire } from 'node:module'; const require = makeRequire(import.meta.url);";

const hook = `import { registerHooks } from 'node:module';
const url = new URL('tap.mjs', import.meta.url).href;
registerHooks({
  resolve: (specifier, context, next) =>
    specifier === 'tap' ? { url, format: 'module', shortCircuit: true } : next(specifier, context),
});
`;

/**
 * Makes the bundle below `out` of the checkout if it is not there (it has to be: tap looks for further packages from where it is).
 * @returns path of the module that Node is to import first
 */
export async function tapHook(checkout: string): Promise<string> {
  const versions = await Promise.all(['tap', 'esbuild', '@tapjs/core'].map((name) => versionOf(checkout, name)));
  const folder = join(checkout, 'out/guest', hashInputs({ recipe: 1, versions, banner, hook }));
  const hookFile = join(folder, 'hook.mjs');
  if (await stat(hookFile).catch(() => undefined)) return hookFile;
  await mkdir(folder, { recursive: true });
  const bundle = await build({
    stdin: { contents: "export * from 'tap'; export { default } from 'tap';", resolveDir: checkout },
    bundle: true,
    write: false,
    platform: 'node',
    format: 'esm',
    minifyWhitespace: true,
    logLevel: 'silent',
    banner: { js: banner },
  });
  await writeWhole(join(folder, 'tap.mjs'), bundle.outputFiles[0]?.text ?? '');
  await writeWhole(hookFile, hook);
  return hookFile;
}

async function versionOf(checkout: string, name: string): Promise<string> {
  const text = await readFile(join(checkout, 'node_modules', name, 'package.json'), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}

/** Two runners may make it at once: whoever is last replaces a file by its equal. */
async function writeWhole(path: string, text: string): Promise<void> {
  const temporary = `${path}.${process.pid}`;
  await writeFile(temporary, text);
  await rename(temporary, path);
}
