/** The image builder's command line, and what other code imports of it. */
import { realpathSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { errorMessage } from '../base/errors.js';
import { buildArtifacts } from './artifacts.js';
import { runImageCommand, usageError } from './command-line.js';
import { buildInitramfs } from './initramfs.js';
import { buildKernel, KERNEL_PROFILES, type KernelProfile } from './kernel.js';
import { repositoryRoot } from './paths.js';
import { buildRootImage, type Layer } from './root-image.js';
import { sourceIdentity } from './sources.js';

export { type ArtifactOptions, type Artifacts, buildArtifacts } from './artifacts.js';

const USAGE = `usage: node out/js/lib/image/main.js COMMAND [OPTIONS]

commands:
  kernel      build the kernel
  root        build the root image
  initramfs   build the initramfs, and the root image that it carries
  all         build kernel, root image and initramfs

options:
  --profile default|test   which kernel (default: default)
  --layer test             add the test layer to the root image
  --json                   print the paths as JSON
  --help                   print this
`;

const COMMANDS = ['kernel', 'root', 'initramfs', 'all'];

interface Request {
  readonly command: string;
  readonly profile: KernelProfile;
  readonly layer: Layer | undefined;
  readonly asJson: boolean;
}

function parse(argv: readonly string[]): Request | undefined {
  let parsed: ReturnType<typeof parseRaw>;
  try {
    parsed = parseRaw(argv);
  } catch (error) {
    throw usageError(errorMessage(error), USAGE);
  }
  const { values, positionals } = parsed;
  if (values.help) return undefined;
  const [command = '', ...rest] = positionals;
  if (!COMMANDS.includes(command) || rest.length > 0)
    throw usageError(`no such command: ${positionals.join(' ') || '(none)'}`, USAGE);
  const profile = KERNEL_PROFILES.find((each) => each === values.profile);
  if (profile === undefined) throw usageError(`no such profile: ${values.profile}`, USAGE);
  if (values.layer !== undefined && values.layer !== 'test') throw usageError(`no such layer: ${values.layer}`, USAGE);
  return { command, profile, layer: values.layer, asJson: values.json };
}

function parseRaw(argv: readonly string[]) {
  return parseArgs({
    args: [...argv],
    allowPositionals: true,
    options: {
      profile: { type: 'string', default: 'default' },
      layer: { type: 'string' },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
}

async function build({ command, profile, layer }: Request, onProgress: (text: string, percent?: number) => void) {
  if (command === 'all') return { ...(await buildArtifacts({ profile, layer, onProgress })) };
  const root = repositoryRoot();
  if (command === 'kernel') {
    const { image, config } = await buildKernel(root, 'amd64', profile, onProgress);
    return { kernel: image, config };
  }
  const identity = await sourceIdentity(root);
  const { image, manifest } = await buildRootImage({ root, arch: 'amd64', layer, identity, onProgress });
  if (command === 'root') return { rootImage: image, manifest };
  const initramfs = await buildInitramfs(root, 'amd64', image, onProgress);
  return { initramfs, rootImage: image, manifest };
}

/** Does what the command line says. @returns the exit code */
export function main(argv: readonly string[]): Promise<number> {
  return runImageCommand(async (onProgress) => {
    const request = parse(argv);
    if (request === undefined) return USAGE;
    const paths = await build(request, onProgress);
    const text = Object.entries(paths).map(([name, file]) => `${name}: ${file}`);
    return `${request.asJson ? JSON.stringify(paths) : text.join('\n')}\n`;
  });
}

const started = process.argv[1];
if (started !== undefined && realpathSync(started) === fileURLToPath(import.meta.url)) {
  process.exitCode = await main(process.argv.slice(2));
}
