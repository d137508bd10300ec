import { errorCode } from '../base/errors.js';
import { argumentError, checkFunction, checkInteger, checkObject, checkOptionalString } from './arguments.js';
import type { NetlinkModule, NetlinkMonitor, ObjectKind } from './contract.js';
import { KINDS, readEvents, readList } from './netlink/events.js';
import { readNameServers } from './netlink/name-servers.js';
import {
  type RawBatch,
  type RecordCursor,
  readAddress,
  readLink,
  readNeighbour,
  readRoute,
  readRule,
} from './netlink/records.js';
import * as specs from './netlink/specs.js';
import * as words from './netlink/words.js';

/** What the addon itself exports. Kinds and changes are numbers, the rest as native/bind/netlink.cc says. */
export interface RawNetlinkModule {
  list(
    kind: number,
    family: number,
    index: number,
    master: number,
    linkKind: string,
    table: number,
    protocol: number,
    type: number,
  ): RawBatch;
  findLink(index: number, name: string): RawBatch;
  addLink(link: object): number;
  changeLink(index: number, change: object): void;
  removeLink(index: number): void;
  changeAddress(change: number, address: object): void;
  changeRoute(change: number, route: object): void;
  changeRule(change: number, rule: object): void;
  changeNeighbour(change: number, neighbour: object): void;
  monitorRoutes(
    kinds: number,
    bufferBytes: number,
    onBatch: (batch: RawBatch) => void,
    onError: (error: Error) => void,
  ): NetlinkMonitor;
  monitorNameServers(onBatch: (batch: RawBatch) => void, onError: (error: Error) => void): NetlinkMonitor;
  solicitRouters(index: number): void;
  /** An event's properties come as one flat array of keys and values. */
  monitorUevents(
    onUevent: (action: string, devpath: string, subsystem: string, properties: string[]) => void,
    onOverrun: () => void,
    bufferBytes: number,
  ): NetlinkMonitor;
}

const ADD = 0;
const REPLACE = 1;
const REMOVE = 2;

/** Thousands of events fit: the kernel charges about 1 KiB for each. */
const DEFAULT_BUFFER_BYTES = 4 * 1024 * 1024;
const MAX_BUFFER_BYTES = 256 * 1024 * 1024;

/**
 * rtnetlink requests and events, and kernel uevents.
 *
 * The kernel answers a request before the call that sends it returns, so these are synchronous; each may sleep for its lock on
 * the network configuration, and gives up after 5 s without an answer (ETIMEDOUT). The kernel's own explanation of a refusal is in
 * the message, with the name of the attribute that it complains about.
 * @throws EINVAL not an address or prefix, or refused by the kernel · ENODEV no such link · ENETUNREACH gateway not reachable
 * by any address yet · EPERM missing CAP_NET_ADMIN · EAGAIN a list changed during each of ten attempts · EBADMSG the kernel's answer
 * is malformed; the message says where
 */
export function createNetlinkModule(raw: RawNetlinkModule): NetlinkModule {
  const list = <Entry>(
    kind: ObjectKind,
    read: (cursor: RecordCursor) => Entry,
    filter: unknown,
    allowed: readonly string[],
  ): Entry[] => {
    const query = toQuery(filter, allowed);
    const { family, index, master, linkKind, table, protocol, type } = query;
    return readList(raw.list(KINDS.indexOf(kind), family, index, master, linkKind, table, protocol, type), read);
  };

  return {
    link: {
      list: (filter) => list('link', readLink, filter, ['kind', 'master']),
      get: (indexOrName) => getLink(raw, indexOrName),
      add: (link) => raw.addLink(specs.toNewLink(link)),
      set(index, change) {
        specs.checkIndex(index, 'index');
        raw.changeLink(index, specs.toLinkChange(change, 'change'));
      },
      delete(index) {
        specs.checkIndex(index, 'index');
        raw.removeLink(index);
      },
    },
    address: {
      list: (filter) => list('address', readAddress, filter, ['family', 'index']),
      add: (address) => raw.changeAddress(ADD, specs.toAddressSpec(address)),
      replace: (address) => raw.changeAddress(REPLACE, specs.toAddressSpec(address)),
      delete: (address) => raw.changeAddress(REMOVE, specs.toAddressSpec(address)),
    },
    route: {
      list: (filter) => list('route', readRoute, filter, ['family', 'index', 'table', 'protocol', 'type']),
      add: (route) => raw.changeRoute(ADD, specs.toRouteSpec(route)),
      replace: (route) => raw.changeRoute(REPLACE, specs.toRouteSpec(route)),
      delete: (route) => raw.changeRoute(REMOVE, specs.toRouteSpec(route)),
    },
    rule: {
      list: (filter) => list('rule', readRule, filter, ['family']),
      add: (rule) => raw.changeRule(ADD, specs.toRuleSpec(rule)),
      delete: (rule) => raw.changeRule(REMOVE, specs.toRuleSpec(rule)),
    },
    neighbour: {
      list: (filter) => list('neighbour', readNeighbour, filter, ['family', 'index', 'master']),
      add: (neighbour) => raw.changeNeighbour(ADD, specs.toNeighbourSpec(neighbour)),
      replace: (neighbour) => raw.changeNeighbour(REPLACE, specs.toNeighbourSpec(neighbour)),
      delete: (neighbour) => raw.changeNeighbour(REMOVE, specs.toNeighbourSpec(neighbour)),
    },
    subscribe(options) {
      checkObject(options, 'options');
      checkFunction(options.onEvents, 'options.onEvents');
      checkFunction(options.onError, 'options.onError');
      const kinds = toKindBits(options.kinds);
      return raw.monitorRoutes(
        kinds,
        toBufferBytes(options.bufferBytes),
        (batch) => options.onEvents(readEvents(batch)),
        (error) => options.onError(error),
      );
    },
    monitorNameServers(handlers) {
      checkObject(handlers, 'handlers');
      checkFunction(handlers.onNameServers, 'handlers.onNameServers');
      checkFunction(handlers.onError, 'handlers.onError');
      return raw.monitorNameServers(
        (batch) => {
          const { advertised, hasLost } = readNameServers(batch);
          handlers.onNameServers(advertised, hasLost);
        },
        (error) => handlers.onError(error),
      );
    },
    solicitRouters(index) {
      specs.checkIndex(index, 'index');
      raw.solicitRouters(index);
    },
    monitorUevents(handlers) {
      checkObject(handlers, 'handlers');
      checkFunction(handlers.onUevent, 'handlers.onUevent');
      checkFunction(handlers.onOverrun, 'handlers.onOverrun');
      return raw.monitorUevents(
        (action, devpath, subsystem, properties) =>
          handlers.onUevent({ action, devpath, subsystem, properties: toRecord(properties) }),
        () => handlers.onOverrun(),
        toBufferBytes(handlers.bufferBytes),
      );
    },
  };
}

/** A filter that a kind does not have would be ignored silently: it is refused. */
function toQuery(filter: unknown, allowed: readonly string[]) {
  const fields = filter ?? {};
  checkObject(fields, 'filter');
  for (const name of Object.keys(fields)) {
    if (!allowed.includes(name)) {
      throw argumentError('ERR_INVALID_ARG_VALUE', 'filter', `an object with ${allowed.join(', ')}`, name);
    }
  }
  const linkKind = fields['kind'];
  checkOptionalString(linkKind, 'filter.kind');
  return {
    family: specs.optionalFamily(fields['family'], 'filter.family'),
    index: specs.optionalIndex(fields['index'], 'filter.index') ?? 0,
    master: specs.optionalIndex(fields['master'], 'filter.master') ?? 0,
    linkKind: linkKind ?? '',
    table: specs.optionalTable(fields['table'], 'filter.table') ?? 0,
    protocol: specs.optionalWord(fields['protocol'], 'filter.protocol', words.protocols) ?? 0,
    type: specs.optionalWord(fields['type'], 'filter.type', words.routeTypes) ?? 0,
  };
}

function getLink(raw: RawNetlinkModule, indexOrName: number | string) {
  if (typeof indexOrName === 'string') specs.checkName(indexOrName, 'indexOrName');
  else specs.checkIndex(indexOrName, 'indexOrName');
  try {
    const [index, name] = typeof indexOrName === 'string' ? ([0, indexOrName] as const) : ([indexOrName, ''] as const);
    return readList(raw.findLink(index, name), readLink)[0];
  } catch (error) {
    if (errorCode(error) === 'ENODEV') return undefined;
    throw error;
  }
}

function toKindBits(kinds: unknown): number {
  if (!Array.isArray(kinds)) throw argumentError('ERR_INVALID_ARG_TYPE', 'options.kinds', 'an array of strings', kinds);
  let bits = 0;
  for (const kind of kinds) {
    const number = typeof kind === 'string' ? KINDS.indexOf(kind as ObjectKind) : -1;
    if (number === -1) {
      throw argumentError('ERR_INVALID_ARG_VALUE', 'options.kinds', `some of ${KINDS.slice(1).join(', ')}`, kind);
    }
    bits |= 1 << number;
  }
  if (bits === 0) throw argumentError('ERR_INVALID_ARG_VALUE', 'options.kinds', 'at least one kind', kinds);
  return bits;
}

function toBufferBytes(value: unknown): number {
  if (value === undefined) return DEFAULT_BUFFER_BYTES;
  checkInteger(value, 'bufferBytes', 1, MAX_BUFFER_BYTES);
  return value;
}

/** Without a prototype: a key named `__proto__` is a key. */
function toRecord(flat: string[]): Record<string, string> {
  const record: Record<string, string> = Object.create(null);
  for (let position = 0; position + 1 < flat.length; position += 2) {
    record[flat[position] as string] = flat[position + 1] as string;
  }
  return record;
}
