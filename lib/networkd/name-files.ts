/** /etc/resolv.conf and /etc/hosts, which are links into the folder of networkd: the root is read-only. */
import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { NetworkDocument } from '../config/network-document.js';
import type { DhcpFacts } from './dhcp-interface.js';

/** What /etc/resolv.conf and /etc/hosts of the image lead to (rootfs/manifest.json). */
export const NAME_FILES_FOLDER = '/run/networkd';

export interface NameFacts {
  document: NetworkDocument;
  leases: readonly DhcpFacts[];
  /** Name servers of the kernel command line. */
  kernelServers: readonly string[];
  /** Name servers that routers advertise; link-local ones with their interface. */
  advertised: readonly string[];
  /** The name that the node has at the moment. */
  hostname: string;
  /** Its own addresses, without lengths of prefixes. */
  addresses: readonly string[];
}

/** The C library asks the first three only, and so does everybody else. */
const MAX_SERVERS = 3;
const MAX_DOMAINS = 16;
const BANNER = '# Written by networkd from the machine config, DHCP and router advertisements.\n';

/**
 * The name servers of the node, the first one first: those of the config and no others; else those of DHCP servers, or else of the kernel
 * command line, and those that routers advertise. The first of the latter is among the first three, so that one source failing does not
 * leave the node without the other (RFC 8106, section 5.3.1).
 */
export function nameServers(facts: Omit<NameFacts, 'hostname' | 'addresses'>): string[] {
  const { document, leases, kernelServers, advertised } = facts;
  if (document.nameservers.length > 0) return [...new Set(document.nameservers)];
  const leased = leases.flatMap(({ dnsServers }) => dnsServers);
  const told = [...new Set(leased.length > 0 ? leased : kernelServers)];
  const heard = advertised.filter((server) => !told.includes(server));
  const front = MAX_SERVERS - 1;
  return [...told.slice(0, front), ...heard.slice(0, 1), ...told.slice(front), ...heard.slice(1)];
}

/** Pure. */
export function resolvConf(facts: NameFacts): string {
  const { document, leases, hostname } = facts;
  const own = hostname.includes('.') ? [hostname.slice(hostname.indexOf('.') + 1)] : [];
  const found = document.isSearchDomainDisabled
    ? []
    : [...own, ...leases.flatMap(({ domain, searchDomains }) => [...searchDomains, domain])];
  const domains = [...new Set([...document.searchDomains, ...found])].filter((domain) => domain !== '');
  const servers = nameServers(facts).slice(0, MAX_SERVERS);
  return [
    BANNER,
    ...servers.map((server) => `nameserver ${server}\n`),
    domains.length === 0 ? '' : `search ${domains.slice(0, MAX_DOMAINS).join(' ')}\n`,
  ].join('');
}

/** Pure. Without an address of its own the node's name leads to the loopback, so that it leads somewhere. */
export function hosts({ document, hostname, addresses }: NameFacts): string {
  const short = hostname.split('.')[0] ?? '';
  const names = hostname === '' ? '' : [...new Set([hostname, short])].join(' ');
  const own = addresses.length === 0 ? ['127.0.1.1'] : addresses;
  return [
    BANNER,
    '127.0.0.1 localhost\n',
    '::1 localhost ip6-localhost ip6-loopback\n',
    'ff02::1 ip6-allnodes\n',
    'ff02::2 ip6-allrouters\n',
    ...(names === '' ? [] : own.map((address) => `${address} ${names}\n`)),
    ...document.extraHosts.map((entry) => `${entry.address} ${entry.names.join(' ')}\n`),
  ].join('');
}

/** The files, each replaced whole and only when there is something new. */
export class NameFiles {
  private readonly written = new Map<string, string>();

  /** @param folder  made by PID 1, or by whoever tests */
  constructor(private readonly folder = NAME_FILES_FOLDER) {}

  /**
   * Does not block: the folder is in memory.
   * @returns the names of those that were written
   * @throws ENOSPC · EACCES
   */
  write(facts: NameFacts): string[] {
    const texts = { 'resolv.conf': resolvConf(facts), hosts: hosts(facts) };
    return Object.entries(texts).flatMap(([name, text]) => (this.replace(name, text) ? [name] : []));
  }

  private replace(name: string, text: string): boolean {
    if (this.written.get(name) === text) return false;
    const file = join(this.folder, name);
    writeFileSync(`${file}.new`, text, { mode: 0o644 });
    renameSync(`${file}.new`, file);
    this.written.set(name, text);
    return true;
  }
}
