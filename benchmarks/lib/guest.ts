/** Benchmarks that run in the test guest, with rivals out of Debian packages: the host's half. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { basename, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { cached, hashFile } from '../../lib/base/build-cache.js';
import { compileStaticProgram } from '../../lib/image/compile.js';
import { fetchPackages } from '../../lib/image/packages.js';
import { checkout } from './report.js';

const talk = (line: string) => process.stderr.write(`${line}\n`);

/**
 * Packages of the release that the image is made from, unpacked in the build cache: never the host's own programs.
 * @returns the folder with one folder a package
 */
export async function rivalPackages(names: readonly string[]): Promise<string> {
  return (await fetchPackages(names, 'amd64', talk)).folder;
}

/**
 * A small static program of benchmarks/lib, compiled into the build cache.
 * @returns the folder that it is in, by the name of its source
 */
export async function helperProgram(source: string): Promise<string> {
  const file = join(checkout, 'benchmarks/lib', source);
  return await cached({
    kind: 'benchmark-program',
    inputs: { recipe: 1, source, hash: await hashFile(file) },
    make: (folder) => compileStaticProgram('amd64', [file], [], join(folder, basename(source, '.cc'))),
  });
}

export interface GuestRun {
  /** Path in the checkout; TypeScript runs in its compiled form. */
  script: string;
  scriptArguments: readonly string[];
  /** Folders that it is to find at their own paths. */
  shares: readonly string[];
  kernelParameters?: readonly string[];
  memoryMiB?: number;
  deadlineSeconds: number;
}

/**
 * Runs one script in one boot of the test guest.
 * @returns what it printed on its standard output
 * @throws Error when it fails
 */
export async function runInGuest(run: GuestRun): Promise<string> {
  const options = [
    ...run.shares.flatMap((folder) => ['--share', folder]),
    ...(run.kernelParameters ?? []).flatMap((parameter) => ['--kernel-parameter', parameter]),
    ...['--memory', String(run.memoryMiB ?? 2048), '--deadline', String(run.deadlineSeconds)],
  ];
  const child = spawn(join(checkout, 'test/guest'), ['run', ...options, '--', run.script, ...run.scriptArguments], {
    cwd: checkout,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [output, [code]] = await Promise.all([text(child.stdout), once(child, 'close')]);
  if (code !== 0) throw new Error(`${run.script} failed in the test guest (exit code ${code}): ${output.slice(-2000)}`);
  return output;
}
