/** The API of a test's node, without an osctl in between. */
import { MachineClient } from '../../lib/client/index.js';
import { contextCredentials, selectContext } from '../../lib/config/client-config.js';
import { clientConfigPaths, requireClientConfig } from '../../lib/config/client-config-file.js';
import { standardPrivateKeyPem } from '../../lib/pki/keys.js';
import type { TestHome } from './node.js';

/**
 * A client with the credentials that `osctl cluster create` has left. Close it.
 * @param endpoint  of a node, where it is not the one that the context has
 */
export async function apiClient(home: TestHome, endpoint?: string): Promise<MachineClient> {
  const { config } = await requireClientConfig(clientConfigPaths({ env: home.environment }));
  const { context } = selectContext(config);
  const pem = contextCredentials(context);
  return new MachineClient({
    endpoints: endpoint === undefined ? (context.endpoints ?? []) : [endpoint],
    credentials: { ...pem, key: standardPrivateKeyPem(pem.key) },
  });
}
