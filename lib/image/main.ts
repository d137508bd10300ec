/** The image builder's command line, and what other code imports of it. */
import { realpathSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { errorMessage } from '../base/errors.js';
import { SOURCES } from '../kube/release.js';
import { type Architecture, KNOWN_ARCHITECTURES } from './architecture.js';
import { buildArtifacts } from './artifacts.js';
import { KUBERNETES_OPTIONS, kubernetesRequest, runImageCommand, usageError } from './command-line.js';
import type { Layer } from './image-manifest.js';
import { buildInitramfs } from './initramfs.js';
import { buildKernel, KERNEL_PROFILES, type KernelProfile } from './kernel.js';
import { givenSource } from './kernel-source.js';
import type { KubernetesRequest } from './kubernetes/plan.js';
import { repositoryRoot } from './paths.js';
import { buildRootImage } from './root-image.js';
import { sourceIdentity } from './sources.js';

export { type ArtifactOptions, type Artifacts, buildArtifacts } from './artifacts.js';
export { type KubernetesRequest, planImage, readReleases } from './kubernetes/plan.js';

const USAGE = `usage: node out/js/lib/image/main.js COMMAND [OPTIONS]

commands:
  kernel      build the kernel
  root        build the root image
  initramfs   build an initramfs that carries the root image, and that
  all         build what a local cluster boots: kernel, root image with its disk, initramfs without

options:
  --arch ${KNOWN_ARCHITECTURES.join('|')}       what it is for (default: amd64)
  --profile ${KERNEL_PROFILES.join('|')}
                           which kernel (default: default)
  --source FOLDER|TARBALL  another kernel source than kernel/source.json pins, such as a newer LTS
  --layer test             add the test layer to the root image
  --runtime NAME           which container runtime, a row of rootfs/runtimes.json (default: containerd-1.7)
  --kubernetes VERSION     add Kubernetes to the root image, a row of rootfs/kubernetes/releases.json (docs/kubernetes.md)
  --kubernetes-source ${SOURCES.join('|')}
                           where it comes from (default: what the release prefers)
  --kubernetes-directory FOLDER
                           folder for the source "directory"
  --json                   print the paths as JSON
  --help                   print this
`;

const COMMANDS = ['kernel', 'root', 'initramfs', 'all'];

interface Request {
  readonly command: string;
  readonly arch: Architecture;
  readonly profile: KernelProfile;
  readonly source: string | undefined;
  readonly layer: Layer | undefined;
  readonly runtime: string | undefined;
  readonly kubernetes: KubernetesRequest | undefined;
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
  const arch = KNOWN_ARCHITECTURES.find((each) => each === values.arch);
  if (arch === undefined) throw usageError(`no such architecture: ${values.arch}`, USAGE);
  const profile = KERNEL_PROFILES.find((each) => each === values.profile);
  if (profile === undefined) throw usageError(`no such profile: ${values.profile}`, USAGE);
  if (values.layer !== undefined && values.layer !== 'test') throw usageError(`no such layer: ${values.layer}`, USAGE);
  const { source, layer, runtime, json: asJson } = values;
  const kubernetes = kubernetesRequest(values, USAGE);
  return { command, arch, profile, source, layer, runtime, kubernetes, asJson };
}

function parseRaw(argv: readonly string[]) {
  return parseArgs({
    args: [...argv],
    allowPositionals: true,
    options: {
      arch: { type: 'string', default: 'amd64' },
      profile: { type: 'string', default: 'default' },
      source: { type: 'string' },
      layer: { type: 'string' },
      runtime: { type: 'string' },
      ...KUBERNETES_OPTIONS,
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
}

async function build(request: Request, onProgress: (text: string, percent?: number) => void) {
  const { command, arch, profile, layer, runtime, kubernetes } = request;
  const kernelSource = request.source === undefined ? undefined : await givenSource(request.source);
  if (command === 'all')
    return { ...(await buildArtifacts({ arch, profile, kernelSource, layer, runtime, kubernetes, onProgress })) };
  const root = repositoryRoot();
  if (command === 'kernel') {
    const { image, config } = await buildKernel(root, arch, profile, onProgress, kernelSource);
    return { kernel: image, config };
  }
  const identity = await sourceIdentity(root);
  const { image, manifest } = await buildRootImage({ root, arch, layer, runtime, kubernetes, identity, onProgress });
  if (command === 'root') return { rootImage: image, manifest };
  const initramfs = await buildInitramfs(root, arch, image, onProgress);
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
