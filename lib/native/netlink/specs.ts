/**
 * Checks of what is asked for, and its words as numbers: the shape that native/bind/netlink_specs.cc reads. Whether a text is an address
 * is the addon's to say (EINVAL with a sentence), for the kernel's rules hold there.
 */
import {
  argumentError,
  checkBoolean,
  checkInteger,
  checkObject,
  checkOptionalString,
  checkString,
} from '../arguments.js';
import * as words from './words.js';

type Fields = Record<string, unknown>;
type Raw = Record<string, unknown>;

export const MAX_INDEX = 0x7fff_ffff;
const MAX_U32 = 0xffff_ffff;
const MAX_U8 = 255;

function optionalInteger(value: unknown, name: string, minimum: number, maximum: number): number | undefined {
  if (value === undefined) return undefined;
  checkInteger(value, name, minimum, maximum);
  return value;
}

function optionalBoolean(value: unknown, name: string): boolean | undefined {
  if (value === undefined) return undefined;
  checkBoolean(value, name);
  return value;
}

function optionalText(value: unknown, name: string): string | undefined {
  checkOptionalString(value, name);
  return value;
}

/** A word, or a number that has none. */
export function optionalWord<Word extends string | number>(
  value: unknown,
  name: string,
  known: words.Words<Word>,
): number | undefined {
  if (value === undefined) return undefined;
  if (typeof value === 'number') {
    checkInteger(value, name, 0, MAX_U8);
    return value;
  }
  if (typeof value !== 'string') throw argumentError('ERR_INVALID_ARG_TYPE', name, 'a string or a number', value);
  const number = known.number(value);
  if (number === undefined) throw argumentError('ERR_INVALID_ARG_VALUE', name, `one of ${known.list()}`, value);
  return number;
}

export function optionalFamily(value: unknown, name: string): number {
  if (value === undefined) return 0;
  if (value === 'inet') return words.AF_INET;
  if (value === 'inet6') return words.AF_INET6;
  if (typeof value !== 'string') throw argumentError('ERR_INVALID_ARG_TYPE', name, 'a string', value);
  throw argumentError('ERR_INVALID_ARG_VALUE', name, 'one of inet, inet6', value);
}

export const optionalIndex = (value: unknown, name: string) => optionalInteger(value, name, 1, MAX_INDEX);
export const optionalTable = (value: unknown, name: string) => optionalInteger(value, name, 0, MAX_U32);

export function checkIndex(value: unknown, name: string): asserts value is number {
  checkInteger(value, name, 1, MAX_INDEX);
}

function flagBits(value: unknown, name: string, known: words.Flags): number {
  if (value === undefined) return 0;
  if (!Array.isArray(value)) throw argumentError('ERR_INVALID_ARG_TYPE', name, 'an array of strings', value);
  let bits = 0;
  for (const word of value) {
    const bit = typeof word === 'string' ? known.bit(word) : undefined;
    if (bit === undefined) throw argumentError('ERR_INVALID_ARG_VALUE', name, `some of ${known.all()}`, word);
    bits += Math.floor(bits / bit) % 2 === 1 ? 0 : bit;
  }
  return bits;
}

export function toLinkChange(change: unknown, name: string): Raw {
  checkObject(change, name);
  const fields: Fields = change;
  return {
    isUp: optionalBoolean(fields['isUp'], `${name}.isUp`),
    mtu: optionalInteger(fields['mtu'], `${name}.mtu`, 1, MAX_U32),
    name: optionalText(fields['name'], `${name}.name`),
    mac: optionalText(fields['mac'], `${name}.mac`),
    master: fields['master'] === null ? 0 : optionalIndex(fields['master'], `${name}.master`),
    transmitQueueLength: optionalInteger(fields['transmitQueueLength'], `${name}.transmitQueueLength`, 0, MAX_U32),
    alias: optionalText(fields['alias'], `${name}.alias`),
  };
}

function toNamedLink(link: unknown, name: string): Raw {
  checkObject(link, name);
  checkName(link['name'], `${name}.name`);
  return toLinkChange(link, name);
}

export function checkName(value: unknown, name: string): asserts value is string {
  checkString(value, name);
  if (value === '') throw argumentError('ERR_INVALID_ARG_VALUE', name, 'a name', value);
}

/** What each kind has beside the settings of every link. */
const kinds: Record<string, (fields: Fields) => Raw> = {
  dummy: () => ({}),
  veth: (fields) => {
    const peer = toNamedLink(fields['peer'], 'link.peer');
    if (peer['isUp'] === undefined) return { peer };
    throw argumentError('ERR_INVALID_ARG_VALUE', 'link.peer.isUp', 'absent', peer['isUp']);
  },
  bridge: (fields) => ({
    vlanFiltering: optionalBoolean(fields['vlanFiltering'], 'link.vlanFiltering'),
    spanningTree: optionalBoolean(fields['spanningTree'], 'link.spanningTree'),
  }),
  vlan: (fields) => {
    checkIndex(fields['parent'], 'link.parent');
    checkInteger(fields['vlanId'], 'link.vlanId', 0, 4095);
    return {
      parent: fields['parent'],
      vlanId: fields['vlanId'],
      vlanProtocol: toVlanProtocol(fields['vlanProtocol'] ?? '802.1q'),
    };
  },
  bond: (fields) => ({
    bondMode: optionalWord(fields['mode'], 'link.mode', words.bondModes),
    miimonMs: optionalInteger(fields['miimonMs'], 'link.miimonMs', 0, MAX_INDEX),
  }),
};

function toVlanProtocol(value: unknown): number {
  const number = words.vlanProtocols.get(value);
  if (number !== undefined) return number;
  throw argumentError('ERR_INVALID_ARG_VALUE', 'link.vlanProtocol', 'one of 802.1q, 802.1ad', value);
}

export function toNewLink(link: unknown): Raw {
  const settings = toNamedLink(link, 'link');
  const fields = link as Fields;
  checkString(fields['kind'], 'link.kind');
  const ofKind = Object.hasOwn(kinds, fields['kind']) ? kinds[fields['kind']] : undefined;
  if (!ofKind) {
    throw argumentError(
      'ERR_INVALID_ARG_VALUE',
      'link.kind',
      `one of ${Object.keys(kinds).join(', ')}`,
      fields['kind'],
    );
  }
  return { ...settings, kind: fields['kind'], ...ofKind(fields) };
}

export function toAddressSpec(address: unknown): Raw {
  checkObject(address, 'address');
  checkIndex(address['index'], 'address.index');
  checkString(address['address'], 'address.address');
  return {
    index: address['index'],
    address: address['address'],
    peer: optionalText(address['peer'], 'address.peer'),
    broadcast: optionalText(address['broadcast'], 'address.broadcast'),
    label: optionalText(address['label'], 'address.label'),
    scope: optionalWord(address['scope'], 'address.scope', words.scopes),
    flags: flagBits(address['flags'], 'address.flags', words.addressFlags),
    protocol: optionalInteger(address['protocol'], 'address.protocol', 0, 255),
    validLifetimeSec: optionalInteger(address['validLifetimeSec'], 'address.validLifetimeSec', 1, MAX_U32),
    preferredLifetimeSec: optionalInteger(address['preferredLifetimeSec'], 'address.preferredLifetimeSec', 0, MAX_U32),
  };
}

function toNextHop(hop: unknown, name: string): Raw {
  checkObject(hop, name);
  checkIndex(hop['index'], `${name}.index`);
  return {
    index: hop['index'],
    gateway: optionalText(hop['gateway'], `${name}.gateway`),
    weight: optionalInteger(hop['weight'], `${name}.weight`, 1, 256),
  };
}

export function toRouteSpec(route: unknown): Raw {
  checkObject(route, 'route');
  checkString(route['destination'], 'route.destination');
  const hops = route['nextHops'];
  if (hops !== undefined && !Array.isArray(hops)) {
    throw argumentError('ERR_INVALID_ARG_TYPE', 'route.nextHops', 'an array', hops);
  }
  return {
    destination: route['destination'],
    isIpv6: optionalFamily(route['family'], 'route.family') === words.AF_INET6,
    source: optionalText(route['source'], 'route.source'),
    gateway: optionalText(route['gateway'], 'route.gateway'),
    preferredSource: optionalText(route['preferredSource'], 'route.preferredSource'),
    index: optionalIndex(route['index'], 'route.index'),
    table: optionalTable(route['table'], 'route.table'),
    protocol: optionalWord(route['protocol'], 'route.protocol', words.protocols),
    scope: optionalWord(route['scope'], 'route.scope', words.scopes),
    type: optionalWord(route['type'], 'route.type', words.routeTypes),
    tos: optionalInteger(route['tos'], 'route.tos', 0, MAX_U8),
    priority: optionalInteger(route['priority'], 'route.priority', 0, MAX_U32),
    mtu: optionalInteger(route['mtu'], 'route.mtu', 0, MAX_U32),
    isOnLink: (flagBits(route['flags'], 'route.flags', words.routeFlags) & 4) !== 0,
    nextHops: hops?.map((hop, position) => toNextHop(hop, `route.nextHops[${position}]`)),
  };
}

export function toRuleSpec(rule: unknown): Raw {
  checkObject(rule, 'rule');
  const family = optionalFamily(rule['family'], 'rule.family');
  if (family === 0) throw argumentError('ERR_INVALID_ARG_TYPE', 'rule.family', 'a string', rule['family']);
  return {
    isIpv6: family === words.AF_INET6,
    priority: optionalInteger(rule['priority'], 'rule.priority', 0, MAX_U32),
    action: optionalWord(rule['action'], 'rule.action', words.ruleActions),
    table: optionalTable(rule['table'], 'rule.table'),
    from: optionalText(rule['from'], 'rule.from'),
    to: optionalText(rule['to'], 'rule.to'),
    inputInterface: optionalText(rule['inputInterface'], 'rule.inputInterface'),
    outputInterface: optionalText(rule['outputInterface'], 'rule.outputInterface'),
    fwmark: optionalInteger(rule['fwmark'], 'rule.fwmark', 0, MAX_U32),
    fwmask: optionalInteger(rule['fwmask'], 'rule.fwmask', 0, MAX_U32),
    goto: optionalInteger(rule['goto'], 'rule.goto', 0, MAX_U32),
    suppressPrefixLength: optionalInteger(rule['suppressPrefixLength'], 'rule.suppressPrefixLength', 0, 128),
    tos: optionalInteger(rule['tos'], 'rule.tos', 0, MAX_U8),
    isInverted: optionalBoolean(rule['isInverted'], 'rule.isInverted'),
    protocol: optionalWord(rule['protocol'], 'rule.protocol', words.protocols),
  };
}

export function toNeighbourSpec(neighbour: unknown): Raw {
  checkObject(neighbour, 'neighbour');
  checkIndex(neighbour['index'], 'neighbour.index');
  checkString(neighbour['address'], 'neighbour.address');
  return {
    index: neighbour['index'],
    address: neighbour['address'],
    mac: optionalText(neighbour['mac'], 'neighbour.mac'),
    state: optionalWord(neighbour['state'] ?? 'permanent', 'neighbour.state', words.neighbourStates),
    flags: flagBits(neighbour['flags'], 'neighbour.flags', words.neighbourFlags),
  };
}
