import { isIPv4 } from 'node:net';
import { errorMessage } from '../base/errors.js';
import { ControlError } from '../control/errors.js';
import type { NetworkFacts } from '../control/protocol.js';
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
    if (facts.hostname !== '') {
      try {
        this.nodeName.set('dhcp', facts.hostname);
      } catch (error) {
        this.log.warning(`the host name of the DHCP server was not taken: ${errorMessage(error)}`);
      }
    }
    this.changed(facts);
  }
}

function isPlausible({
  link,
  address,
  dnsServers,
  ntpServers,
  domain,
  searchDomains,
  hostname,
}: NetworkFacts): boolean {
  const servers = [...dnsServers, ...ntpServers];
  const names = [domain, hostname, ...searchDomains];
  const [ip = '', length = '', ...more] = address.split('/');
  return (
    LINK_NAME.test(link) &&
    (address === '' || (isIPv4(ip) && /^\d{1,2}$/.test(length) && Number(length) <= 32 && more.length === 0)) &&
    servers.length + names.length <= MAX_ENTRIES &&
    servers.every((server) => isIPv4(server)) &&
    names.every((name) => name.length <= MAX_NAME && /^[\x21-\x7e]*$/.test(name))
  );
}

function describe({ link, address, dnsServers, ntpServers, domain, hostname, carrier }: NetworkFacts): string {
  if (!carrier) return `network: ${link} has no carrier`;
  if (address === '') return `network: ${link} has no address; asking for one by DHCP`;
  const parts = [
    ['DNS', dnsServers.slice(0, MAX_SHOWN).join(' ')],
    ['NTP', ntpServers.slice(0, MAX_SHOWN).join(' ')],
    ['domain', domain],
    ['host name', hostname],
  ];
  const more = parts.filter(([, value]) => value !== '').map(([name, value]) => `, ${name} ${value}`);
  return `network: ${link} has ${address} by DHCP${more.join('')}`;
}
