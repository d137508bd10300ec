/** Container images in archives as other programs write them: `docker save` of any age, and exports with an index of several architectures. */
import { createHash } from 'node:crypto';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import * as tar from 'tar';

const sha256 = (content: Buffer | string) => createHash('sha256').update(content).digest('hex');

/** An image with one layer; the layer's content is any text. */
export interface MadeImage {
  readonly name: string;
  readonly architecture: string;
  readonly layer: string | Buffer;
}

const configOf = ({ architecture, layer }: MadeImage) =>
  JSON.stringify({ os: 'linux', architecture, rootfs: { type: 'layers', diff_ids: [`sha256:${sha256(layer)}`] } });

/** Packs what is in a folder. */
export function pack(folder: string, names: readonly string[]): string {
  const file = `${folder}.tar`;
  tar.create({ cwd: folder, file, sync: true }, [...names]);
  return file;
}

/** `docker save` before it wrote OCI layouts: a second image with the same layer has a link to the first one's. */
export function dockerArchive(folder: string, images: readonly MadeImage[]): string {
  mkdirSync(folder, { recursive: true });
  const names = ['manifest.json'];
  const places = new Map<string, string>();
  const manifest = images.map((image, index) => {
    const config = `${sha256(configOf(image))}.json`;
    writeFileSync(path.join(folder, config), configOf(image));
    const layer = `${index}/layer.tar`;
    mkdirSync(path.join(folder, String(index)));
    const known = places.get(sha256(image.layer));
    if (known === undefined) writeFileSync(path.join(folder, layer), image.layer);
    else symlinkSync(`../${known}`, path.join(folder, layer));
    places.set(sha256(image.layer), known ?? layer);
    names.push(config, String(index));
    return { Config: config, RepoTags: [image.name], Layers: [layer] };
  });
  writeFileSync(path.join(folder, 'manifest.json'), JSON.stringify(manifest));
  return pack(folder, names);
}

/** An OCI layout: for each name an index, in it a manifest for each architecture, and an attestation as builders add them. */
export function ociArchive(folder: string, images: readonly MadeImage[]): string {
  const blobs = path.join(folder, 'blobs', 'sha256');
  mkdirSync(blobs, { recursive: true });
  const put = (mediaType: string, content: string | Buffer) => {
    writeFileSync(path.join(blobs, sha256(content)), content);
    return { mediaType, digest: `sha256:${sha256(content)}`, size: content.length };
  };
  const type = 'application/vnd.oci.image';
  const manifestOf = (image: MadeImage, layerType: string) => {
    const config = put(`${type}.config.v1+json`, configOf(image));
    const layers = [put(layerType, image.layer)];
    return put(`${type}.manifest.v1+json`, JSON.stringify({ schemaVersion: 2, config, layers }));
  };
  const names = [...new Set(images.map(({ name }) => name))];
  const indexes = names.map((name) => {
    const manifests = images
      .filter((each) => each.name === name)
      .map((each) => manifestOf(each, `${type}.layer.v1.tar`));
    const attestation = manifestOf({ name, architecture: 'unknown', layer: '{}' }, 'application/vnd.in-toto+json');
    // One that was not exported.
    const absent = { mediaType: `${type}.manifest.v1+json`, digest: `sha256:${sha256(`absent ${name}`)}`, size: 1 };
    const index = JSON.stringify({ schemaVersion: 2, manifests: [absent, ...manifests, attestation] });
    return { ...put(`${type}.index.v1+json`, index), annotations: { 'io.containerd.image.name': name } };
  });
  writeFileSync(path.join(folder, 'oci-layout'), JSON.stringify({ imageLayoutVersion: '1.0.0' }));
  writeFileSync(path.join(folder, 'index.json'), JSON.stringify({ schemaVersion: 2, manifests: indexes }));
  return pack(folder, ['oci-layout', 'index.json', 'blobs']);
}

/** What a written archive says: its one manifest, and that one's parts by digest. */
export function readWritten(archive: string): {
  architecture: unknown;
  config: string;
  layers: string[];
  types: string[];
} {
  const files = new Map<string, Buffer>();
  tar.list({
    file: archive,
    sync: true,
    onReadEntry: (entry) => {
      const pieces: Buffer[] = [];
      // A copy: large files come through one buffer.
      entry.on('data', (piece: Buffer) => pieces.push(Buffer.from(piece)));
      entry.on('end', () => files.set(String(entry.path), Buffer.concat(pieces)));
    },
  });
  const read = (name: string) => files.get(name) ?? Buffer.alloc(0);
  const blob = ({ digest }: { digest: string }) => {
    const content = read(`blobs/sha256/${digest.slice('sha256:'.length)}`);
    if (`sha256:${sha256(content)}` !== digest) throw new Error(`${archive}: ${digest} is something else`);
    return content.toString('latin1');
  };
  const { manifests } = JSON.parse(read('index.json').toString());
  if (manifests.length !== 1) throw new Error(`${archive} has ${manifests.length} images`);
  const { config, layers } = JSON.parse(blob(manifests[0]));
  return {
    architecture: manifests[0].platform.architecture,
    config: blob(config),
    layers: layers.map(blob),
    types: layers.map((each: { mediaType: string }) => each.mediaType),
  };
}
