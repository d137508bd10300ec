import type { ClientConfig } from '../config/client-config.js';
import { generateConfig } from '../config/generate.js';
import { issueClientCertificate } from '../pki/issue.js';
import { Role } from '../pki/roles.js';
import { generateSecrets } from '../pki/secrets.js';
import { NODE_NETWORK } from './qemu-arguments.js';

/** Everything secret that a new cluster of one node begins with. */
export interface ClusterIdentity {
  /** The node's machine config as YAML; holds the keys of every authority. */
  readonly machineConfig: string;
  /** The administrator's context, under the cluster's name. */
  readonly clientConfig: ClientConfig;
  /** What the client config holds, as PEM. */
  readonly client: { readonly ca: string; readonly crt: string; readonly key: string };
}

/**
 * Makes the authorities, the node's config and the administrator's certificate.
 * @param options.endpoint  host:port at which clients here reach the machine API
 */
export async function makeIdentity(options: {
  clusterName: string;
  nodeName: string;
  endpoint: string;
}): Promise<ClusterIdentity> {
  const secrets = await generateSecrets();
  const admin = await issueClientCertificate({ ca: secrets.certs.os, roles: [Role.admin] });
  const { controlplane, talosconfig } = generateConfig({
    clusterName: options.clusterName,
    endpoint: `https://${NODE_NETWORK.address}:6443`,
    secrets,
    admin,
    hostname: options.nodeName,
    // The forwarded port is reached under this name, which the node's certificate must carry.
    additionalSans: [options.endpoint.slice(0, options.endpoint.lastIndexOf(':')), 'localhost'],
    endpoints: [options.endpoint],
    nodes: [NODE_NETWORK.address],
  });
  return {
    machineConfig: controlplane,
    clientConfig: talosconfig,
    client: { ca: secrets.certs.os.crt, crt: admin.crt, key: admin.key },
  };
}
