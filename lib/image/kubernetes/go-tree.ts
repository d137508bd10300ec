/** Kubernetes' source and the compiler for it, laid out as Go wants to find them before it had modules: GOROOT and GOPATH. */
import { mkdir, readdir, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { cached, hashFile, type Progress } from '../../base/build-cache.js';
import { TalosError } from '../../base/errors.js';
import { PrivateApt, unpackPackage } from '../apt.js';
import { hostArchitecture } from '../architecture.js';
import { fetchPinned, type PinnedPackage } from '../pinned-package.js';
import { runCommand } from '../run-command.js';
import type { DebianPins, PinnedSource } from './debian-pins.js';

/** Where the tree is in GOPATH. */
const IMPORT_PATH = ['src', 'k8s.io', 'kubernetes'];

/** Folders: absolute paths. */
export interface GoTree {
  readonly goroot: string;
  readonly gopath: string;
  /** The source, inside {@link gopath}. */
  readonly source: string;
}

/** Lays it out below `folder`, which is there; what it is made from is fetched first. */
export async function layOutGoTree(pins: DebianPins, folder: string, onProgress: Progress): Promise<GoTree> {
  const { go, source, replacements } = pins;
  const compiler = path.join(folder, 'go');
  for (const each of forThisMachine(go.packages)) {
    await unpackPackage(await fetchPinned('kubernetes-packages', each, 'up to 60 MB', onProgress), compiler);
  }
  const description = await fetchPinnedSource(source, onProgress);
  onProgress("unpacking Kubernetes' source");
  const gopath = path.join(folder, 'gopath');
  const tree = path.join(gopath, ...IMPORT_PATH);
  await mkdir(path.dirname(tree), { recursive: true });
  // apt has checked the signature of the list that has the sums of these files, and we have ours.
  await runCommand(['dpkg-source', '--no-check', '--extract', description, tree]);
  for (const [name, { folder: inside, package: pin }] of Object.entries(replacements)) {
    const unpacked = path.join(folder, 'replacement');
    await unpackPackage(await fetchPinned('kubernetes-packages', pin, '1 MB', onProgress), unpacked);
    await rm(path.join(tree, name), { recursive: true });
    await rename(path.join(unpacked, inside), path.join(tree, name));
    await rm(unpacked, { recursive: true });
  }
  return { goroot: path.join(compiler, go.root), gopath, source: tree };
}

function forThisMachine(packages: readonly PinnedPackage[]): PinnedPackage[] {
  const host = hostArchitecture();
  return packages.filter(({ architecture = host }) => architecture === host);
}

/** Name under which the .dsc file is kept. */
const DESCRIPTION = 'source.dsc';

/**
 * Fetches a source package; it is kept.
 * @returns path of the .dsc file, beside the files that it names
 * @throws TalosError ERR_CHECKSUM when they are not the files that were pinned; ERR_NO_PACKAGE, ERR_NO_MIRROR
 */
async function fetchPinnedSource(pin: PinnedSource, onProgress: Progress): Promise<string> {
  const wanted = `${pin.package}=${pin.version}`;
  const entry = await cached({
    kind: 'kubernetes-source',
    inputs: pin,
    onProgress,
    make: async (folder) => {
      onProgress(`fetching the source of ${wanted} (35 MB)`);
      const aptFolder = path.join(folder, 'apt');
      const apt = await PrivateApt.open(aptFolder, [pin.suite], 'amd64', { withSources: true });
      const { description } = await apt.downloadSource(wanted, folder);
      await rename(description, path.join(folder, DESCRIPTION));
      await rm(aptFolder, { recursive: true });
      await assertPinned(pin, folder);
    },
  });
  await assertPinned(pin, entry);
  return path.join(entry, DESCRIPTION);
}

/** Looks that a folder has the pinned files and, but for what names them, nothing else that could be unpacked. */
async function assertPinned({ package: name, version, files }: PinnedSource, folder: string): Promise<void> {
  const there = (await readdir(folder)).filter((file) => file !== DESCRIPTION).sort();
  const sums = await Promise.all(there.map((file) => hashFile(path.join(folder, file))));
  const wanted = Object.keys(files).sort();
  if (there.join() === wanted.join() && there.every((file, index) => files[file] === sums[index])) return;
  throw new TalosError('ERR_CHECKSUM', `the source of ${name} ${version} is not what was pinned: ${there.join(', ')}`, {
    hint: `remove ${folder}, so that it is fetched again`,
  });
}
