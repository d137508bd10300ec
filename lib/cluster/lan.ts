/**
 * The network of a cluster of several nodes: one segment, on which each has a second card and an address that its machine config gives it. The
 * cards meet in a switch of our own (frame-switch.ts), so root is not needed, and a machine that is off or stopped is missed by nobody.
 *
 * QEMU's user network, by which the API of a node is reached from here, stays apart: it looks at no hardware address and resets every TCP
 * connection that it sees and has not made.
 */

/** A node's place in the segment. */
export interface LanPlace {
  /** From 0 on. */
  readonly place: number;
}

/** Of the segment. */
export const LAN_SUBNET = '10.5.0.0/24';

export const MAX_LAN_NODES = 200;
const FIRST_NODE = 2;

/** What the machine config says of the card. */
export function lanInterface({ place }: LanPlace): {
  interface: string;
  address: string;
  prefix: number;
} {
  return { interface: 'eth1', address: `10.5.0.${FIRST_NODE + place}`, prefix: 24 };
}

/** Where the switch listens, in the folder of the cluster, which is QEMU's working folder. */
export const LAN_SOCKET = 'lan.sock';

/**
 * QEMU's options for it.
 * @param card  `-device` of the card, without its network
 */
export function lanArguments({ place }: LanPlace, card: string): string[] {
  return [
    ...['-netdev', `stream,id=lan,addr.type=unix,addr.path=${LAN_SOCKET},server=off,reconnect-ms=500`],
    // QEMU gives every card the same address unless it is told.
    ...['-device', `${card},netdev=lan,mac=52:54:00:05:00:${(FIRST_NODE + place).toString(16).padStart(2, '0')}`],
  ];
}
