import { shownUrl } from '../../../base/shown-url.js';
import type { MachineConfig } from '../../../config/schema.js';

/** Where manifests of a cluster's own are. */
export type ManifestSource =
  | { kind: 'inline'; name: string; text: string }
  | { kind: 'url'; url: string; headers: Readonly<Record<string, string>> };

/** All of a config, the first one first: without a network there is no pod that others could need. */
export function manifestSources({ cluster }: Pick<MachineConfig, 'cluster'>): ManifestSource[] {
  const { cni } = cluster.network ?? {};
  const headers = cluster.extraManifestHeaders ?? {};
  return [
    // The headers are for those of extraManifests alone: they may be a password.
    ...(cni?.name === 'custom' ? (cni.urls ?? []) : []).map((url) => ({ kind: 'url', url, headers: {} }) as const),
    ...(cluster.inlineManifests ?? []).map(({ name, contents }) => ({ kind: 'inline', name, text: contents }) as const),
    ...(cluster.extraManifests ?? []).map((url) => ({ kind: 'url', url, headers }) as const),
  ];
}

/** For people; nothing secret is in it. */
export function describeSource(source: ManifestSource): string {
  return source.kind === 'inline' ? `inline manifest ${source.name}` : `manifest ${shownUrl(source.url)}`;
}
