/**
 * The `ip=` parameter in the syntax of the kernel's nfsroot.txt:
 *
 *     ip=<client>:<server>:<gateway>:<netmask>:<hostname>:<device>:<autoconf>:<dns0>:<dns1>:<ntp0>
 *
 * or one word for `autoconf` alone. The kernel itself is built without IP_PNP; PID 1 does what it says. IPv4 only.
 */
import { isIPv4 } from 'node:net';
import { TalosError } from '../base/errors.js';
import { hostnameProblem } from './hostname.js';

export interface StaticIp {
  kind: 'static';
  /** CIDR notation. */
  address: string;
  gateway: string | undefined;
  hostname: string | undefined;
  /** Name of the interface; undefined for the first one. */
  device: string | undefined;
  dnsServers: string[];
  ntpServers: string[];
}

export interface DynamicIp {
  kind: 'dhcp';
  hostname: string | undefined;
  device: string | undefined;
}

export type IpParameter = StaticIp | DynamicIp | { kind: 'off' };

const OFF_WORDS: ReadonlySet<string> = new Set(['off', 'none']);
const DHCP_WORDS: ReadonlySet<string> = new Set(['dhcp', 'on', 'any', 'both']);
const MAX_FIELDS = 10;

/**
 * @param value  what stands behind `ip=`
 * @throws TalosError ERR_IP_PARAMETER with a sentence that names the field
 */
export function parseIpParameter(value: string): IpParameter {
  const fail = (what: string): never => {
    throw new TalosError('ERR_IP_PARAMETER', `kernel parameter ip=${value}: ${what}`, {
      hint: 'Write ip=<address>::<gateway>:<netmask>:<hostname>:<interface>:off',
    });
  };
  if (value.includes('[')) fail('only IPv4 addresses are supported here');
  const fields = value.split(':');
  if (fields.length === 1) {
    if (OFF_WORDS.has(value)) return { kind: 'off' };
    if (DHCP_WORDS.has(value)) return { kind: 'dhcp', hostname: undefined, device: undefined };
    if (!isIPv4(value)) fail(`'${value}' is neither an address nor one of off, none, dhcp, on, any`);
  }
  if (fields.length > MAX_FIELDS) fail(`${fields.length} fields, at most ${MAX_FIELDS} are known`);
  const field = (position: number) => fields[position] || undefined;
  const addressField = (position: number, name: string): string | undefined => {
    const text = field(position);
    if (text !== undefined && !isIPv4(text)) fail(`the ${name} '${text}' is not an IPv4 address`);
    return text;
  };

  const client = addressField(0, 'address');
  addressField(1, 'server');
  const gateway = addressField(2, 'gateway');
  const netmask = field(3);
  const hostname = field(4);
  const device = field(5);
  const autoconf = field(6) ?? (client === undefined ? 'any' : 'off');
  const dnsServers = [addressField(7, 'first DNS server'), addressField(8, 'second DNS server')];
  const ntpServer = addressField(9, 'NTP server');

  const badHostname = hostname === undefined ? undefined : hostnameProblem(hostname);
  if (badHostname !== undefined) fail(badHostname);
  if (device !== undefined && !isInterfaceName(device)) fail(`'${device}' is not the name of an interface`);
  if (DHCP_WORDS.has(autoconf)) return { kind: 'dhcp', hostname, device };
  if (!OFF_WORDS.has(autoconf)) fail(`autoconfiguration '${autoconf}' is not supported; use off or dhcp`);
  if (client === undefined)
    return fields.some((text, position) => position !== 6 && text !== '')
      ? fail('the address is missing')
      : { kind: 'off' };
  if (netmask === undefined) return fail('the netmask is missing');
  const prefixLength = parseNetmask(netmask);
  if (prefixLength === undefined) return fail(`the netmask '${netmask}' is not a contiguous mask`);
  if (gateway !== undefined && !isSameNetwork(client, gateway, prefixLength)) {
    fail(`the gateway ${gateway} is not in the network of ${client}/${prefixLength}`);
  }
  return {
    kind: 'static',
    address: `${client}/${prefixLength}`,
    gateway,
    hostname,
    device,
    dnsServers: dnsServers.filter((server) => server !== undefined),
    ntpServers: ntpServer === undefined ? [] : [ntpServer],
  };
}

/** As the kernel's dev_valid_name(): 1 to 15 bytes without slash and white space. */
function isInterfaceName(name: string): boolean {
  return /^[^\s/:]{1,15}$/.test(name) && name !== '.' && name !== '..';
}

/** The prefix length of a dotted mask, or of a number; undefined when it is neither or has holes. */
function parseNetmask(text: string): number | undefined {
  if (/^\d{1,2}$/.test(text)) return Number(text) <= 32 ? Number(text) : undefined;
  if (!isIPv4(text)) return undefined;
  const inverted = ~toNumber(text) >>> 0;
  // A contiguous mask, inverted, is 2^n - 1.
  if ((inverted & (inverted + 1)) !== 0) return undefined;
  return 32 - Math.round(Math.log2(inverted + 1));
}

function toNumber(address: string): number {
  return address.split('.').reduce((sum, byte) => sum * 256 + Number(byte), 0);
}

function isSameNetwork(left: string, right: string, prefixLength: number): boolean {
  const size = 2 ** (32 - prefixLength);
  return Math.floor(toNumber(left) / size) === Math.floor(toNumber(right) / size);
}
