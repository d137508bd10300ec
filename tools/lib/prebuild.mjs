// The addon as it ships: by binding.gyp and prebuildify, for this machine or, with Debian's cross compilers, for the other architecture.
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { StepFailure } from './failure.mjs';
import { out, root } from './paths.mjs';
import { run } from './run.mjs';
import { hashInputs } from './stamp.mjs';
import { stamped } from './stamped.mjs';

/** Loads a compiled module of the project. */
const load = (file) => import(pathToFileURL(path.join(out, 'js', file)).href);

/** Node's names of the architectures that prebuilds are made for. */
export const prebuildArchitectures = ['x64', 'arm64'];

/**
 * Where the prebuilt addon of an architecture is.
 * @param {string} arch Node's name
 * @returns {string} absolute path
 */
export const prebuiltAddon = (arch) => path.join(root, 'prebuilds', `linux-${arch}`, 'talos.node');

/** Counts what node-gyp's make compiles: the units that native/unity.mjs has written for it. */
function gypProgress(progress) {
  let compiled = 0;
  return (line) => {
    const object = /^\s+CXX\(target\).*\/([^/]+)\.o$/.exec(line)?.[1];
    if (object === undefined) return;
    compiled++;
    const total = readdirSync(path.join(root, 'build', 'unity')).length;
    progress.update(`${object}.cc`, Math.min(99, (100 * compiled) / total));
  };
}

/**
 * Makes prebuilds/linux-<arch>/talos.node, from nothing when something has changed: node-gyp has one build folder for all
 * architectures. TypeScript must have been compiled.
 * @param {string} arch Node's name
 */
export async function buildPrebuild(arch) {
  const { ARCHITECTURES, toolPrefix } = await load('lib/image/architecture.js');
  const { nodePackageFolder } = await load('lib/image/node-package.js');
  const [name] = Object.entries(ARCHITECTURES).find(([, facts]) => facts.nodeName === arch);
  const sources = ['native', 'binding.gyp', 'package-lock.json', 'rootfs/node-packages.json'];
  const made = { hash: hashInputs(sources, [arch, toolPrefix(name)]), outputs: [prebuiltAddon(arch)] };
  await stamped(`Prebuild ${arch}`, made, async (progress) => {
    const folder = await nodePackageFolder(root, name, (text, percent) => progress.update(text, percent));
    await prebuild(arch, folder, toolPrefix(name), progress);
  });
}

/** Runs prebuildify. Headers come from `nodeFolder`, so nothing is downloaded. */
async function prebuild(arch, nodeFolder, toolPrefix, progress) {
  const { version } = JSON.parse(readFileSync(path.join(nodeFolder, 'package.json'), 'utf8'));
  const stepName = `Prebuild ${arch}`;
  rmSync(path.dirname(prebuiltAddon(arch)), { recursive: true, force: true });
  const prebuildify = path.join(root, 'node_modules', '.bin', 'prebuildify');
  const strip = ['--strip', '--strip-bin', `${toolPrefix}strip`];
  await run(stepName, [prebuildify, '--napi', ...strip, '--target', `node@${version}`, '--arch', arch], {
    env: {
      npm_config_nodedir: nodeFolder,
      JOBS: '2',
      CC: `${toolPrefix}gcc`,
      CXX: `${toolPrefix}g++`,
    },
    onLine: gypProgress(progress),
  });
  const folder = path.dirname(prebuiltAddon(arch));
  if (existsSync(prebuiltAddon(arch))) return;
  const found = existsSync(folder) ? readdirSync(folder).join(', ') : 'nothing';
  throw new StepFailure(stepName, `prebuildify left ${found} in prebuilds/linux-${arch}, and no talos.node`);
}
