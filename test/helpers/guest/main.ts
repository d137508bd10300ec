/** `test/guest`: runs programs inside our kernel. See arguments.ts for the command line. */
import { realpath, stat } from 'node:fs/promises';
import { dirname, isAbsolute, relative, resolve } from 'node:path';
import { finished } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';
import { chooseAccelerator } from '../../../lib/cluster/accelerator.js';
import { DEFAULT_MACHINES, MACHINES } from '../../../lib/cluster/machines.js';
import { ARCHITECTURES, type Architecture } from '../../../lib/image/architecture.js';
import { type Command, parseCommand, UsageError, usage } from './arguments.js';
import { guestInitramfs, guestNode, prebuiltAddon, tell, testKernel } from './build.js';
import { Guest, GuestError, type JobResult } from './machine.js';
import { Indent, subtestResult } from './tap.js';
import { tapHook } from './tap-bundle.js';

const exitCodes = { failed: 1, usage: 2, deadline: 124, guest: 125 };
const checkout = resolve(dirname(fileURLToPath(import.meta.url)), '../../../../..');

/** From QEMU's start until the guest's init answers; a few seconds on an idle machine. */
const bootDeadlineMs = 60_000;

/** Turns a word of the command line into the absolute path of what runs in the guest, and whether Node runs it. */
async function resolveProgram(word: string): Promise<{ path: string; isScript: boolean }> {
  const given = resolve(word);
  const inCheckout = relative(checkout, given);
  if (inCheckout.startsWith('..') || isAbsolute(inCheckout)) {
    throw new UsageError(`${word} is outside the checkout, the guest cannot see it`);
  }
  const compiled = /\.ts$/.test(given) ? `${checkout}/out/js/${inCheckout.replace(/\.ts$/, '.js')}` : given;
  const found = await stat(compiled).catch(() => undefined);
  if (!found?.isFile()) {
    throw new UsageError(compiled === given ? `no such file: ${word}` : `${word} is not compiled: run npm run build`);
  }
  return { path: await realpath(compiled), isScript: /\.(js|mjs|cjs)$/.test(compiled) };
}

/** The folders of `--share` as absolute paths, without links, which would lead elsewhere in the guest. */
async function resolveShares(folders: string[]): Promise<string[]> {
  return await Promise.all(
    folders.map(async (folder) => {
      const found = await stat(folder).catch(() => undefined);
      if (!found?.isDirectory()) throw new UsageError(`no such folder: ${folder}`);
      return await realpath(folder);
    }),
  );
}

/** What a program finds in its environment: nothing of the host's, but for what steers tap and the choice of the addon. */
function environment(arch: Architecture): Record<string, string> {
  const passed = Object.entries(process.env).filter(([name]) => name.startsWith('TAP') || name === 'ADDON_PATH');
  return {
    PATH: '/bin',
    HOME: '/tmp',
    TMPDIR: '/tmp',
    LANG: 'C.UTF-8',
    TEST_GUEST: '1',
    // The addon of the checkout's own build is for this machine only.
    ...(ARCHITECTURES[arch].nodeName === process.arch ? {} : { ADDON_PATH: prebuiltAddon(checkout, arch) }),
    ...(Object.fromEntries(passed) as Record<string, string>),
  };
}

async function runAll(command: Command): Promise<number> {
  const programs = [];
  const onProgress = tell((line) => process.stderr.write(`guest: ${line}\n`));
  const { arch } = command;
  const node = [
    await guestNode(checkout, arch, onProgress),
    '--enable-source-maps',
    '--import',
    await tapHook(checkout),
  ];
  for (const [word = '', ...rest] of command.programs) {
    const { path, isScript } = await resolveProgram(word);
    programs.push({ name: word, argv: isScript ? [...node, path, ...rest] : [path, ...rest] });
  }
  const shares = await resolveShares(command.shares);
  const [kernel, initramfs] = [
    await testKernel(checkout, arch, onProgress),
    await guestInitramfs(checkout, arch, onProgress),
  ];
  const machine = MACHINES[DEFAULT_MACHINES[arch]];
  const accelerator = await chooseAccelerator(machine, kernel);
  const boot = () =>
    Guest.boot({
      machine,
      accelerator,
      kernel,
      initramfs,
      checkout,
      shares,
      kernelParameters: command.kernelParameters,
      cpus: command.cpus,
      memoryMiB: command.memoryMiB,
      bootDeadlineMs,
    });
  const job = (argv: string[]) => ({ checkout, shares, folder: checkout, environment: environment(arch), argv });
  let guest = await boot();
  try {
    const [only] = programs;
    if (programs.length === 1 && only) {
      const { exitCode } = await guest.run(job(only.argv), command.deadlineMs, process);
      if (command.showConsole) process.stderr.write(guest.consoleTail);
      return exitCode;
    }
    let failures = 0;
    process.stdout.write('TAP version 14\n');
    for (const [index, { name, argv }] of programs.entries()) {
      process.stdout.write(`# Subtest: ${name}\n`);
      const started = performance.now();
      const output = new Indent();
      output.pipe(process.stdout, { end: false });
      const result = await guest
        .run(job(argv), command.deadlineMs, { stdout: output, stderr: process.stderr })
        .catch(asError);
      output.end();
      await finished(output);
      const passed = !(result instanceof Error) && result.exitCode === 0;
      if (!passed) failures++;
      const reason = result instanceof Error ? result.message : passed ? '' : `exit code ${result.exitCode}`;
      process.stdout.write(subtestResult(passed, index + 1, name, performance.now() - started, reason));
      if (result instanceof GuestError) {
        // The machine is lost or busy with what missed its deadline; the other files get a new one.
        process.stderr.write(`${result.consoleTail}\n`);
        await guest[Symbol.asyncDispose]();
        guest = await boot();
      }
    }
    process.stdout.write(`1..${programs.length}\n`);
    return failures === 0 ? 0 : exitCodes.failed;
  } finally {
    await guest[Symbol.asyncDispose]();
  }
}

function asError(error: unknown): JobResult | GuestError {
  if (error instanceof GuestError) return error;
  throw error;
}

/** Runs the command line and gives the exit code. */
export async function main(words: string[]): Promise<number> {
  if (words.includes('--help') && !words.includes('--')) {
    process.stdout.write(usage);
    return 0;
  }
  try {
    return await runAll(parseCommand(words));
  } catch (error) {
    if (error instanceof UsageError) {
      process.stderr.write(`test/guest: ${error.message}\n\n${usage}`);
      return exitCodes.usage;
    }
    if (error instanceof GuestError) {
      process.stderr.write(`${error.consoleTail}\ntest/guest: ${error.message}\n`);
      return error.deadline ? exitCodes.deadline : exitCodes.guest;
    }
    process.stderr.write(`test/guest: ${(error as Error).message}\n`);
    return exitCodes.guest;
  }
}

process.exitCode = await main(process.argv.slice(2));
