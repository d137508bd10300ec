/** What the test guest boots: our kernel of profile `test`, and an initramfs with its init and the libraries that Node needs. */
import { copyFile, link, mkdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, join, relative } from 'node:path';
import { cached, hashFile, type Progress } from '../../../lib/base/build-cache.js';
import { ARCHITECTURES, type Architecture } from '../../../lib/image/architecture.js';
import { compileStaticProgram } from '../../../lib/image/compile.js';
import { type CpioEntry, writeCpio } from '../../../lib/image/cpio.js';
import { buildTestKernel } from '../../../lib/image/kernel.js';
import { nodePackageFolder } from '../../../lib/image/node-package.js';
import { fetchPackages } from '../../../lib/image/packages.js';

/** Libraries by the package they are in, of the release that the image is made from, too: never the host's. */
const libraries: Record<string, string[]> = {
  libc6: ['libc.so.6', 'libm.so.6', 'libdl.so.2', 'libpthread.so.0', 'librt.so.1'],
  'libstdc++6': ['libstdc++.so.6'],
  'libgcc-s1': ['libgcc_s.so.1'],
  libatomic1: ['libatomic.so.1'],
  // For e2fsprogs.
  libext2fs2t64: ['libext2fs.so.2', 'libe2p.so.2'],
  'libcom-err2': ['libcom_err.so.2'],
  libblkid1: ['libblkid.so.1'],
  libuuid1: ['libuuid.so.1'],
};

/** Programs by their package, and the names that they have here: what makes an ext4 and what judges it. */
const programs: Record<string, Record<string, string>> = {
  e2fsprogs: { 'mkfs.ext4': 'mke2fs', e2fsck: 'e2fsck' },
};

/** The few files that programs look for; who may log in is nobody. */
const configuration: Record<string, string> = {
  passwd: 'root:x:0:0:root:/tmp:/bin/false\nnobody:x:65534:65534:nobody:/:/bin/false\n',
  group: 'root:x:0:\nnogroup:x:65534:\n',
  hosts: '127.0.0.1 localhost\n::1 localhost\n',
  'nsswitch.conf': 'passwd: files\ngroup: files\nhosts: files\n',
};

/** Path of the kernel, built if it is not in the cache. */
export async function testKernel(checkout: string, arch: Architecture, onProgress: Progress): Promise<string> {
  return (await buildTestKernel(checkout, arch, onProgress)).image;
}

/** The addon as `npm run prebuild` leaves it. */
export function prebuiltAddon(checkout: string, arch: Architecture): string {
  return join(checkout, 'prebuilds', `linux-${ARCHITECTURES[arch].nodeName}`, 'talos.node');
}

/**
 * Path of Node for the guest, in the checkout: the guest sees nothing else. That of another architecture is linked or copied there from
 * the cache.
 */
export async function guestNode(checkout: string, arch: Architecture, onProgress: Progress): Promise<string> {
  const folder = await nodePackageFolder(checkout, arch, onProgress);
  const source = join(folder, 'bin/node');
  if (!relative(checkout, source).startsWith('..')) return source;
  const target = join(checkout, 'out/guest', `node-${arch}-${basename(folder)}`);
  if (await stat(target).catch(() => undefined)) return target;
  await mkdir(dirname(target), { recursive: true });
  const temporary = `${target}.${process.pid}`;
  await link(source, temporary).catch(() => copyFile(source, temporary));
  await rename(temporary, target);
  return target;
}

/** Path of the initramfs, made if it is not in the cache. */
export async function guestInitramfs(checkout: string, arch: Architecture, onProgress: Progress): Promise<string> {
  const source = join(checkout, 'test/helpers/guest/init.cc');
  // What the tests of the reaper let it reap: static, since there is nothing here to build or to load it from.
  const storm = join(checkout, 'test/helpers/reaper/storm.cc');
  const wanted = [...Object.keys(libraries), ...Object.keys(programs)];
  const packages = await fetchPackages(wanted, arch, onProgress);
  const folder = await cached({
    kind: 'test-guest',
    inputs: {
      recipe: 4,
      arch,
      init: await hashFile(source),
      storm: await hashFile(storm),
      packages: packages.records,
      libraries,
      programs,
      configuration,
    },
    keep: 4,
    onProgress,
    make: async (folder) => {
      onProgress('making the initramfs of the test guest');
      const work = join(folder, 'work');
      await mkdir(work);
      await compileStaticProgram(arch, [source], [], join(work, 'init'));
      await compileStaticProgram(arch, [storm], [], join(work, 'reaper-storm'));
      await writeCpio(join(folder, 'initramfs'), [
        { kind: 'file', path: 'init', mode: 0o755, file: join(work, 'init') },
        { kind: 'directory', path: 'bin', mode: 0o755 },
        { kind: 'file', path: 'bin/reaper-storm', mode: 0o755, file: join(work, 'reaper-storm') },
        ...(await configurationFiles(work)),
        ...libraryFiles(packages.folder, arch),
        ...programFiles(packages.folder),
      ]);
      await rm(work, { recursive: true });
    },
  });
  return join(folder, 'initramfs');
}

async function configurationFiles(work: string): Promise<CpioEntry[]> {
  const entries: CpioEntry[] = [{ kind: 'directory', path: 'etc', mode: 0o755 }];
  for (const [name, text] of Object.entries(configuration)) {
    const file = join(work, name);
    await writeFile(file, text);
    entries.push({ kind: 'file', path: `etc/${name}`, mode: 0o644, file });
  }
  return entries;
}

/** The libraries as files of the initramfs; links are followed, since the archive has none. */
function libraryFiles(packages: string, arch: Architecture): CpioEntry[] {
  const { gnuTriplet, loader } = ARCHITECTURES[arch];
  // Where the loader looks without any configuration.
  const folder = `lib/${gnuTriplet}`;
  const inPackage = (name: string, file: string) => join(packages, name, 'usr/lib', gnuTriplet, file);
  const files = Object.entries(libraries).flatMap(([name, own]) =>
    own.map((file) => ({ path: `${folder}/${file}`, file: inPackage(name, file) })),
  );
  files.push({ path: loader, file: inPackage('libc6', basename(loader)) });
  return [
    ...[...new Set(['lib', folder, dirname(loader)])].map(
      (path) => ({ kind: 'directory', path, mode: 0o755 }) as const,
    ),
    ...files.map(({ path, file }) => ({ kind: 'file', path, mode: 0o755, file }) as const),
  ];
}

function programFiles(packages: string): CpioEntry[] {
  const files = Object.entries(programs).flatMap(([name, own]) =>
    Object.entries(own).map(
      ([path, file]) =>
        ({
          kind: 'file',
          path: `usr/sbin/${path}`,
          mode: 0o755,
          file: join(packages, name, 'usr/sbin', file),
        }) as const,
    ),
  );
  return [...['usr', 'usr/sbin'].map((path) => ({ kind: 'directory', path, mode: 0o755 }) as const), ...files];
}

/** Progress is talk: a line whenever something else is being done, or another tenth of it. */
export function tell(talk: (line: string) => void): Progress {
  let last = '';
  return (text, percent) => {
    const line = percent === undefined ? text : `${text.replace(/, .*/, '')}: ${Math.floor(percent / 10) * 10} %`;
    if (line !== last) talk(line);
    last = line;
  };
}
