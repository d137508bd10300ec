/** What the test guest boots: our kernel of profile `test`, and an initramfs with its init and the libraries that Node needs. */
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { cached, hashFile } from '../../../lib/base/build-cache.js';
import { compileStaticProgram } from '../../../lib/image/compile.js';
import { type CpioEntry, writeCpio } from '../../../lib/image/cpio.js';
import { buildKernel } from '../../../lib/image/kernel.js';
import { fetchPackages } from '../../../lib/image/packages.js';
import { ARCHITECTURES } from '../../../lib/image/paths.js';

type Talk = (line: string) => void;

const architecture = 'amd64';
const facts = ARCHITECTURES[architecture];

/** Libraries by the package they are in, of the release that the image is made from, too: never the host's. */
const libraries: Record<string, string[]> = {
  libc6: ['libc.so.6', 'libm.so.6', 'libdl.so.2', 'libpthread.so.0', 'librt.so.1'],
  'libstdc++6': ['libstdc++.so.6'],
  'libgcc-s1': ['libgcc_s.so.1'],
  libatomic1: ['libatomic.so.1'],
};
const loader = 'ld-linux-x86-64.so.2';

/** Where the loader looks without any configuration. */
const libraryFolder = `lib/${facts.libraryFolder}`;

/** The few files that programs look for; who may log in is nobody. */
const configuration: Record<string, string> = {
  passwd: 'root:x:0:0:root:/tmp:/bin/false\nnobody:x:65534:65534:nobody:/:/bin/false\n',
  group: 'root:x:0:\nnogroup:x:65534:\n',
  hosts: '127.0.0.1 localhost\n::1 localhost\n',
  'nsswitch.conf': 'passwd: files\ngroup: files\nhosts: files\n',
};

/** Path of the kernel, built if it is not in the cache. */
export async function testKernel(checkout: string, talk: Talk): Promise<string> {
  return (await buildKernel(checkout, architecture, 'test', tell(talk))).image;
}

/** Path of the initramfs, made if it is not in the cache. */
export async function guestInitramfs(checkout: string, talk: Talk): Promise<string> {
  const source = join(checkout, 'test/helpers/guest/init.cc');
  const packages = await fetchPackages(Object.keys(libraries), architecture, tell(talk));
  const folder = await cached({
    kind: 'test-guest',
    inputs: { recipe: 1, init: await hashFile(source), packages: packages.records, libraries, configuration },
    keep: 2,
    onProgress: tell(talk),
    make: async (folder) => {
      talk('making the initramfs of the test guest');
      const work = join(folder, 'work');
      await mkdir(work);
      await compileStaticProgram(architecture, [source], [], join(work, 'init'));
      await writeCpio(join(folder, 'initramfs'), [
        { kind: 'file', path: 'init', mode: 0o755, file: join(work, 'init') },
        ...(await configurationFiles(work)),
        ...libraryFiles(packages.folder),
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
function libraryFiles(packages: string): CpioEntry[] {
  const inPackage = (name: string, file: string) => join(packages, name, 'usr/lib', facts.libraryFolder, file);
  const files = Object.entries(libraries).flatMap(([name, own]) =>
    own.map((file) => ({ path: `${libraryFolder}/${file}`, file: inPackage(name, file) })),
  );
  files.push({ path: `lib64/${loader}`, file: inPackage('libc6', loader) });
  return [
    ...['lib', libraryFolder, 'lib64'].map((path) => ({ kind: 'directory', path, mode: 0o755 }) as const),
    ...files.map(({ path, file }) => ({ kind: 'file', path, mode: 0o755, file }) as const),
  ];
}

/** Progress is talk: a line whenever something else is being done, or another tenth of it. */
function tell(talk: Talk): (text: string, percent?: number) => void {
  let last = '';
  return (text, percent) => {
    const line = percent === undefined ? text : `${text.replace(/, .*/, '')}: ${Math.floor(percent / 10) * 10} %`;
    if (line !== last) talk(line);
    last = line;
  };
}
