/** What static programs carry of the machine that builds them, for the bill of materials. */
import { realpath } from 'node:fs/promises';
import { type Architecture, toolPrefix } from './architecture.js';
import type { PackageRecord } from './packages.js';
import { runCommand } from './run-command.js';

/** What g++ -static takes code from: the C library, the compiler's own helpers, the C++ library. */
export const STATIC_ARCHIVES = ['libc.a', 'libgcc.a', 'libstdc++.a'] as const;

/** The package of one of them. */
export interface StaticLibrary extends Omit<PackageRecord, 'sha256' | 'licence'> {
  readonly archive: (typeof STATIC_ARCHIVES)[number];
}

/** Which of the build machine's packages have the libraries that static programs carry; none on a machine that is no Debian. */
export async function staticLibraries(arch: Architecture): Promise<StaticLibrary[]> {
  const compiler = `${toolPrefix(arch)}g++`;
  const found: StaticLibrary[] = [];
  for (const archive of STATIC_ARCHIVES) {
    const file = await realpath((await runCommand([compiler, `-print-file-name=${archive}`])).trim());
    const owner = await runCommand(['dpkg-query', '--search', file]).catch(() => '');
    const [name = ''] = owner.split(/[:,]/);
    const format = '${Package}\\n${Version}\\n${source:Package}\\n${source:Version}\\n';
    const answer = name && (await runCommand(['dpkg-query', '--show', `--showformat=${format}`, name]).catch(() => ''));
    const [, version = '', source = '', sourceVersion = ''] = answer.split('\n');
    if (sourceVersion !== '') found.push({ archive, name, version, source, sourceVersion });
  }
  return found;
}
