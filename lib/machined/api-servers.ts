import { extraAddresses } from '../config/extra-hosts.js';
import type { MachineConfig } from '../config/schema.js';
import type { ApiServer } from '../control/protocol.js';

const HTTPS_PORT = 443;
const DEFAULT_API_SERVER_PORT = 6443;

/**
 * Where the Kubernetes API is served: by the servers that it names itself, and behind those by what a machine config knows, which is the
 * cluster's endpoint, and on a control plane the node's own server, first. Each once; a name of the config's own hosts by its addresses.
 * @param members  checked (kubernetes/api-members.ts); none as long as the API has not been asked
 */
export function apiServersOf(
  { machine, cluster }: MachineConfig,
  members: readonly { host: string; port: number }[] = [],
): ApiServer[] {
  const { endpoint, localAPIServerPort = DEFAULT_API_SERVER_PORT } = cluster.controlPlane;
  const { hostname, port } = new URL(endpoint);
  const host = hostname.replace(/^\[(.*)\]$/, '$1');
  const addresses = extraAddresses({ machine }, host);
  const shared = (addresses.length > 0 ? addresses : [host]).map((each) => ({
    host: each,
    port: port === '' ? HTTPS_PORT : Number(port),
  }));
  const own = { host: '127.0.0.1', port: localAPIServerPort };
  const named = machine.type === 'controlplane' ? [own, ...shared] : shared;
  const isMember = (server: { host: string; port: number }) =>
    members.some(({ host, port }) => host === server.host && port === server.port);
  return [
    ...members.map(({ host, port }) => ({ host, port, isFallback: false })),
    ...named.filter((server) => !isMember(server)).map((server) => ({ ...server, isFallback: members.length > 0 })),
  ];
}
