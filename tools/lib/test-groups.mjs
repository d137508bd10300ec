// The groups of npm test: what each runs, how much at once, and within which time.
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { architectureOfHost, testedArchitecture } from './architectures.mjs';
import { fuzzTargets } from './fuzz.mjs';
import { corePrograms } from './native-build.mjs';
import { out, root } from './paths.mjs';
import { prebuiltAddon } from './prebuild.mjs';
import { withoutAddressRandomisation } from './sanitizers.mjs';
import { filesBelow } from './stamp.mjs';

/**
 * @typedef {object} Program
 * @property {string} name   for people; also names the log file
 * @property {string[]} argv writes TAP
 * @property {string} [native] which build of the C++ code it needs (native-build.mjs)
 * @property {Record<string, string>} [env] added to the environment of tests
 *
 * @typedef {object} Group
 * @property {string} name
 * @property {number} budgetSeconds  a group that takes longer fails
 * @property {number} atOnce         programs side by side
 * @property {number} timeoutSeconds of one program
 * @property {'packages' | 'build' | 'images'} needs what has to be built before
 * @property {boolean} [needsKubernetes] images with Kubernetes are built before
 * @property {boolean} [isSoak]    runs when it is asked for by name, and in the soak tier
 * @property {() => Program[]} programs
 */

const node = [process.execPath, '--enable-source-maps'];

/** Inputs of a fuzzer's own making in one run of the tests. */
const fuzzRuns = 20_000;

const tool = (name) => path.join(root, 'tools', name);

/** Files of test/native that look at a build of the C++ code, and not at the addon that is under test. */
const nativeOf = new Map([
  ['test/native/fault-table.test.ts', 'tests'],
  ['test/native/same-exports.test.ts', `prebuild-${process.arch}`],
]);

/** The tests of a folder as they were compiled; what was deleted from the sources is not run. */
function testFiles(folder) {
  return filesBelow([folder]).filter((file) => file.endsWith('.test.ts'));
}

function eachFile(folder) {
  return testFiles(folder).map((name) => ({
    name,
    argv: [...node, path.join(out, 'js', name.replace(/\.ts$/, '.js'))],
  }));
}

/** The tests of the C++ cores, each an executable that writes TAP. */
function nativeTests() {
  return corePrograms('tests').map(({ source, file }) => ({ name: source, argv: [file], native: 'tests' }));
}

/** The same under a sanitizer, whose findings end the program. */
function sanitizedTests(build) {
  return corePrograms(build).map(({ source, file }) => ({
    name: `${build}:${path.basename(source, '.cc')}`,
    argv: [...withoutAddressRandomisation(), file],
    native: build,
  }));
}

/** The tests of the addon. */
function addonTests() {
  return eachFile('test/native').map((program) => ({ ...program, native: nativeOf.get(program.name) }));
}

/** The same with the binary that ships as a package. */
function prebuildTests() {
  return eachFile('test/native')
    .filter((program) => !nativeOf.has(program.name))
    .map((program) => ({
      ...program,
      name: `gyp:${path.basename(program.name, '.test.ts')}`,
      native: `prebuild-${process.arch}`,
      env: { ADDON_PATH: prebuiltAddon(process.arch) },
    }));
}

/** A short run of each fuzzer, over the same inputs every time. */
function fuzzers() {
  return fuzzTargets().map((target) => ({
    name: `fuzz:${target}`,
    argv: [...node, tool('fuzz.mjs'), target, '--tap', '--runs', String(fuzzRuns)],
    native: 'fuzz',
  }));
}

/** Of the guard, with building; what is left of its group's time is for the proof. */
const guardSeconds = 150;

/** Whether this checkout is slower than its base, and whether the guard that says so can be believed. */
function guardTests() {
  const argv = [...node, tool('bench-guard.mjs'), '--tap', '--seconds', String(guardSeconds)];
  // A base with other packages gets them from the registry, as this checkout has: by the same authorities.
  const { NODE_EXTRA_CA_CERTS: authorities } = process.env;
  const env = authorities === undefined ? {} : { NODE_EXTRA_CA_CERTS: authorities };
  return [{ name: 'guard', argv, env }, ...eachFile('test/guard')];
}

/** One boot of the test guest for all of its files. */
function guestTests() {
  const files = testFiles('test/in-guest');
  const guest = path.join(root, 'test', 'guest');
  return [
    { name: 'test/guest', argv: [guest, 'run', ...files] },
    // The cross-built addon in an emulated machine of its architecture.
    {
      name: 'test/guest arm64',
      argv: [guest, 'run', '--arch', 'arm64', 'test/in-guest/smoke.test.ts'],
      native: 'prebuild-arm64',
    },
  ];
}

/** Nodes of the other architecture take longer to emulate; test/helpers/deadline.ts grants their tests as much. */
const slowness = testedArchitecture() === architectureOfHost() ? 1 : 2;

/**
 * Tests of booted nodes that wait minutes for what they are about: restarts behind faults, disks that fill up, clocks, whole power cycles.
 * A run of all tests has to end in time on a machine that emulates at half the speed, too; soak has these.
 */
const longNodeTests = new Set([
  ...['apply-config', 'clock', 'containers', 'dhcp', 'disks', 'ephemeral', 'events', 'faults'],
  ...['machine', 'maintenance', 'network', 'two-nodes'],
]);

const testOf = (name) => path.basename(name, '.test.ts');

/** @type {Group[]} */
export const groups = [
  {
    name: 'lint',
    budgetSeconds: 20,
    atOnce: 1,
    timeoutSeconds: 60,
    needs: 'packages',
    programs: () => [{ name: 'lint', argv: [...node, tool('lint.mjs'), '--tap'] }],
  },
  {
    name: 'unit',
    budgetSeconds: 680,
    atOnce: 2,
    timeoutSeconds: 180,
    needs: 'build',
    programs: () => eachFile('test/unit'),
  },
  {
    name: 'native',
    budgetSeconds: 260,
    atOnce: 2,
    timeoutSeconds: 60,
    needs: 'build',
    programs: () => [
      ...nativeTests(),
      ...addonTests(),
      ...prebuildTests(),
      ...sanitizedTests('asan'),
      ...sanitizedTests('tsan'),
      ...fuzzers(),
    ],
  },
  // Alone, for it measures.
  { name: 'guard', budgetSeconds: 400, atOnce: 1, timeoutSeconds: 340, needs: 'build', programs: guardTests },
  { name: 'guest', budgetSeconds: 300, atOnce: 1, timeoutSeconds: 280, needs: 'images', programs: guestTests },
  {
    name: 'vm',
    budgetSeconds: 1000 * slowness,
    atOnce: 2,
    timeoutSeconds: 600 * slowness,
    needs: 'images',
    programs: () =>
      eachFile('test/vm').filter(({ name }) => !longNodeTests.has(testOf(name)) && !isOfCluster({ name })),
  },
  {
    name: 'vm-long',
    budgetSeconds: 1500 * slowness,
    atOnce: 2,
    timeoutSeconds: 600 * slowness,
    needs: 'images',
    isSoak: true,
    programs: () => eachFile('test/vm').filter(({ name }) => longNodeTests.has(testOf(name))),
  },
  {
    name: 'kubernetes',
    budgetSeconds: 180,
    atOnce: 1,
    timeoutSeconds: 240,
    needs: 'images',
    needsKubernetes: true,
    isSoak: true,
    programs: () => eachFile('test/kubernetes'),
  },
  {
    name: 'cluster',
    budgetSeconds: 2400 * slowness,
    // A control plane that comes up takes all that there is; beside another machine its probes fail, and it is started again.
    atOnce: 1,
    timeoutSeconds: 1200 * slowness,
    needs: 'images',
    needsKubernetes: true,
    isSoak: true,
    programs: () => eachFile('test/vm').filter(isOfCluster),
  },
];

/** Of booted nodes with Kubernetes. */
function isOfCluster({ name }) {
  return path.basename(name).startsWith('kubernetes');
}

/**
 * The environment of tests: a home of their own, so that nobody's clusters or client config are touched.
 * @param {string} home a folder made for this run
 * @returns {NodeJS.ProcessEnv}
 */
export function testEnvironment(home) {
  const cache = process.env.XDG_CACHE_HOME || path.join(process.env.HOME ?? home, '.cache');
  const temporary = path.join(home, 'tmp');
  mkdirSync(temporary, { recursive: true });
  return {
    PATH: process.env.PATH,
    LANG: 'C.UTF-8',
    TZ: 'UTC',
    HOME: home,
    TMPDIR: temporary,
    TALOS_HOME: path.join(home, '.talos'),
    TALOSCONFIG: path.join(home, '.talos', 'config'),
    XDG_CACHE_HOME: cache,
    ...(process.env.CI === undefined ? {} : { CI: process.env.CI }),
    ...(process.env.TALOS_TEST_ARCH === undefined ? {} : { TALOS_TEST_ARCH: process.env.TALOS_TEST_ARCH }),
    ...(process.env.ADDON_PATH === undefined ? {} : { ADDON_PATH: process.env.ADDON_PATH }),
  };
}
