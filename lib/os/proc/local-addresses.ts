/**
 * The node's own addresses as text files of /proc have them: no socket is opened for it, unlike by os.networkInterfaces(), which asks
 * over netlink.
 */
import { SocketAddress } from 'node:net';

/** `|-- 192.0.2.2` with `/32 host LOCAL` below it: an address of ours; networks and broadcasts have other lengths or kinds. */
const LOCAL_IPV4 = /\|-- (\d+\.\d+\.\d+\.\d+)\n +\/32 host LOCAL/g;
/** 32 digits, index, length, scope and flags, name. */
const IPV6_LINE = /^([0-9a-f]{32}) /;

/**
 * IPv4 addresses of /proc/net/fib_trie, each once.
 * @param text  the whole file; its tables may name an address more than once
 */
export function parseLocalIpv4(text: string): string[] {
  return [...new Set([...text.matchAll(LOCAL_IPV4)].map((match) => match[1] as string))];
}

/** Addresses of /proc/net/if_inet6, without zone, in the short form. Lines that are none are passed over. */
export function parseLocalIpv6(text: string): string[] {
  return text.split('\n').flatMap((line) => {
    const digits = IPV6_LINE.exec(line)?.[1];
    if (digits === undefined) return [];
    const address = digits.match(/.{4}/g)?.join(':') as string;
    return [new SocketAddress({ address, family: 'ipv6' }).address];
  });
}
