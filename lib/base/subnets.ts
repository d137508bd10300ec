/** Which networks lie in which, as texts of the form `10.244.0.0/16`. Host bits do not matter: a network is meant. */
import { BITS, familyOf, type IpFamily, toNumber, toText } from './ip-address.js';

/** What a network is from its first address to its last: for those who compare many. */
export interface IpRange {
  family: IpFamily;
  first: bigint;
  last: bigint;
}

/** @param text  an address, or a network whose whole is meant */
export function rangeOf(text: string): IpRange {
  const [address = '', length] = text.split('/');
  const family = familyOf(address);
  const spare = BigInt(BITS[family] - Number(length ?? BITS[family]));
  const first = (toNumber(address, family) >> spare) << spare;
  return { family, first, last: first + (1n << spare) - 1n };
}

/** Whether two networks, or addresses, have an address in common. */
export function overlap(left: string, right: string): boolean {
  return hasCommon(rangeOf(left), rangeOf(right));
}

/** As `overlap`. */
export function hasCommon(one: IpRange, other: IpRange): boolean {
  return one.family === other.family && one.first <= other.last && other.first <= one.last;
}

/** @param text  an address, or a network whose whole is meant */
export function isWithin(text: string, network: string): boolean {
  const [inner, outer] = [rangeOf(text), rangeOf(network)];
  return inner.family === outer.family && outer.first <= inner.first && inner.last <= outer.last;
}

/** The address of a network with that number, 0 being the network's own; undefined when it has none so high. */
export function addressAt(network: string, index: number): string | undefined {
  const { family, first, last } = rangeOf(network);
  const number = first + BigInt(index);
  return number > last ? undefined : toText(number, family);
}

/** Bits of the network part: 16 of `10.244.0.0/16`. */
export function prefixLength(network: string): number {
  return Number(network.split('/')[1]);
}
