import { isIP } from 'node:net';
import type { NetworkInterfaceInfo } from 'node:os';

/** What a server certificate of this node is valid for. */
export interface ServerNames {
  dnsNames: string[];
  ipAddresses: string[];
}

const DNS_NAME = /^(?=.{1,253}$)[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?)*$/i;

/**
 * The names of the node: what the config adds (certSANs), its host name, its addresses, and itself seen from itself.
 * What is neither a name nor an address ('(none)', the kernel's host name before one is set) is left out.
 */
export function serverNames(
  hostname: string,
  interfaces: Readonly<Record<string, NetworkInterfaceInfo[] | undefined>>,
  certSans: readonly string[],
): ServerNames {
  const addresses = Object.values(interfaces).flatMap((list) => (list ?? []).map(({ address }) => address));
  const names = [hostname, 'localhost', ...certSans, ...addresses, '127.0.0.1', '::1'];
  const ipAddresses = new Set<string>();
  const dnsNames = new Set<string>();
  for (const name of names) {
    if (isIP(name) !== 0) ipAddresses.add(name);
    else if (DNS_NAME.test(name)) dnsNames.add(name.toLowerCase());
  }
  return { dnsNames: [...dnsNames], ipAddresses: [...ipAddresses] };
}

/** Addresses at which others may reach the node: not those of itself, nor those that mean something on one link only. */
export function reachableAddresses(interfaces: Readonly<Record<string, NetworkInterfaceInfo[] | undefined>>): string[] {
  return Object.values(interfaces)
    .flatMap((list) => list ?? [])
    .filter(({ internal, address }) => !internal && !/^(fe[89ab][0-9a-f]:|169\.254\.)/i.test(address))
    .map(({ address }) => address);
}
