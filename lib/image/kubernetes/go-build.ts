/** Kubernetes' programs out of its source: static, for either architecture, the same bytes every time. */
import { copyFile, mkdir, readdir, rename, rm, statfs } from 'node:fs/promises';
import path from 'node:path';
import { cached, cacheFolder, type Progress } from '../../base/build-cache.js';
import { TalosError } from '../../base/errors.js';
import { GIB } from '../../base/units.js';
import type { Architecture } from '../architecture.js';
import { runCommand } from '../run-command.js';
import { type ApiModel, generateApiModel } from './api-model.js';
import type { DebianPins } from './debian-pins.js';
import { readElfHeader } from './elf-header.js';
import { type GoTree, layOutGoTree } from './go-tree.js';

/** What is built, by name: each has its folder below cmd/. */
export const PROGRAMS = [
  'kubelet',
  'kubeadm',
  'kubectl',
  'kube-apiserver',
  'kube-controller-manager',
  'kube-scheduler',
  'kube-proxy',
] as const;
export type Program = (typeof PROGRAMS)[number];

/** Parts that upstream lets one leave out: volumes and load balancers of clouds, which have drivers of their own by now, and Docker. */
export const TAGS = ['providerless', 'dockerless'];
/** Packages of a build from nothing, measured; only the percentage depends on it. */
const EXPECTED_PACKAGES = 2100;
/** Sources, Go's cache and the programs, measured; whoever has less meets a full disk after minutes. */
const NEEDED_BYTES = 4 * GIB;
const RECIPE = 1;

/** Go's environment: what the tree needs, and nothing of the machine's own. */
export function goEnvironment(tree: GoTree, work: string, arch?: Architecture): Record<string, string | undefined> {
  return {
    GOROOT: tree.goroot,
    GOPATH: tree.gopath,
    GO111MODULE: 'off',
    GOFLAGS: undefined,
    GOENV: 'off',
    GOPROXY: 'off',
    GOCACHE: path.join(work, 'go-cache'),
    GOTMPDIR: undefined,
    GOOS: 'linux',
    GOARCH: arch,
    GOAMD64: undefined,
    CGO_ENABLED: '0',
  };
}

/** `-ldflags`: no symbols, no build id, and what a program says of its version. @param version  such as 'v1.20.2' */
export function linkerFlags(version: string, { commit, date }: Pick<DebianPins, 'commit' | 'date'>): string {
  const [major = '', minor = ''] = version.slice(1).split('.');
  const facts = {
    gitMajor: major,
    gitMinor: minor,
    gitVersion: version,
    gitCommit: commit,
    // Not a checkout: a source archive, with Debian's patches.
    gitTreeState: 'archive',
    buildDate: date,
  };
  const packages = ['component-base/version', 'client-go/pkg/version'];
  const settings = packages.flatMap((name) =>
    Object.entries(facts).map(([key, value]) => `-X k8s.io/kubernetes/vendor/k8s.io/${name}.${key}=${value}`),
  );
  return ['-s', '-w', '-buildid=', ...settings].join(' ');
}

/**
 * The programs, built when they are not in the cache. From nothing it takes about five minutes of two processors.
 * @returns a folder with a file for each of {@link PROGRAMS}
 * @throws TalosError ERR_CACHE_WRITE  there is no room · ERR_TOOL
 */
export async function buildPrograms(
  pins: DebianPins,
  version: string,
  arch: Architecture,
  onProgress: Progress,
): Promise<string> {
  return cached({
    kind: 'kubernetes-programs',
    inputs: { recipe: RECIPE, pins: forTarget(pins), version, arch, programs: PROGRAMS, tags: TAGS },
    onProgress,
    make: async (folder) => {
      await assertRoom(folder);
      const work = path.join(folder, 'work');
      await mkdir(work);
      const tree = await layOutGoTree(pins, work, onProgress);
      await placeApiModel(pins, tree, work, onProgress);
      const made = path.join(work, 'programs');
      await compile(tree, work, made, { version, pins, arch, onProgress });
      for (const name of PROGRAMS) {
        const file = path.join(made, name);
        await assertStatic(file, arch);
        await rename(file, path.join(folder, name));
      }
      await rm(work, { recursive: true });
    },
  });
}

/** What programs depend on: the compiler of another machine makes the same, so only its version counts. */
export function forTarget({ go, ...pins }: DebianPins): unknown {
  return { ...pins, go: go.packages.map(({ package: name, version }) => `${name} ${version}`) };
}

async function assertRoom(folder: string): Promise<void> {
  const { bavail, bsize } = await statfs(folder);
  if (bavail * bsize >= NEEDED_BYTES) return;
  const free = (bavail * bsize) / GIB;
  throw new TalosError(
    'ERR_CACHE_WRITE',
    `building Kubernetes needs 4 GiB in ${cacheFolder()}, and ${free.toFixed(1)} GiB are free`,
    {
      hint: 'make room there, or set XDG_CACHE_HOME to a folder on another disk; then run this again',
    },
  );
}

/** The description of the API's types is the same for all architectures, and takes a minute: it is kept by itself. */
async function placeApiModel(pins: DebianPins, tree: GoTree, work: string, onProgress: Progress): Promise<void> {
  const model: ApiModel = { tree, environment: goEnvironment(tree, work), onProgress };
  const entry = await cached({
    kind: 'kubernetes-api-model',
    inputs: { recipe: RECIPE, pins: forTarget(pins) },
    onProgress,
    make: (folder) => generateApiModel(model, folder),
  });
  for (const name of await readdir(entry)) {
    await copyFile(path.join(entry, name), path.join(tree.source, 'pkg', 'generated', 'openapi', name));
  }
}

interface Compilation {
  readonly version: string;
  readonly pins: DebianPins;
  readonly arch: Architecture;
  readonly onProgress: Progress;
}

async function compile(tree: GoTree, work: string, made: string, of: Compilation): Promise<void> {
  const { version, pins, arch, onProgress } = of;
  const logFolder = path.join(cacheFolder(), 'log');
  await mkdir(logFolder, { recursive: true });
  await mkdir(made);
  let compiled = 0;
  const packages = PROGRAMS.map((name) => `./cmd/${name}`);
  const flags = ['-v', '-p', '2', '-trimpath', '-buildvcs=false', '-tags', TAGS.join(',')];
  const go = path.join(tree.goroot, 'bin', 'go');
  onProgress(`compiling Kubernetes ${version} for ${arch}: about five minutes`);
  await runCommand(
    ['nice', go, 'build', ...flags, '-ldflags', linkerFlags(version, pins), '-o', `${made}/`, ...packages],
    {
      cwd: tree.source,
      env: goEnvironment(tree, work, arch),
      logFile: path.join(logFolder, `kubernetes-${version}-${arch}.log`),
      onLine: (line) => {
        // With -v each package that is compiled is named, alone on its line.
        if (/\s/.test(line)) return;
        compiled += 1;
        const percent = Math.min(99, Math.floor((100 * compiled) / EXPECTED_PACKAGES));
        onProgress(
          `compiling Kubernetes ${version} for ${arch}, package ${compiled} of about ${EXPECTED_PACKAGES}`,
          percent,
        );
      },
    },
  );
}

async function assertStatic(file: string, arch: Architecture): Promise<void> {
  const { machine, interpreter } = await readElfHeader(file);
  if (machine === arch && interpreter === undefined) return;
  const found = interpreter === undefined ? `for ${machine}` : `not static: it asks for ${interpreter}`;
  throw new TalosError('ERR_TOOL', `${path.basename(file)} was to be a static program for ${arch}, and is ${found}`);
}
