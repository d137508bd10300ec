/**
 * The bill of materials of a release, as an SPDX 2.3 document: every file with the manifest row that explains it, every package whose
 * code is inside with its source and version, and which came from which. Pure; what it is made from is collected in sbom-facts.ts.
 */
import type { Architecture } from './architecture.js';
import { LicenceTexts } from './debian-licence.js';
import type { FileSums } from './file-sums.js';
import type { ImageEntry, ImageManifest } from './image-manifest.js';
import type { KernelOrigin } from './kernel-source.js';
import type { FileSource } from './manifest.js';
import type { NpmPackage } from './npm-packages.js';
import type { PackageRecord } from './packages.js';
import {
  type PackageFacts,
  type SpdxDocument,
  type SpdxFile,
  type SpdxPackage,
  type SpdxRelationship,
  spdxDocument,
  spdxFile,
  spdxId,
  spdxPackage,
} from './spdx.js';
import { STATIC_ARCHIVES, type StaticLibrary } from './static-libraries.js';

/** A file that firmware or a boot loader reads, or that is inside such a one. */
export interface BootFile extends FileSums {
  /** What it is called in the release, or in the unified kernel image. */
  readonly path: string;
  readonly why: string;
  /** Which package it was built from. */
  readonly from: 'kernel' | 'stage0' | 'stub' | 'own';
}

/** Everything that the document tells. */
export interface SbomFacts {
  /** Name of the release without an ending: talos-v0.1.0-amd64. */
  readonly name: string;
  readonly arch: Architecture;
  /** ISO 8601. */
  readonly created: string;
  readonly manifest: ImageManifest;
  readonly bootFiles: readonly BootFile[];
  readonly kernel: {
    readonly release: string;
    readonly origin: KernelOrigin;
  };
  readonly node: NpmPackage & {
    /** The libraries inside, by `process.versions`. */
    readonly components: Readonly<Record<string, string>>;
  };
  /** Packages of the build machine whose code is in static programs; none where they are not known. */
  readonly staticLibraries: readonly StaticLibrary[];
  /** Package of the EFI stub, where there is one. */
  readonly stub: PackageRecord | undefined;
}

/** The kernel's own file COPYING. */
const KERNEL_LICENCE = 'GPL-2.0-only WITH Linux-syscall-note';
const OWN_LICENCE = 'Apache-2.0';
const KUBERNETES_LICENCE = 'Apache-2.0';

const npmUrl = (name: string, version: string) => `pkg:npm/${name.replace('@', '%40')}@${version}`;

function debianPackage(record: Omit<PackageRecord, 'sha256'> & { sha256?: string }, arch: string): PackageFacts {
  const { name, version, source, sourceVersion, sha256, licence } = record;
  return {
    id: spdxId('Package-deb', name),
    name,
    version,
    licence: licence?.expression,
    supplier: 'Organization: Debian',
    sourceInfo: `built from the Debian source package ${source} ${sourceVersion}`,
    sha256,
    purl: `pkg:deb/debian/${name}@${encodeURIComponent(version)}?arch=${arch}`,
  };
}

function npmPackage({ name, version, licence }: NpmPackage): PackageFacts {
  const id = spdxId('Package-npm', name.replace('@', ''), version);
  return { id, name, version, licence, sourceInfo: 'from the npm registry', purl: npmUrl(name, version) };
}

const ROOT_ID = spdxId('Package-root-image');
const RELEASE_ID = spdxId('Package-release');
const OWN_ID = spdxId('Package-talos');
const KERNEL_ID = spdxId('Package-linux');
const KUBERNETES_ID = spdxId('Package-kubernetes');

/** Collects the elements of a document; what is related to what refers to their identifiers. */
class Builder {
  readonly packages: SpdxPackage[] = [];
  readonly files: SpdxFile[] = [];
  readonly relationships: SpdxRelationship[] = [];
  readonly texts = new LicenceTexts();

  relate(spdxElementId: string, relationshipType: SpdxRelationship['relationshipType'], relatedSpdxElement: string) {
    this.relationships.push({ spdxElementId, relationshipType, relatedSpdxElement });
  }

  package(facts: PackageFacts, files: readonly SpdxFile[] = []): string {
    this.packages.push(spdxPackage(facts, files));
    this.files.push(...files);
    for (const file of files) this.relate(facts.id, 'CONTAINS', file.SPDXID);
    return facts.id;
  }

  /** @param id  the package's usual one unless said otherwise */
  debian(record: PackageRecord, arch: string, id = spdxId('Package-deb', record.name)): string {
    const licence = record.licence && this.texts.add(record.licence, record.name);
    return this.package({ ...debianPackage({ ...record, licence }, arch), id });
  }
}

/** Says where a file of the root image comes from, as its row does. */
function describeSource(from: FileSource): string {
  if (from.kind === 'package') return `${from.file}${from.isJoined ? '/*' : ''} of the Debian package ${from.package}`;
  if (from.kind === 'file') return `${from.file} of the sources`;
  if (from.kind === 'compile') return `compiled from ${from.compile}`;
  if (from.kind === 'kubernetes') return `${from.kubernetes} of Kubernetes`;
  return `made by the build: ${from.build}`;
}

function rootFile(entry: ImageEntry): SpdxFile {
  const { path, sha1 = '', sha256 = '', from, why, mode } = entry;
  const source = from === undefined ? '' : `; ${describeSource(from)}`;
  return spdxFile('root', { path, sha1, sha256, comment: `${why}; mode ${mode}${source}; rootfs/manifest.json` });
}

/** The document. */
export function buildSbom(facts: SbomFacts): SpdxDocument {
  const builder = new Builder();
  const { manifest, arch, name } = facts;
  const { version, sha } = manifest;
  builder.relate('SPDXRef-DOCUMENT', 'DESCRIBES', RELEASE_ID);
  const bootFiles = facts.bootFiles.map((file) =>
    spdxFile('boot', { ...file, path: `/${file.path}`, comment: file.why }),
  );
  const purpose = 'OPERATING_SYSTEM';
  builder.package({ id: RELEASE_ID, name, version, licence: undefined, purpose }, bootFiles);
  const rootEntries = manifest.entries.filter((entry) => entry.kind === 'file');
  const rootFiles = rootEntries.map(rootFile);
  const comment = 'the read-only root of a node; directories and links have no content and are not listed';
  builder.package({ id: ROOT_ID, name: 'talos-root-image', version, purpose: 'ARCHIVE', comment }, rootFiles);
  builder.relate(RELEASE_ID, 'CONTAINS', ROOT_ID);
  builder.package({ id: OWN_ID, name: 'talos', version, licence: OWN_LICENCE, sourceInfo: `git commit ${sha}` });
  addPackages(builder, facts);
  for (const [index, entry] of rootEntries.entries()) {
    const id = rootFiles[index]?.SPDXID ?? '';
    const isOwn = isOwnPause(entry, manifest);
    builder.relate(id, 'GENERATED_FROM', isOwn ? OWN_ID : originOf(entry));
    // It has nothing of the C++ library.
    if (isOwn) addStatic(builder, facts, id, ['libc.a', 'libgcc.a']);
    if (entry.from?.kind === 'build' && entry.from.build === 'executable') addExecutable(builder, facts, id);
  }
  const stubId = facts.stub && builder.debian(facts.stub, arch);
  const origins = { kernel: KERNEL_ID, stage0: OWN_ID, own: OWN_ID, stub: stubId ?? OWN_ID };
  for (const [index, file] of facts.bootFiles.entries()) {
    const id = bootFiles[index]?.SPDXID ?? '';
    builder.relate(id, 'GENERATED_FROM', origins[file.from]);
    if (file.from === 'stage0') addStatic(builder, facts, id);
  }
  const { packages, files, relationships } = builder;
  return spdxDocument(name, facts.created, { packages, files, relationships }, builder.texts.all());
}

/** What was made from our own code and libraries of the build machine. */
function addStatic(
  builder: Builder,
  { staticLibraries }: SbomFacts,
  fileId: string,
  archives: readonly string[] = STATIC_ARCHIVES,
): void {
  for (const { name } of staticLibraries.filter(({ archive }) => archives.includes(archive))) {
    builder.relate(fileId, 'STATIC_LINK', spdxId('Package-deb', name));
  }
}

/** The one image of a release that is built from source whose program is not the release's (native/pause). */
function isOwnPause({ from }: ImageEntry, { kubernetes }: ImageManifest): boolean {
  const isPause = from?.kind === 'kubernetes' && from.kubernetes === 'pause.tar';
  return isPause && kubernetes?.source === 'debian-source';
}

function originOf({ from }: ImageEntry): string {
  if (from?.kind === 'package') return spdxId('Package-deb', from.package);
  return from?.kind === 'kubernetes' ? KUBERNETES_ID : OWN_ID;
}

function addPackages(builder: Builder, { kernel, manifest, staticLibraries, arch }: SbomFacts): void {
  builder.package({
    id: KERNEL_ID,
    name: 'linux',
    version: kernel.release,
    licence: KERNEL_LICENCE,
    ...kernelOrigin(kernel.origin),
  });
  for (const record of manifest.packages) builder.debian(record, arch);
  if (manifest.kubernetes !== undefined) addKubernetes(builder, manifest, manifest.kubernetes, arch);
  for (const library of staticLibraries) builder.package(debianPackage(library, arch));
}

/** The release, and what is in the images of its components, of which some may be in the root image as well. */
function addKubernetes(
  builder: Builder,
  { packages }: ImageManifest,
  { version, origin, packages: inImages, modules }: NonNullable<ImageManifest['kubernetes']>,
  arch: Architecture,
): void {
  builder.package({
    id: KUBERNETES_ID,
    name: 'kubernetes',
    version,
    licence: KUBERNETES_LICENCE,
    sourceInfo: origin,
  });
  for (const record of inImages) {
    const isInRoot = packages.some(({ name, version: there }) => name === record.name && there === record.version);
    const own = spdxId('Package-deb', record.name, record.version);
    const id = isInRoot ? spdxId('Package-deb', record.name) : builder.debian(record, arch, own);
    builder.relate(KUBERNETES_ID, 'CONTAINS', id);
  }
  for (const { name, version: linked } of modules) {
    const id = spdxId('Package-go', name);
    builder.package({ id, name, version: linked, purl: `pkg:golang/${name}@${encodeURIComponent(linked)}` });
    builder.relate(KUBERNETES_ID, 'CONTAINS', id);
  }
}

function kernelOrigin(origin: KernelOrigin) {
  const checksum = origin.sha256 === undefined ? '' : `, SHA-256 ${origin.sha256}`;
  if (origin.kind === 'given') return { sourceInfo: `built from the source ${origin.name}${checksum}` };
  return {
    supplier: 'Organization: Debian',
    sourceInfo: `built from the Debian package ${origin.package} ${origin.version}${checksum}`,
    purl: `pkg:deb/debian/${origin.package}@${encodeURIComponent(origin.version)}?arch=all`,
  };
}

/** The one program: Node with the libraries that are linked into it, and the npm packages of our scripts. */
function addExecutable(builder: Builder, { node, manifest }: SbomFacts, fileId: string): void {
  const nodeId = builder.package({ ...npmPackage(node), comment: 'Node.js, without its symbols' });
  builder.relate(fileId, 'GENERATED_FROM', nodeId);
  for (const [component, version] of Object.entries(node.components)) {
    const id = spdxId('Package-node', component);
    builder.package({ id, name: component, version, sourceInfo: `part of Node.js ${node.version}` });
    builder.relate(nodeId, 'CONTAINS', id);
  }
  for (const each of manifest.npmPackages) {
    builder.relate(fileId, 'GENERATED_FROM', builder.package(npmPackage(each)));
  }
}
