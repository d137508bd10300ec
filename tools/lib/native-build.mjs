// Builds of the C++ code: the addon for this host, and what tests need beside it.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { out, root } from './paths.mjs';
import { buildPrebuild, prebuildArchitectures } from './prebuild.mjs';
import { step } from './progress.mjs';
import { run } from './run.mjs';
import { hashInputs } from './stamp.mjs';
import { stamped } from './stamped.mjs';

const binary = (name) => path.join(root, 'node_modules', '.bin', name);
const inputs = ['native', 'CMakeLists.txt'];

/** Reads `[3/40] Building …`. */
function ninjaProgress(progress) {
  return (line) => {
    const counter = /^\[(\d+)\/(\d+)\]\s*(.*)/.exec(line);
    if (counter) progress.update(path.basename(counter[3]), (100 * Number(counter[1])) / Number(counter[2]));
  };
}

/** The addon for this host: tests load it, nothing ships it. */
export async function buildAddon() {
  const made = {
    hash: hashInputs([...inputs, 'package-lock.json'], [process.arch]),
    outputs: [path.join(out, 'cmake', 'Release', 'talos.node')],
  };
  await stamped('Addon', made, async (progress) => {
    await run('Addon', [binary('cmake-js'), 'compile', '--out', 'out/cmake', '--parallel', '2'], {
      onLine: ninjaProgress(progress),
    });
  });
}

/** The same, each source by itself: one that leaves an include to its neighbours ends it. */
export async function compileEachAlone() {
  await step('C++ sources, each alone', async (progress) => {
    const words = ['compile', '--out', 'out/cmake-alone', '--CDTALOS_UNITY=OFF', '--parallel', '2'];
    await run('C++ sources, each alone', [binary('cmake-js'), ...words], { onLine: ninjaProgress(progress) });
  });
}

/**
 * A build by CMake of programs that need no Node.
 * @typedef {object} CoreBuild
 * @property {string} step    what it is called
 * @property {string} dir     where its programs are
 * @property {'tests' | 'tests_with_threads' | 'fuzz'} list of native/sources.json: one program each
 * @property {string[]} options of CMake
 */

/** @type {Record<string, CoreBuild>} */
export const coreBuilds = {
  tests: { step: 'C++ tests', dir: path.join(out, 'native-test'), list: 'tests', options: ['-DTALOS_TESTS=ON'] },
  asan: {
    step: 'C++ tests, address sanitizer',
    dir: path.join(out, 'native-asan'),
    list: 'tests',
    options: ['-DTALOS_TESTS=ON', '-DTALOS_SANITIZE=address,undefined'],
  },
  tsan: {
    step: 'C++ tests, thread sanitizer',
    dir: path.join(out, 'native-tsan'),
    list: 'tests_with_threads',
    options: ['-DTALOS_TESTS=ON', '-DTALOS_SANITIZE=thread'],
  },
  fuzz: {
    step: 'Fuzzers',
    dir: path.join(out, 'native-fuzz'),
    list: 'fuzz',
    options: ['-DTALOS_FUZZ=ON', '-DCMAKE_CXX_COMPILER=clang++'],
  },
};

/**
 * The programs of a build, in the order of their list.
 * @param {keyof typeof coreBuilds} name
 * @returns {{source: string, file: string}[]} where each comes from, relative to the root, and where it is
 */
export function corePrograms(name) {
  const { dir, list } = coreBuilds[name];
  const sources = JSON.parse(readFileSync(path.join(root, 'native', 'sources.json'), 'utf8'))[list];
  return sources.map((source) => ({ source, file: path.join(dir, path.basename(source, '.cc')) }));
}

async function buildCore(name) {
  const { step, dir, options } = coreBuilds[name];
  const made = { hash: hashInputs(inputs, options), outputs: corePrograms(name).map(({ file }) => file) };
  await stamped(step, made, async (progress) => {
    await run(step, ['cmake', '-S', '.', '-B', dir, '-G', 'Ninja', ...options]);
    await run(step, ['cmake', '--build', dir, '--parallel', '2'], { append: true, onLine: ninjaProgress(progress) });
  });
}

/**
 * Makes builds that only tests need.
 * @param {string[]} names of coreBuilds, or `prebuild-` and Node's name of an architecture
 */
export async function buildNative(names) {
  for (const arch of prebuildArchitectures) if (names.includes(`prebuild-${arch}`)) await buildPrebuild(arch);
  for (const name of Object.keys(coreBuilds).filter((each) => names.includes(each))) await buildCore(name);
}
