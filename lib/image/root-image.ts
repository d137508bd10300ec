/** Builds the root image: stages what the manifest lists, checks it, packs it as a read-only file system. */
import { chmod, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { cached, hashFile, type Progress } from '../base/build-cache.js';
import { TalosError } from '../base/errors.js';
import { ARCHITECTURES, type Architecture, isNative } from './architecture.js';
import { buildBundle, bundledPackages } from './bundle.js';
import { staticToolchain } from './compile.js';
import { componentSizes, type SizedFile } from './component-sizes.js';
import { buildExecutable } from './executable.js';
import type { ImageManifest, Layer } from './image-manifest.js';
import { fetchImagePackages } from './image-packages.js';
import { installable, KUBERNETES_MANIFEST, withArchives } from './kubernetes/node-files.js';
import { type KubernetesRequest, planImage } from './kubernetes/plan.js';
import type { ImageComponent } from './kubernetes/source.js';
import { type ManifestEntry, parseManifest } from './manifest.js';
import type { NpmPackage } from './npm-packages.js';
import type { PackageRecord } from './packages.js';
import { type ContainerRuntime, findRuntime } from './runtimes.js';
import { hashSources, type SourceIdentity } from './sources.js';
import { packSquashfs, SQUASHFS_OPTIONS } from './squashfs.js';
import { type Ingredients, stageTree } from './stage-tree.js';
import { appendVerityTree } from './verity.js';

/** A built root image. */
export interface RootImage {
  readonly image: string;
  /** image-manifest.json: what is inside, see {@link ImageManifest}. */
  readonly manifest: string;
  /** Of dm-verity's tree behind the image, in hexadecimal: `roothash=` of the kernel command line. */
  readonly rootHash: string;
}

/** What a root image is made from. */
export interface RootImageRequest {
  readonly root: string;
  readonly arch: Architecture;
  readonly layer: Layer | undefined;
  /** Name of a row of rootfs/runtimes.json; the default one, or what the Kubernetes prefers, unless said otherwise. */
  readonly runtime?: string | undefined;
  /** None unless said otherwise. */
  readonly kubernetes?: KubernetesRequest | undefined;
  readonly identity: SourceIdentity;
  /** Roles and their entries; the image's unless a test says otherwise. */
  readonly roles?: Readonly<Record<string, string>> | undefined;
  /** The addon, relative to the checkout; what the build makes unless a test says otherwise. */
  readonly addonFile?: string | undefined;
  readonly onProgress: Progress;
}

const IMAGE_NAME = 'rootfs.img';
const MANIFEST_NAME = 'image-manifest.json';
const ROOT_HASH_NAME = 'roothash';

/** The Kubernetes of an image, as far as its manifest depends on it. */
export interface KubernetesInImage {
  readonly version: string;
  /** Components whose images are inside. */
  readonly components: readonly ImageComponent[];
}

/**
 * The manifest of the shipped image, or of that with Kubernetes or a layer.
 * @param runtime  the default one unless said otherwise
 */
export async function readManifests(
  root: string,
  arch: Architecture,
  layer: Layer | undefined,
  runtime?: ContainerRuntime | undefined,
  kubernetes?: KubernetesInImage | undefined,
): Promise<ManifestEntry[]> {
  const { configVersion } = runtime ?? (await findRuntime(root));
  const names = {
    'config-version': String(configVersion),
    ...(kubernetes !== undefined && { release: kubernetes.version }),
  };
  const read = async (file: string, base?: readonly ManifestEntry[]) =>
    parseManifest(await readFile(path.join(root, file), 'utf8'), file, arch, base, names);
  let entries = await read('rootfs/manifest.json');
  if (kubernetes !== undefined) entries = withArchives(await read(KUBERNETES_MANIFEST, entries), kubernetes.components);
  return layer === undefined ? entries : read('test/layer/manifest.json', entries);
}

/** Where the build leaves the addon, and which command makes it: this machine's is built by CMake, another's for shipping. */
function builtAddon({ arch, addonFile }: RootImageRequest): { file: string; maker: string } {
  const [file, maker] = isNative(arch)
    ? ['out/cmake/Release/talos.node', 'npm run build']
    : [`prebuilds/linux-${ARCHITECTURES[arch].nodeName}/talos.node`, 'npm run prebuild'];
  return { file: addonFile ?? file, maker };
}

/**
 * The root image, built when it is not in the cache.
 * @throws TalosError ERR_RUNTIME, ERR_KUBERNETES  there is no such container runtime or Kubernetes, or they do not go together
 */
export async function buildRootImage(request: RootImageRequest): Promise<RootImage> {
  const { root, arch, layer, identity, onProgress } = request;
  const { runtime, kubernetes: plan } = await planImage(root, request.kubernetes, request.runtime);
  const kubernetes = plan && (await installable(root, arch, plan, runtime, onProgress));
  const entries = await readManifests(root, arch, layer, runtime, kubernetes);
  const packageNames = new Set(
    entries.flatMap((entry) => (entry.kind === 'file' && entry.from.kind === 'package' ? [entry.from.package] : [])),
  );
  const packages = await fetchImagePackages([...packageNames], runtime, arch, onProgress);
  const bundle = await buildBundle({ root, identity, roles: request.roles, onProgress });
  const npmPackages = await bundledPackages(bundle);
  const executable = await buildExecutable(root, arch, bundle, onProgress);
  const { file: addonFile, maker } = builtAddon(request);
  const addon = path.resolve(root, addonFile);
  const addonHash = await hashFile(addon).catch((error: unknown) => {
    throw new TalosError('ERR_NO_ADDON', `the addon is not built: ${addonFile}`, {
      hint: `${maker} makes it`,
      cause: error,
    });
  });
  const folder = await cached({
    kind: 'root-image',
    inputs: {
      recipe: 5,
      arch,
      layer,
      runtime: runtime.name,
      entries,
      packages: packages.records,
      // Named by the hash of all that it is made from.
      executable: path.basename(path.dirname(executable)),
      addonHash,
      files: await hashSources(root, ['rootfs', ...(layer === 'test' ? ['test/layer'] : [])]),
      toolchain: entries.some(isCompiled) ? await staticToolchain(arch) : undefined,
      options: SQUASHFS_OPTIONS,
      tag: identity.tag,
      sha: identity.sha,
      timeSeconds: identity.timeSeconds,
      ...(kubernetes !== undefined && { kubernetes: [kubernetes.identity, kubernetes.ingredients.products] }),
    },
    onProgress,
    make: (made) =>
      pack(
        request,
        { entries, packageFolders: packages.folders, executable, addon, kubernetes: kubernetes?.ingredients },
        { packages: packages.records, npmPackages, runtime, kubernetes: kubernetes?.facts },
        made,
      ),
  });
  return {
    image: path.join(folder, IMAGE_NAME),
    manifest: path.join(folder, MANIFEST_NAME),
    rootHash: await readFile(path.join(folder, ROOT_HASH_NAME), 'latin1'),
  };
}

const isCompiled = (entry: ManifestEntry): boolean => entry.kind === 'file' && entry.from.kind === 'compile';

interface Origins {
  readonly runtime: ContainerRuntime;
  readonly packages: readonly PackageRecord[];
  readonly npmPackages: readonly NpmPackage[];
  readonly kubernetes: ImageManifest['kubernetes'];
}

async function pack(
  request: RootImageRequest,
  ingredients: Ingredients,
  { packages, npmPackages, runtime, kubernetes }: Origins,
  made: string,
): Promise<void> {
  const tree = path.join(made, 'tree');
  await mkdir(tree);
  request.onProgress('collecting the files of the root image');
  const listed = await stageTree(request, ingredients, tree);
  request.onProgress('packing the root image');
  await packSquashfs(tree, path.join(made, IMAGE_NAME), request.identity.timeSeconds);
  const sized = ingredients.entries.filter((entry): entry is ManifestEntry & SizedFile => entry.kind === 'file');
  const sizes = await componentSizes(tree, sized, path.join(made, 'parts'), request.identity.timeSeconds);
  request.onProgress('hashing the root image');
  const { rootHash } = await appendVerityTree(path.join(made, IMAGE_NAME));
  await writeFile(path.join(made, ROOT_HASH_NAME), rootHash);
  for (const entry of ingredients.entries)
    if (entry.kind === 'directory') await chmod(path.join(tree, entry.path), 0o755);
  await rm(tree, { recursive: true });
  const manifest: ImageManifest = {
    version: request.identity.tag,
    sha: request.identity.sha,
    architecture: request.arch,
    layer: request.layer ?? 'none',
    runtime: runtime.name,
    ...(kubernetes !== undefined && { kubernetes }),
    packages,
    npmPackages,
    entries: listed,
    sizes,
  };
  await writeFile(path.join(made, MANIFEST_NAME), `${JSON.stringify(manifest, undefined, 2)}\n`);
}
