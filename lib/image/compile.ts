/** Compiles the image's small C++ programs: stage0, and what the test layer brings. Not the addon, which cmake-js makes. */
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { hashFile, type Progress } from '../base/build-cache.js';
import { type Architecture, toolPrefix } from './architecture.js';
import { nodePackageFolder } from './node-package.js';
import { runCommand } from './run-command.js';

const COMMON_FLAGS = [
  '-std=c++20',
  '-Wall',
  '-Wextra',
  '-fno-exceptions',
  '-fno-rtti',
  '-ffunction-sections',
  '-fdata-sections',
  '-fstack-protector-strong',
  '-D_GNU_SOURCE',
  // Nothing of the build machine in the binary.
  '-Wl,--build-id=none',
  '-Wl,--gc-sections',
  '-Wl,-z,noexecstack',
  '-Wl,-z,relro',
  '-Wl,-z,now',
  '-s',
];

/** What of GNU's becomes part of a static program. */
const STATIC_LIBRARIES = ['libc.a', 'libstdc++.a', 'libgcc.a', 'libgcc_eh.a'];

/**
 * What a static program depends on beside its sources: the compiler's version and the content of the libraries. A mended C library comes
 * without another compiler.
 */
export async function staticToolchain(arch: Architecture): Promise<{ compiler: string; libraries: string[] }> {
  const compiler = `${toolPrefix(arch)}g++`;
  const [version = ''] = (await runCommand([compiler, '--version'])).split('\n');
  const hashOf = async (name: string) => {
    // One that the compiler does not find has no folder in front.
    const file = (await runCommand([compiler, `-print-file-name=${name}`])).trim();
    return path.isAbsolute(file) ? hashFile(file) : 'none';
  };
  return { compiler: version, libraries: await Promise.all(STATIC_LIBRARIES.map(hashOf)) };
}

/** A static program: needs nothing of the root image, which it may be there to repair or to torture. */
export async function compileStaticProgram(
  arch: Architecture,
  sources: readonly string[],
  includes: readonly string[],
  output: string,
): Promise<void> {
  const compiler = `${toolPrefix(arch)}g++`;
  const includeFlags = includes.map((folder) => `-I${folder}`);
  await runCommand([compiler, '-Os', '-static', ...COMMON_FLAGS, ...includeFlags, ...sources, '-o', output]);
}

/** A Node-API addon from one file that includes <node_api.h> alone. */
export async function compileAddon(
  arch: Architecture,
  root: string,
  source: string,
  output: string,
  onProgress: Progress = () => {},
): Promise<void> {
  const headers = path.join(await nodePackageFolder(root, arch, onProgress), 'include', 'node');
  await runCommand([
    `${toolPrefix(arch)}g++`,
    '-O2',
    '-shared',
    '-fPIC',
    '-DNAPI_VERSION=9',
    ...COMMON_FLAGS,
    `-I${headers}`,
    `-I${path.dirname(source)}`,
    source,
    '-o',
    output,
  ]);
}

/** What stage0 shares with the addon: dm-verity. */
const STAGE0_SHARED = ['block/bytes.cc', 'block/dm_message.cc', 'block/verity.cc', 'sys/device_mapper_calls.cc'];

/** The sources of stage0, its own sorted. */
export async function stage0Sources(root: string): Promise<string[]> {
  const native = path.join(root, 'native');
  const own = (await readdir(path.join(native, 'stage0'))).filter((name) => name.endsWith('.cc')).sort();
  return [...own.map((name) => `stage0/${name}`), ...STAGE0_SHARED].map((name) => path.join(native, name));
}
