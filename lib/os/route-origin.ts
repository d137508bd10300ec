/** Who has made an address or a route, as the kernel remembers it. */

/** Marks what networkd makes by the machine config: of addresses IFA_PROTO, of routes the protocol. */
export const CONFIG_PROTOCOL = 84;
/** Marks routes to the pods of other nodes, which networkd makes, too. */
export const POD_PROTOCOL = 85;

/** IFAPROT_* of linux/if_addr.h: loopback, router advertisement, link-local address. */
const OF_KERNEL: readonly number[] = [1, 3];
const OF_ADVERTISEMENT = 2;

/** @returns '' when it is not known */
export function originOfAddress({
  protocol,
  validLifetimeSec,
}: {
  protocol: number;
  validLifetimeSec?: number | undefined;
}): string {
  if (protocol === CONFIG_PROTOCOL) return 'config';
  if (protocol === OF_ADVERTISEMENT) return 'ra';
  if (OF_KERNEL.includes(protocol)) return 'kernel';
  // Leases are the only other ones that end by themselves.
  return validLifetimeSec === undefined ? '' : 'dhcp';
}

export function originOfRoute(protocol: string | number): string {
  if (protocol === POD_PROTOCOL) return 'pods';
  return protocol === CONFIG_PROTOCOL ? 'config' : String(protocol);
}
