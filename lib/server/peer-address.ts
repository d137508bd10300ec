const MAPPED = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i;

/** An address as it is written down: IPv4 that a socket of both families shows as IPv6 (RFC 4291 section 2.5.5.2) is IPv4. */
export function plainAddress(address: string): string {
  return MAPPED.exec(address)?.[1] ?? address;
}
