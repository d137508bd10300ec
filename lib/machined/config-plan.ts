/** Which parts of a machine config take effect at once, and which with the next boot. */
import { isIgnored } from '../config/index.js';
import type { LoadedConfig } from './load-config.js';

/** Parts that the running node takes; everything below a name is meant. What stands nowhere here needs a reboot: new parts fail safe. */
const LIVE: readonly string[] = [
  'debug',
  'machine.acceptedCAs',
  'machine.ca',
  'machine.certSANs',
  'machine.network.hostname',
  'machine.network.nameservers',
  'machine.time.disabled',
  'machine.time.servers',
  'HostnameConfig',
  // Only answered from: Kubeconfig, GenerateClientConfiguration.
  'cluster.ca',
  'cluster.clusterName',
  'cluster.controlPlane.endpoint',
];
const DHCP = /^DHCPv4Config\b/;

/**
 * Those of the changed paths that need a reboot.
 * @param canGoBack  the change may have to be taken back
 */
export function needingReboot(
  before: Pick<LoadedConfig, 'dhcpLink'>,
  after: Pick<LoadedConfig, 'dhcpLink'>,
  paths: readonly string[],
  canGoBack: boolean,
): string[] {
  // DHCP can be begun, but a node that has its address by it cannot lose that.
  const isDhcpLive = before.dhcpLink === after.dhcpLink || (before.dhcpLink === undefined && !canGoBack);
  return paths.filter((path) => {
    if (DHCP.test(path)) return !isDhcpLive;
    return !isIgnored(path) && !LIVE.some((live) => isBelow(path, live));
  });
}

function isBelow(path: string, ancestor: string): boolean {
  return path.startsWith(ancestor) && /^$|^[.[(]/.test(path.slice(ancestor.length));
}
