import { TalosError } from '../base/errors.js';

/** How layers become file trees on a node. */
export const SNAPSHOTTER = 'overlayfs';

const GO_NAMES: Readonly<Record<string, string>> = { x64: 'amd64', arm64: 'arm64' };

/** This machine's architecture by Go's name, which images have. */
export function goArchitecture(architecture: string = process.arch): string {
  const name = GO_NAMES[architecture];
  if (name === undefined) throw new TalosError('ERR_CONTAINERD', `no images for ${architecture}`);
  return name;
}
