/** Which parts of a machine config take effect at once, and which with the next boot. */
import { isIgnored } from '../config/unsupported.js';

/** Parts that the running node takes; everything below a name is meant. What stands nowhere here needs a reboot: new parts fail safe. */
const LIVE: readonly string[] = [
  'debug',
  'persist',
  'machine.acceptedCAs',
  'machine.ca',
  'machine.certSANs',
  'machine.network',
  'machine.time.disabled',
  'machine.time.servers',
  'DHCPv4Config',
  'HostnameConfig',
  // Only answered from: Kubeconfig, GenerateClientConfiguration.
  'cluster.ca',
  'cluster.clusterName',
  'cluster.controlPlane.endpoint',
  // Applied anew by the control plane that does it.
  'cluster.inlineManifests',
  'cluster.extraManifests',
  'cluster.extraManifestHeaders',
  'cluster.network.cni.urls',
];

/** Those of the changed paths that need a reboot. */
export function needingReboot(paths: readonly string[]): string[] {
  return paths.filter((path) => !isIgnored(path) && !LIVE.some((live) => isBelow(path, live)));
}

function isBelow(path: string, ancestor: string): boolean {
  return path.startsWith(ancestor) && /^$|^[.[(]/.test(path.slice(ancestor.length));
}
