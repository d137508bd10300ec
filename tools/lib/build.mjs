// Everything that is built, in order. Each step is skipped when its inputs are those of the last time.
import { accessSync, constants, cpSync, existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import {
  architectures as allArchitectures,
  architectureOfHost,
  defaultArchitecture,
  nodeNameOf,
  testedArchitecture,
} from './architectures.mjs';
import { installPackages } from './debian.mjs';
import { StepFailure } from './failure.mjs';
import { withBuildLock } from './lock.mjs';
import { buildAddon, buildNative } from './native-build.mjs';
import { installNpmPackages } from './npm.mjs';
import { cacheDir, logDir, osctlBundle, out, root, shown } from './paths.mjs';
import { step } from './progress.mjs';
import { logFileOf, run } from './run.mjs';
import { hashInputs } from './stamp.mjs';
import { stamped } from './stamped.mjs';

const binary = (name) => path.join(root, 'node_modules', '.bin', name);
const compiled = path.join(out, 'js');

/** Parts of it that are loaded on demand. */
const osctlChunks = path.join(out, 'osctl-chunks');

/** Names of chunks change with their content; an osctl that runs just now may still need the old ones until the new are there. */
function removeOldChunks(current) {
  for (const file of readdirSync(osctlChunks)) {
    if (!current.has(file)) rmSync(path.join(osctlChunks, file), { force: true });
  }
}

/** Loads a compiled module of the project. */
const load = (file) => import(pathToFileURL(path.join(compiled, file)).href);

/** TypeScript to out/js, with the generated code beside it. */
async function compile() {
  const sources = ['lib', 'bin', 'test', 'benchmarks', 'tsconfig.json', 'package-lock.json'];
  const made = { hash: hashInputs(sources), outputs: [path.join(compiled, 'lib')] };
  await stamped('TypeScript', made, async () => {
    let errors = 0;
    const code = await run('TypeScript', [binary('tsc'), '-p', '.', '--pretty', 'false'], {
      // 2: there are type errors, but everything was written. One can go on with that; the lint does not let it pass.
      allowedExits: [2],
      onLine: (line) => {
        if (/: error TS\d+:/.test(line)) errors++;
      },
    });
    copyGenerated();
    return code === 0 ? undefined : `done, with ${errors} type errors, see ${shown(logFileOf('TypeScript'))}`;
  });
}

/** lib/gen is JavaScript already: tsc reads its types and leaves the code where it is. */
function copyGenerated() {
  const target = path.join(compiled, 'lib', 'gen');
  rmSync(target, { recursive: true, force: true });
  cpSync(path.join(root, 'lib', 'gen'), target, { recursive: true, filter: (file) => !file.endsWith('.d.ts') });
}

/** osctl in a few files, so that it starts fast. */
async function bundleOsctl() {
  const sources = ['lib', 'package.json', 'package-lock.json', 'tools/lib/build.mjs'];
  const { sourceIdentity } = await load('lib/image/sources.js');
  const identity = await sourceIdentity(root);
  const define = {
    TALOS_BUILD_TAG: JSON.stringify(identity.tag),
    TALOS_BUILD_SHA: JSON.stringify(identity.sha),
    TALOS_BUILD_TIME: JSON.stringify(identity.built),
  };
  const made = { hash: hashInputs(sources, Object.values(define)), outputs: [osctlBundle] };
  await stamped('osctl', made, async () => {
    const { build } = await import('esbuild');
    try {
      const { metafile } = await build({
        metafile: true,
        absWorkingDir: root,
        entryPoints: { osctl: path.join(root, 'lib', 'osctl', 'main.ts') },
        outdir: out,
        outExtension: { '.js': '.mjs' },
        // What only some commands load, the image builder above all, is read when it is needed.
        splitting: true,
        chunkNames: `${path.basename(osctlChunks)}/[hash]`,
        bundle: true,
        platform: 'node',
        target: 'node20',
        format: 'esm',
        define,
        logLevel: 'silent',
        // Only building images needs it, and it finds its own files.
        external: ['esbuild'],
        // CommonJS packages inside the bundle ask for Node's modules by require.
        banner: { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);" },
      });
      removeOldChunks(new Set(Object.keys(metafile.outputs).map((file) => path.basename(file))));
    } catch (error) {
      throw new StepFailure('osctl', error.message.split('\n').slice(0, 3).join(' '), { cause: error });
    }
  });
}

/** Does a step of the image builder, whose failures carry what to do. */
async function imageStep(name, work) {
  await step(name, async (progress) => {
    try {
      await work((text, percent) => progress.update(text, percent));
    } catch (error) {
      throw new StepFailure(name, error.message, { hint: error.hint, cause: error });
    }
  });
}

/** What nodes boot from: kernel, root image and initramfs. lib/image keeps its own cache. */
async function buildImages(architectures) {
  const { buildArtifacts } = await load('lib/image/main.js');
  for (const arch of architectures) {
    await imageStep(stepFor('Kernel and image', arch), (onProgress) => buildArtifacts({ arch, onProgress }));
  }
}

/** The name of a step that is done for each architecture. */
const stepFor = (name, arch) => (arch === defaultArchitecture ? name : `${name} ${arch}`);

/** Before the images: where there is no kernel at all, this makes the default one on the way, and the two in less time than apart. */
async function buildTestKernels() {
  const { testKernel } = await load('test/helpers/guest/build.js');
  for (const arch of allArchitectures) {
    await imageStep(stepFor('Test kernel', arch), (onProgress) => testKernel(root, arch, onProgress));
  }
}

/** What the nodes of tests and the test guest boot from. */
async function buildTestImages() {
  const { buildArtifacts } = await load('lib/image/main.js');
  const { guestInitramfs, guestNode } = await load('test/helpers/guest/build.js');
  for (const arch of allArchitectures) {
    await imageStep(stepFor('Test image', arch), (onProgress) => buildArtifacts({ arch, layer: 'test', onProgress }));
    await imageStep(stepFor('Test guest', arch), async (onProgress) => {
      await guestInitramfs(root, arch, onProgress);
      await guestNode(root, arch, onProgress);
    });
  }
  // What another container runtime changes is looked at on nodes of one architecture.
  const arch = testedArchitecture();
  const { readRuntimes } = await load('lib/image/runtimes.js');
  for (const { name: runtime, isDefault } of await readRuntimes(root)) {
    if (isDefault) continue;
    await imageStep(stepFor(`Images with ${runtime}`, arch), async (onProgress) => {
      await buildArtifacts({ arch, layer: 'test', runtime, onProgress });
    });
  }
}

/** Images with the Kubernetes that can be built here, for nodes of one architecture: its programs take minutes where they are not in the cache. */
async function buildKubernetesImages() {
  const { buildArtifacts, readReleases } = await load('lib/image/main.js');
  const arch = testedArchitecture();
  for (const { version, sources } of await readReleases(root)) {
    if (!sources.includes('debian-source')) continue;
    const kubernetes = { version, source: 'debian-source' };
    await imageStep(stepFor(`Images with Kubernetes ${version}`, arch), async (onProgress) => {
      for (const layer of [undefined, 'test']) await buildArtifacts({ arch, layer, kubernetes, onProgress });
    });
  }
}

/** The addon of other architectures than this machine's comes as it ships. */
function prebuildsOf(architectures) {
  const foreign = architectures.filter((arch) => arch !== architectureOfHost());
  return foreign.map((arch) => `prebuild-${nodeNameOf(arch)}`);
}

/** Sees to it that a folder is there and can be written, before anything is begun. */
function ensureWritable(folder) {
  let existing = folder;
  while (!existsSync(existing)) existing = path.dirname(existing);
  try {
    // mkdir of several levels says ENOENT on a read-only file system; this says EROFS.
    accessSync(existing, constants.W_OK);
    mkdirSync(folder, { recursive: true });
  } catch (error) {
    throw new StepFailure('Folders', `cannot write to ${folder}: ${error.message}`, {
      hint: 'this account must be able to write there: the checkout, and $XDG_CACHE_HOME or ~/.cache',
      cause: error,
    });
  }
}

/** What comes before anything of ours can run: Debian packages, npm packages. */
async function prepare(tests, architectures, rivals) {
  await step('Debian packages', (progress) => installPackages(progress, { tests, architectures, rivals }));
  await step('npm packages', installNpmPackages);
}

/**
 * Makes what a node and the tests need.
 * @param {object} [options]
 * @param {'packages' | 'build' | 'images'} [options.upTo] how far: tools only, code for this host as well, or everything (default)
 * @param {boolean} [options.tests] also the images that only tests need
 * @param {string[]} [options.architectures] of nodes and images, by Debian's names; tests need all
 * @param {boolean} [options.kubernetes] also the images with Kubernetes that its tests need
 * @param {boolean} [options.rivals] also the tools that make rivals of nodes, for benchmarks
 * @param {string[]} [options.native] which builds of the C++ code for tests (names of native-build.mjs)
 */
export async function buildAll({
  upTo = 'images',
  tests = false,
  architectures = tests ? allArchitectures : [defaultArchitecture],
  kubernetes = false,
  native = [],
  rivals = false,
} = {}) {
  const needsTestTools = tests || native.length > 0;
  ensureWritable(logDir);
  ensureWritable(cacheDir);
  const onWait = (pid) =>
    process.stderr.write(`another build (process ${pid}) runs in this checkout; waiting for it\n`);
  await withBuildLock(onWait, async () => {
    // Under the lock as well: npm ci takes node_modules away from under another build.
    await prepare(needsTestTools, needsTestTools ? allArchitectures : architectures, rivals);
    if (upTo !== 'packages') {
      await compile();
      await buildAddon();
    }
    await buildNative([...new Set([...native, ...prebuildsOf(upTo === 'packages' ? [] : architectures)])]);
    if (upTo === 'packages') return;
    await bundleOsctl();
    if (upTo !== 'images') return;
    if (tests) await buildTestKernels();
    await buildImages(architectures);
    if (tests) await buildTestImages();
    if (kubernetes) await buildKubernetesImages();
  });
}
