/** Images: which there are, and which file tree one stands for. */
import { createHash } from 'node:crypto';
import { TalosError } from '../base/errors.js';
import type { containerd } from '../gen/containerd/containerd.js';
import { ContentDefinition, ImagesDefinition } from '../gen/containerd/service.js';
import type { ContainerdConnection } from './connection.js';
import { orUndefined } from './errors.js';
import { goArchitecture } from './platform.js';

export interface Image {
  name: string;
  labels: Readonly<Record<string, string>>;
  /** Of its manifest or index. */
  digest: string;
  mediaType: string;
}

/** Manifests, indexes and configs are a few kilobytes; whatever is larger is none. */
const MAX_DOCUMENT_BYTES = 4 * 1024 * 1024;
const INDEX_TYPES = new Set([
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
]);

interface Descriptor {
  mediaType?: string;
  digest?: string;
  platform?: { os?: string; architecture?: string };
}

export async function listImages(connection: ContainerdConnection, namespace: string): Promise<Image[]> {
  const { images } = await connection.unary(ImagesDefinition.List, {}, { namespace });
  return images.map(plainImage);
}

export async function findImage(
  connection: ContainerdConnection,
  namespace: string,
  name: string,
): Promise<Image | undefined> {
  const reply = await orUndefined(connection.unary(ImagesDefinition.Get, { name }, { namespace }));
  return reply?.image ? plainImage(reply.image) : undefined;
}

/**
 * Sets a label of an image. The record is written anew even where the label is there: whoever follows images hears of it, CRI above all, which in 1.7
 * does not hear of what the transfer service has imported.
 * @throws ContainerdError  there is no such image, too
 */
export async function labelImage(
  connection: ContainerdConnection,
  namespace: string,
  name: string,
  [label, value]: readonly [string, string],
): Promise<void> {
  const { image } = await connection.unary(ImagesDefinition.Get, { name }, { namespace });
  // The mask says what is taken of it; a target that is missing nevertheless ends containerd.
  const changed = { ...image, name, labels: { [label]: value }, target: image?.target ?? {} };
  const updateMask = { paths: [`labels.${label}`] };
  await connection.unary(ImagesDefinition.Update, { image: changed, updateMask }, { namespace });
}

/** Removes the name; what nobody else needs is collected later. One that is not there is no error. */
export async function removeImage(connection: ContainerdConnection, namespace: string, name: string): Promise<void> {
  await orUndefined(connection.unary(ImagesDefinition.Delete, { name }, { namespace }));
}

/**
 * The name of the snapshot that an image's layers are unpacked to: the chain id of the OCI image specification.
 * @throws TalosError  the image is for other machines, or its documents are not what they should be
 */
export async function snapshotOfImage(
  connection: ContainerdConnection,
  namespace: string,
  { name, digest, mediaType }: Image,
): Promise<string> {
  const read = (what: string) => readDocument(connection, namespace, what);
  const problem = (text: string) => new TalosError('ERR_CONTAINERD', `image ${name}: ${text}`);
  let manifest = await read(digest);
  if (INDEX_TYPES.has(mediaType)) {
    const architecture = goArchitecture();
    const manifests = Array.isArray(manifest.manifests) ? (manifest.manifests as Descriptor[]) : [];
    const fitting = manifests.find(
      ({ platform }) => platform === undefined || (platform.os === 'linux' && platform.architecture === architecture),
    );
    if (fitting?.digest === undefined) throw problem(`nothing in it is for ${architecture}`);
    manifest = await read(fitting.digest);
  }
  const configDigest = (manifest.config as Descriptor | undefined)?.digest;
  if (typeof configDigest !== 'string') throw problem('its manifest names no config');
  const layers = ((await read(configDigest)).rootfs as { diff_ids?: unknown } | undefined)?.diff_ids;
  if (!Array.isArray(layers) || !layers.every((layer) => typeof layer === 'string') || layers.length === 0) {
    throw problem('its config names no layers');
  }
  return chainId(layers as string[]);
}

/** @param diffIds  of the layers, the lowest first; at least one */
export function chainId([first = '', ...rest]: readonly string[]): string {
  return rest.reduce(
    (below, layer) => `sha256:${createHash('sha256').update(`${below} ${layer}`).digest('hex')}`,
    first,
  );
}

async function readDocument(
  connection: ContainerdConnection,
  namespace: string,
  digest: string,
): Promise<Record<string, unknown>> {
  const pieces: Uint8Array[] = [];
  let size = 0;
  for await (const { data } of connection.stream(ContentDefinition.Read, { digest }, { namespace })) {
    size += data.length;
    if (size > MAX_DOCUMENT_BYTES) throw new TalosError('ERR_CONTAINERD', `${digest} is too large for a document`);
    pieces.push(data);
  }
  const value: unknown = JSON.parse(Buffer.concat(pieces).toString('utf8'));
  if (typeof value !== 'object' || value === null) throw new TalosError('ERR_CONTAINERD', `${digest} is no document`);
  return value as Record<string, unknown>;
}

function plainImage({ name, labels, target }: containerd.services.images.v1.Image.$Properties): Image {
  return {
    name: name ?? '',
    labels: { ...labels },
    digest: target?.digest ?? '',
    mediaType: target?.mediaType ?? '',
  };
}
