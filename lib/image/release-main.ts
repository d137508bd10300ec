/** `npm run image`: the command line of what is released. */
import path from 'node:path';
import { parseArgs } from 'node:util';
import { errorMessage } from '../base/errors.js';
import { SOURCES } from '../kube/release.js';
import { KNOWN_ARCHITECTURES } from './architecture.js';
import { KUBERNETES_OPTIONS, kubernetesRequest, runImageCommand, usageError } from './command-line.js';
import { KERNEL_PROFILES } from './kernel.js';
import { IMAGE_FORMATS, type ReleaseRequest, release } from './release.js';

/** The test kernel is for the test guest alone. */
const PROFILES = KERNEL_PROFILES.filter((profile) => profile !== 'test');

const USAGE = `usage: npm run image -- [OPTIONS]

Builds an image of a node, with an SBOM and checksums beside it.

options:
  --arch ${KNOWN_ARCHITECTURES.join('|')}           what it is for (default: amd64)
  --format ${IMAGE_FORMATS.join('|')}   a bootable disk, a unified kernel image, or kernel and initramfs (default: raw)
  --profile ${PROFILES.join('|')}            which kernel (default: default)
  --source FOLDER|TARBALL      another kernel source than kernel/source.json pins, such as a newer LTS
  --runtime NAME               which container runtime, a row of rootfs/runtimes.json (default: containerd-1.7)
  --kubernetes VERSION         add Kubernetes, a row of rootfs/kubernetes/releases.json (docs/kubernetes.md)
  --kubernetes-source ${SOURCES.join('|')}
                               where it comes from (default: what the release prefers)
  --kubernetes-directory FOLDER
                               folder for the source "directory"
  --output DIR                 where the files go (default: out/images)
  --help                       print this
`;

function parseRaw(argv: readonly string[]) {
  try {
    return parseArgs({
      args: [...argv],
      options: {
        arch: { type: 'string', default: 'amd64' },
        format: { type: 'string', default: 'raw' },
        profile: { type: 'string', default: 'default' },
        source: { type: 'string' },
        runtime: { type: 'string' },
        ...KUBERNETES_OPTIONS,
        output: { type: 'string', default: path.join('out', 'images') },
        help: { type: 'boolean', default: false },
      },
    }).values;
  } catch (error) {
    throw usageError(errorMessage(error), USAGE);
  }
}

/** @returns undefined when help is asked for @throws TalosError ERR_USAGE naming the value that makes no sense */
export function parseReleaseArguments(argv: readonly string[]): Omit<ReleaseRequest, 'onProgress'> | undefined {
  const values = parseRaw(argv);
  if (values.help) return undefined;
  const oneOf = <Name extends string>(option: string, known: readonly Name[], value: string): Name => {
    const found = known.find((each) => each === value);
    if (found === undefined) throw usageError(`--${option} ${value}: there is ${known.join(', ')}`, USAGE);
    return found;
  };
  if (values.source === '') throw usageError('--source needs a folder or a tarball', USAGE);
  if (values.output === '') throw usageError('--output needs a folder', USAGE);
  const kubernetes = kubernetesRequest(values, USAGE);
  return {
    arch: oneOf('arch', KNOWN_ARCHITECTURES, values.arch),
    format: oneOf('format', IMAGE_FORMATS, values.format),
    profile: oneOf('profile', PROFILES, values.profile),
    ...(values.source !== undefined && { source: path.resolve(values.source) }),
    ...(values.runtime !== undefined && { runtime: values.runtime }),
    ...(kubernetes !== undefined && { kubernetes }),
    output: path.resolve(values.output),
  };
}

/** Does what the command line says. @returns the exit code */
export function main(argv: readonly string[]): Promise<number> {
  return runImageCommand(async (onProgress) => {
    const request = parseReleaseArguments(argv);
    if (request === undefined) return USAGE;
    const files = await release({ ...request, onProgress });
    return `${files.map((file) => path.relative(process.cwd(), file)).join('\n')}\n`;
  });
}
