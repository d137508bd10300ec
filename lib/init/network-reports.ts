import { isIP, isIPv4 } from 'node:net';
import { errorMessage } from '../base/errors.js';
import { isPlainAddress } from '../base/ip-address.js';
import { ControlError } from '../control/errors.js';
import type { NetworkFacts } from '../control/protocol.js';
import { hostnameProblem } from '../os/hostname.js';
import type { InitLog } from './log.js';
import type { NodeName } from './node-name.js';

/** Of each list that the kernel log is to show. */
const MAX_SHOWN = 4;
/** networkd reads what strangers send: what it says must not fill PID 1's memory. */
const MAX_LINKS = 16;
const MAX_ENTRIES = 64;
const MAX_NAME = 255;
const LINK_NAME = /^[^\s/:]{1,15}$/;

/** What networkd finds out about the network: it is said on the console, names the node, and is passed on to whoever listens. */
export class NetworkReports {
  private readonly newest = new Map<string, string>();
  /** Host names that DHCP servers have given, by interface, the first one first. */
  private readonly names = new Map<string, string>();
  private named = '';

  constructor(
    private readonly log: Pick<InitLog, 'notice' | 'warning'>,
    private readonly nodeName: NodeName,
    /** Every accepted report, once. */
    private readonly changed: (facts: NetworkFacts) => void,
  ) {}

  /**
   * A report that says nothing new is dropped.
   * @throws ControlError INVALID_ARGUMENT for what cannot be true · RESOURCE_EXHAUSTED for too many interfaces
   */
  take(facts: NetworkFacts): void {
    if (!isPlausible(facts)) throw new ControlError('INVALID_ARGUMENT', 'a report that cannot be true');
    if (!this.newest.has(facts.link) && this.newest.size >= MAX_LINKS) {
      throw new ControlError('RESOURCE_EXHAUSTED', `more than ${MAX_LINKS} interfaces`);
    }
    const text = JSON.stringify(facts);
    if (this.newest.get(facts.link) === text) return;
    this.newest.set(facts.link, text);
    this.log.notice(describe(facts));
    this.name(facts);
    this.changed(facts);
    // One that is gone, or that nobody wants any more, leaves its place to another.
    if (isNothing(facts)) this.newest.delete(facts.link);
  }

  /**
   * The node is called as the first interface says that was given a name: a second one does not rename it. A lease that ends for a while takes no
   * name with it; an interface of which nobody wants DHCP any more does.
   */
  private name({ link, hostname, dhcp }: NetworkFacts): void {
    if (!dhcp) this.names.delete(link);
    if (hostname !== '') {
      const problem = hostnameProblem(hostname);
      if (problem === undefined) this.names.set(link, hostname);
      else this.log.warning(`the host name of the DHCP server was not taken: ${problem}`);
    }
    const [name = ''] = this.names.values();
    if (name === this.named) return;
    this.named = name;
    try {
      if (name === '') this.nodeName.clear('dhcp');
      else this.nodeName.set('dhcp', name);
    } catch (error) {
      this.log.warning(`the host name of the DHCP server was not taken: ${errorMessage(error)}`);
    }
  }
}

function isNothing({ address, carrier, dhcp, otherAddresses, dnsServers, ntpServers }: NetworkFacts): boolean {
  return !carrier && !dhcp && address === '' && [...otherAddresses, ...dnsServers, ...ntpServers].length === 0;
}

function isPlausible({
  link,
  address,
  dnsServers,
  ntpServers,
  domain,
  searchDomains,
  hostname,
  otherAddresses,
}: NetworkFacts): boolean {
  const names = [domain, hostname, ...searchDomains];
  return (
    LINK_NAME.test(link) &&
    (address === '' || (isPrefix(address) && isIPv4(address.replace(/\/.*/, '')))) &&
    otherAddresses.length <= MAX_ENTRIES &&
    otherAddresses.every(isPrefix) &&
    dnsServers.length + ntpServers.length + names.length <= MAX_ENTRIES &&
    dnsServers.every((server) => isPlainAddress(server)) &&
    ntpServers.every((server) => isIPv4(server)) &&
    names.every((name) => name.length <= MAX_NAME && /^[\x21-\x7e]*$/.test(name))
  );
}

function isPrefix(text: string): boolean {
  const [ip = '', length = '', ...more] = text.split('/');
  const bits = isIP(ip) === 6 ? 128 : 32;
  return isIP(ip) !== 0 && /^\d{1,3}$/.test(length) && Number(length) <= bits && more.length === 0;
}

function describe(facts: NetworkFacts): string {
  const { link, address, dnsServers, ntpServers, domain, hostname, carrier, otherAddresses, dhcp } = facts;
  if (!carrier) return `network: ${link} has no carrier`;
  const others = otherAddresses.slice(0, MAX_SHOWN).join(', ');
  if (address === '' && !dhcp) return `network: ${link} has ${others === '' ? 'no address' : others}`;
  const besides = others === '' ? '' : `, and ${others}`;
  if (address === '') return `network: ${link} has no address by DHCP yet${besides}`;
  const parts = [
    ['DNS', dnsServers.slice(0, MAX_SHOWN).join(' ')],
    ['NTP', ntpServers.slice(0, MAX_SHOWN).join(' ')],
    ['domain', domain],
    ['host name', hostname],
  ];
  const more = parts.filter(([, value]) => value !== '').map(([name, value]) => `, ${name} ${value}`);
  return `network: ${link} has ${address} by DHCP${besides}${more.join('')}`;
}
