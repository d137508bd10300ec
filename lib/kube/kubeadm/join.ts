/** What kubeadm is told on every node but the first. */
import { TalosError } from '../../base/errors.js';
import { caCertHash } from '../ca-hash.js';
import { endpointText } from '../cluster-network.js';
import type { Fields, KubeadmInput } from '../input.js';
import { CA_FILE } from '../paths.js';
import { yamlOf } from '../yaml.js';
import { localApiEndpoint, nodeRegistration } from './node-registration.js';
import { CONTROL_PLANE_TIMEOUT, DISCOVERY_TIMEOUT } from './timeouts.js';

/**
 * Text for `kubeadm join phase … --config`: a JoinConfiguration, of a further control plane or of a worker as the config has it. The cluster is known by the
 * hash of its CA's key: whoever else answers at its endpoint gets nothing. It holds the token: for root only.
 * @throws TalosError ERR_KUBERNETES  the config lacks the token or the CA, or the node an address (checks.ts says so before)
 */
export function renderJoin(input: KubeadmInput): string {
  const { config, release, certificateKey } = input;
  const isNewest = release.kubeadmApi === 'kubeadm.k8s.io/v1beta4';
  return yamlOf({
    apiVersion: release.kubeadmApi,
    kind: 'JoinConfiguration',
    nodeRegistration: nodeRegistration(input),
    caCertPath: CA_FILE,
    discovery: discovery(input, isNewest),
    ...(config.machine.type === 'controlplane' && {
      controlPlane: {
        localAPIEndpoint: localApiEndpoint(input),
        ...(certificateKey !== undefined && { certificateKey }),
      },
    }),
    ...(isNewest && {
      timeouts: {
        controlPlaneComponentHealthCheck: CONTROL_PLANE_TIMEOUT,
        discovery: DISCOVERY_TIMEOUT,
        tlsBootstrap: CONTROL_PLANE_TIMEOUT,
      },
    }),
  });
}

function discovery({ config }: KubeadmInput, isNewest: boolean): Fields {
  const { token, ca } = config.cluster;
  if (token === undefined) throw new TalosError('ERR_KUBERNETES', 'cluster.token is missing in the machine config');
  if (ca === undefined) throw new TalosError('ERR_KUBERNETES', 'cluster.ca.crt is missing in the machine config');
  return {
    bootstrapToken: { token, apiServerEndpoint: endpointText(config), caCertHashes: [caCertHash(ca.crt)] },
    tlsBootstrapToken: token,
    ...(!isNewest && { timeout: DISCOVERY_TIMEOUT }),
  };
}
