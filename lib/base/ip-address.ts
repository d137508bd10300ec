/** Addresses and prefixes as text, in the one form in which the kernel writes them: texts can be compared then. */
import { isIP, isIPv6, SocketAddress } from 'node:net';

export type IpFamily = 'inet' | 'inet6';

/** Bits of an address. */
export const BITS = { inet: 32, inet6: 128 } as const;

/** @param text  an address, with or without a prefix length */
export function familyOf(text: string): IpFamily {
  return text.includes(':') ? 'inet6' : 'inet';
}

/** Whether it is an address by itself: without a zone, which means something on one machine only. */
export function isPlainAddress(text: string): boolean {
  return isIP(text) !== 0 && !text.includes('%');
}

/**
 * `2001:DB8:0::1` becomes `2001:db8::1`.
 * @param text  an address (isPlainAddress)
 */
export function canonicalAddress(text: string): string {
  return isIPv6(text) ? new SocketAddress({ address: text, family: 'ipv6' }).address : text;
}

/** An address with the length of its network: `2001:DB8::1/64` becomes `2001:db8::1/64`. */
export function canonicalPrefix(text: string): string {
  const [address = '', length = ''] = text.split('/');
  return `${canonicalAddress(address)}/${Number(length)}`;
}

/** The network that an address with a prefix length is in: `10.0.2.15/24` becomes `10.0.2.0/24`. */
export function networkOf(text: string): string {
  const [address = '', length = ''] = text.split('/');
  const family = familyOf(address);
  const spare = BigInt(BITS[family] - Number(length));
  return `${toText((toNumber(address, family) >> spare) << spare, family)}/${Number(length)}`;
}

/** An address as a number: its bits. */
export function toNumber(address: string, family: IpFamily): bigint {
  if (family === 'inet') return BigInt(address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0));
  const [head = '', tail] = withoutDots(canonicalAddress(address)).split('::');
  const front = head === '' ? [] : head.split(':');
  const back = tail === undefined || tail === '' ? [] : tail.split(':');
  const groups = [...front, ...Array<string>(8 - front.length - back.length).fill('0'), ...back];
  return BigInt(`0x${groups.map((group) => group.padStart(4, '0')).join('')}`);
}

/** An address whose last four bytes may be written as those of IPv4: `::ffff:192.0.2.1` becomes `::ffff:c000:201`. */
export function withoutDots(text: string): string {
  return text.replace(/(\d+)\.(\d+)\.(\d+)\.(\d+)$/, (_all, ...parts: string[]) => {
    const [a = 0, b = 0, c = 0, d = 0] = parts.slice(0, 4).map(Number);
    return `${(a * 256 + b).toString(16)}:${(c * 256 + d).toString(16)}`;
  });
}

/** The address of these bits, in the form of canonicalAddress. */
export function toText(number: bigint, family: IpFamily): string {
  if (family === 'inet') return [24n, 16n, 8n, 0n].map((shift) => String((number >> shift) & 255n)).join('.');
  const digits = number.toString(16).padStart(32, '0');
  return canonicalAddress((digits.match(/.{4}/g) ?? []).join(':'));
}
