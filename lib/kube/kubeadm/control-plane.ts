/** What the control plane of a node is made from, and where it is. */
import { createHash } from 'node:crypto';
import { apiServerPort } from '../cluster-network.js';
import type { KubeadmInput } from '../input.js';
import { clusterConfiguration } from './cluster-configuration.js';

const ADVERTISED = /--advertise-address=(\S+)/;

/** Another one when anything is different that kubeadm makes static pods and the API server's certificate from. The node's address is not in it. */
export function controlPlaneDigest(input: KubeadmInput): string {
  return createHash('sha256')
    .update(JSON.stringify([clusterConfiguration(input), apiServerPort(input.config)]))
    .digest('hex');
}

/** The address that an API server tells others, by its manifest; undefined: it has none. */
export function advertisedAddress(manifest: string): string | undefined {
  return ADVERTISED.exec(manifest)?.[1];
}
