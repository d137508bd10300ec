/** `npm run image`: the command line of what is released. */
import path from 'node:path';
import { parseArgs } from 'node:util';
import { errorMessage, TalosError } from '../base/errors.js';
import { ExitCode } from '../base/exit-codes.js';
import type { ImageArchitecture } from './architecture.js';
import { KERNEL_PROFILES } from './kernel.js';
import { progressLines } from './progress-lines.js';
import { IMAGE_FORMATS, type ReleaseRequest, release } from './release.js';

const ARCHITECTURES: readonly ImageArchitecture[] = ['amd64'];
/** The test kernel is for the test guest alone. */
const PROFILES = KERNEL_PROFILES.filter((profile) => profile !== 'test');

const USAGE = `usage: npm run image -- [OPTIONS]

Builds an image of a node, with an SBOM and checksums beside it.

options:
  --arch ${ARCHITECTURES.join('|')}                 what it is for (default: amd64)
  --format ${IMAGE_FORMATS.join('|')}   a bootable disk, a unified kernel image, or kernel and initramfs (default: raw)
  --profile ${PROFILES.join('|')}            which kernel (default: default)
  --output DIR                 where the files go (default: out/images)
  --help                       print this
`;

function usageError(problem: string): TalosError {
  return new TalosError('ERR_USAGE', `${problem}\n\n${USAGE}`);
}

function parseRaw(argv: readonly string[]) {
  try {
    return parseArgs({
      args: [...argv],
      options: {
        arch: { type: 'string', default: 'amd64' },
        format: { type: 'string', default: 'raw' },
        profile: { type: 'string', default: 'default' },
        output: { type: 'string', default: path.join('out', 'images') },
        help: { type: 'boolean', default: false },
      },
    }).values;
  } catch (error) {
    throw usageError(errorMessage(error));
  }
}

/** @returns undefined when help is asked for @throws TalosError ERR_USAGE naming the value that makes no sense */
export function parseReleaseArguments(argv: readonly string[]): Omit<ReleaseRequest, 'onProgress'> | undefined {
  const values = parseRaw(argv);
  if (values.help) return undefined;
  const oneOf = <Name extends string>(option: string, known: readonly Name[], value: string): Name => {
    const found = known.find((each) => each === value);
    if (found === undefined) throw usageError(`--${option} ${value}: there is ${known.join(', ')}`);
    return found;
  };
  if (values.output === '') throw usageError('--output needs a folder');
  return {
    arch: oneOf('arch', ARCHITECTURES, values.arch),
    format: oneOf('format', IMAGE_FORMATS, values.format),
    profile: oneOf('profile', PROFILES, values.profile),
    output: path.resolve(values.output),
  };
}

/** Does what the command line says. @returns the exit code */
export async function main(argv: readonly string[]): Promise<number> {
  const progress = progressLines(process.stderr);
  try {
    const request = parseReleaseArguments(argv);
    if (request === undefined) {
      process.stdout.write(USAGE);
      return ExitCode.ok;
    }
    const files = await release({ ...request, onProgress: progress.report });
    progress.end();
    process.stdout.write(`${files.map((file) => path.relative(process.cwd(), file)).join('\n')}\n`);
    return ExitCode.ok;
  } catch (error) {
    progress.end();
    if (!(error instanceof TalosError)) throw error;
    process.stderr.write(`image: ${error.message}\n${error.hint === undefined ? '' : `hint: ${error.hint}\n`}`);
    return error.code === 'ERR_USAGE' ? ExitCode.usage : ExitCode.failed;
  }
}
