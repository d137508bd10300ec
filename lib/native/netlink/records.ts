/**
 * Reads the batches that native/netlink/batch.h writes: the order of fields here is that of `write` in native/netlink/{link,interface_address,
 * route,rule,neighbour}.cc. Objects of a kind all have the same keys in the same order, which is what makes ten thousand of them cheap.
 */
import type { Address, Family, Link, Neighbour, NextHop, NumberRange, Route, Rule } from '../contract.js';
import * as words from './words.js';

/** What the addon hands over: any number of records. */
export interface RawBatch {
  numbers: Float64Array;
  text: Buffer;
}

/** A position in a batch. */
export class RecordCursor {
  private readonly numbers: Float64Array;
  private readonly bytes: Buffer;
  /** All of the text, if it is ASCII: then positions in bytes and in characters are the same. */
  private readonly ascii: string | undefined;
  private position = 0;
  private textPosition = 0;

  constructor({ numbers, text }: RawBatch) {
    this.numbers = numbers;
    this.bytes = text;
    const all = text.toString('utf8');
    this.ascii = all.length === text.length ? all : undefined;
  }

  get isAtEnd(): boolean {
    return this.position >= this.numbers.length;
  }

  number(): number {
    return this.numbers[this.position++] as number;
  }

  optionalNumber(): number | undefined {
    const number = this.numbers[this.position++] as number;
    return Number.isNaN(number) ? undefined : number;
  }

  text(): string {
    const start = this.textPosition;
    const end = start + this.number();
    this.textPosition = end;
    if (start === end) return '';
    return this.ascii === undefined ? this.bytes.toString('utf8', start, end) : this.ascii.slice(start, end);
  }

  optionalText(): string | undefined {
    return this.text() || undefined;
  }
}

const familyOf = (number: number): Family => (number === words.AF_INET6 ? 'inet6' : 'inet');

function list<Entry>(count: number, read: () => Entry): Entry[] {
  return Array.from({ length: count }, read);
}

export function readLink(cursor: RecordCursor): Link {
  const index = cursor.number();
  const type = cursor.number();
  const flags = cursor.number();
  const mtu = cursor.number();
  const transmitQueueLength = cursor.number();
  const operState = words.operStates.word(cursor.number());
  const hasCarrier = cursor.number() === 1;
  const master = cursor.optionalNumber();
  const parent = cursor.optionalNumber();
  const vlanId = cursor.optionalNumber();
  const name = cursor.text();
  const mac = cursor.text();
  const broadcast = cursor.optionalText();
  const kind = cursor.optionalText();
  const alias = cursor.optionalText();
  return {
    index,
    name,
    type,
    kind,
    mac,
    broadcast,
    mtu,
    isUp: flags % 2 === 1,
    hasCarrier,
    operState,
    flags: words.linkFlags.list(flags),
    master,
    parent,
    vlanId,
    transmitQueueLength,
    alias,
    alternativeNames: list(cursor.number(), () => cursor.text()),
  };
}

export function readAddress(cursor: RecordCursor): Address {
  const family = familyOf(cursor.number());
  const index = cursor.number();
  const flags = words.addressFlags.list(cursor.number());
  const scope = words.scopes.word(cursor.number());
  const protocol = cursor.number();
  const validLifetimeSec = cursor.optionalNumber();
  const preferredLifetimeSec = cursor.optionalNumber();
  const address = cursor.text();
  const peer = cursor.optionalText();
  const broadcast = cursor.optionalText();
  const label = cursor.optionalText();
  return {
    family,
    index,
    address,
    peer,
    broadcast,
    label,
    scope,
    flags,
    protocol,
    validLifetimeSec,
    preferredLifetimeSec,
  };
}

export function readRoute(cursor: RecordCursor): Route {
  const family = familyOf(cursor.number());
  const table = cursor.number();
  const protocol = words.protocols.word(cursor.number());
  const scope = words.scopes.word(cursor.number());
  const type = words.routeTypes.word(cursor.number());
  const tos = cursor.number();
  const flags = words.routeFlags.list(cursor.number());
  const index = cursor.optionalNumber();
  const priority = cursor.optionalNumber();
  const mtu = cursor.optionalNumber();
  const preference = cursor.optionalNumber();
  const expiresSec = cursor.optionalNumber();
  const nexthopId = cursor.optionalNumber();
  const destination = cursor.text() || 'default';
  const source = cursor.optionalText();
  const gateway = cursor.optionalText();
  const preferredSource = cursor.optionalText();
  const hopCount = cursor.number();
  return {
    family,
    destination,
    source,
    gateway,
    preferredSource,
    index,
    table,
    protocol,
    scope,
    type,
    tos,
    priority,
    mtu,
    flags,
    preference: preference === undefined ? undefined : words.preferences.word(preference),
    expiresSec,
    nexthopId,
    nextHops: hopCount === 0 ? undefined : list(hopCount, () => readNextHop(cursor)),
  };
}

function readNextHop(cursor: RecordCursor): NextHop {
  const index = cursor.number();
  const weight = cursor.number();
  const flags = words.routeFlags.list(cursor.number());
  return { gateway: cursor.optionalText(), index, weight, flags };
}

function readRange(cursor: RecordCursor): NumberRange | undefined {
  const first = cursor.optionalNumber();
  const last = cursor.optionalNumber();
  return first === undefined || last === undefined ? undefined : [first, last];
}

const FIB_RULE_INVERT = 2;

export function readRule(cursor: RecordCursor): Rule {
  const family = familyOf(cursor.number());
  const action = words.ruleActions.word(cursor.number());
  const tos = cursor.number();
  const protocol = words.protocols.word(cursor.number());
  const flags = cursor.number();
  const priority = cursor.number();
  const table = cursor.number();
  const fwmark = cursor.optionalNumber();
  const fwmask = cursor.optionalNumber();
  const goto = cursor.optionalNumber();
  const suppressPrefixLength = cursor.optionalNumber();
  const ipProtocol = cursor.optionalNumber();
  const uids = readRange(cursor);
  const sourcePorts = readRange(cursor);
  const destinationPorts = readRange(cursor);
  const from = cursor.optionalText();
  const to = cursor.optionalText();
  const inputInterface = cursor.optionalText();
  const outputInterface = cursor.optionalText();
  const isInverted = (flags & FIB_RULE_INVERT) !== 0;
  return {
    family,
    priority,
    action,
    table,
    from,
    to,
    inputInterface,
    outputInterface,
    fwmark,
    fwmask,
    goto,
    suppressPrefixLength,
    tos,
    isInverted,
    protocol,
    ipProtocol,
    uids,
    sourcePorts,
    destinationPorts,
  };
}

export function readNeighbour(cursor: RecordCursor): Neighbour {
  const family = familyOf(cursor.number());
  const index = cursor.number();
  const state = words.neighbourStates.word(cursor.number());
  const flags = words.neighbourFlags.list(cursor.number());
  const protocol = words.protocols.word(cursor.number());
  const address = cursor.text();
  const mac = cursor.optionalText();
  return { family, index, address, mac, state, flags, protocol };
}
