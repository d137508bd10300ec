/** The command line of `test/guest`: parsing only. */
import { parseArgs } from 'node:util';
import type { Architecture } from '../../../lib/image/architecture.js';

export const usage = `Usage:
  test/guest run [OPTIONS] FILE [FILE...]     run test files in the test guest
  test/guest run [OPTIONS] -- PROGRAM [ARG...]  run one program there, or a script with Node

A FILE is TypeScript of this repository (its compiled form runs) or JavaScript. One file: what it prints is passed on byte by byte and its
exit code is the exit code. Several: each is a subtest of one TAP stream. A PROGRAM is a path in the checkout.

Options:
  --arch ARCH          amd64 (default) or arm64, which is emulated with the cross-built addon of \`npm run prebuild\`
  --deadline SECONDS   for each program (default 120)
  --memory MIB         of the guest (default 2048)
  --cpus N             of the guest (default 2)
  --share FOLDER       one more folder that the guest sees, read-only and at the same path; may be repeated
  --kernel-parameter P one more parameter of the kernel's command line; may be repeated
  --console            show the end of the kernel's console even if all went well (on stderr)

Exit codes: that of the program (128 + number if a signal ended it); 1 if one of several files failed; 2 usage;
125 the guest could not be built or started, or its kernel died; 124 the deadline passed.
`;

/** Wrong command line: the message is for people, the usage follows it. */
export class UsageError extends Error {
  override name = 'UsageError';
}

export interface Command {
  /** Programs to run, one after the other, each with its arguments; paths as typed. */
  programs: string[][];
  arch: Architecture;
  deadlineMs: number;
  memoryMiB: number;
  cpus: number;
  /** Folders beside the checkout, as typed. */
  shares: string[];
  kernelParameters: string[];
  showConsole: boolean;
}

/**
 * Parses what follows `test/guest`.
 * @throws UsageError
 */
export function parseCommand(words: string[]): Command {
  const [verb, ...rest] = words;
  if (verb !== 'run') throw new UsageError(verb ? `unknown command: ${verb}` : 'no command given');
  const dashes = rest.indexOf('--');
  const own = dashes < 0 ? rest : rest.slice(0, dashes);
  const program = dashes < 0 ? undefined : rest.slice(dashes + 1);
  const { values, positionals } = parse(own);
  if (program && positionals.length > 0) throw new UsageError('either FILEs or -- PROGRAM, not both');
  const programs = program ? [program] : positionals.map((file) => [file]);
  if (programs.length === 0 || programs.some((argv) => argv.length === 0)) throw new UsageError('nothing to run');
  return {
    programs,
    arch: architecture(values.arch ?? 'amd64'),
    deadlineMs: positive('deadline', values.deadline ?? '120') * 1000,
    memoryMiB: positive('memory', values.memory ?? '2048'),
    cpus: positive('cpus', values.cpus ?? '2'),
    shares: values.share ?? [],
    kernelParameters: values['kernel-parameter'] ?? [],
    showConsole: values.console ?? false,
  };
}

function parse(words: string[]) {
  try {
    return parseArgs({
      args: words,
      allowPositionals: true,
      options: {
        arch: { type: 'string' },
        deadline: { type: 'string' },
        memory: { type: 'string' },
        cpus: { type: 'string' },
        share: { type: 'string', multiple: true },
        'kernel-parameter': { type: 'string', multiple: true },
        console: { type: 'boolean' },
      },
    });
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

function architecture(text: string): Architecture {
  if (text === 'amd64' || text === 'arm64') return text;
  throw new UsageError(`--arch takes amd64 or arm64, not ${text}`);
}

function positive(name: string, text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value <= 0)
    throw new UsageError(`--${name} takes a whole number above 0, not ${text}`);
  return value;
}
