import { MANIFEST_TOO_LARGE, MAX_MANIFEST_BYTES } from '../../../config/manifest-text.js';
import { fetchText } from '../../../os/fetch-text.js';
import { resolveName } from '../../../os/resolve-name.js';
import type { FetchManifest } from './batch.js';

/**
 * Over https alone, redirects included, from servers with a certificate of a public authority.
 * @param nameServers  of the node, as they are at that moment
 * @param ca  PEM, in place of the public authorities
 */
export function fetchManifest(nameServers: () => Promise<readonly string[]>, ca?: string): FetchManifest {
  return ({ url, headers }, signal) =>
    fetchText(url, {
      resolve: async (name) => resolveName(name, await nameServers()),
      ...{ signal, headers, ca, maxBytes: MAX_MANIFEST_BYTES, tooLarge: MANIFEST_TOO_LARGE },
    });
}
