import { existsSync } from 'node:fs';
import { TalosError } from '../base/errors.js';
import type { AddressCalls, Link, LinkCalls, NetlinkModule, RouteCalls } from '../native/contract.js';
import { untilUevent } from './until-uevent.js';

/** ARPHRD types. */
const ETHERNET = 1;
const LOOPBACK = 772;

export interface InterfaceAddress {
  /** CIDR notation. */
  address: string;
  gateway?: string | undefined;
}

export interface WaitForInterfaceOptions {
  /** Absent: the first Ethernet interface with a device behind it (not dummy0 or a bridge). */
  name?: string | undefined;
  timeoutMs: number;
  signal?: AbortSignal | undefined;
  /** /sys/class/net, or another folder in tests. */
  sysfs?: string;
}

/**
 * Brings the loopback interface up; the kernel then gives it 127.0.0.1/8 and ::1/128 by itself. Does not block.
 * @throws TalosError ERR_NO_INTERFACE where there is none
 */
export function bringUpLoopback(netlink: { link: Pick<LinkCalls, 'list' | 'set'> }): void {
  const loopback = netlink.link.list().find((link) => link.type === LOOPBACK);
  if (!loopback) throw new TalosError('ERR_NO_INTERFACE', 'the kernel has no loopback interface');
  netlink.link.set(loopback.index, { isUp: true });
}

/**
 * The interface to configure, as soon as its driver has made it. Waits for uevents, does not poll and does not block.
 * @throws TalosError ERR_WAIT_TIMEOUT naming the interfaces that there are
 */
export function waitForInterface(
  netlink: { link: Pick<LinkCalls, 'list'> } & Pick<NetlinkModule, 'monitorUevents'>,
  { name, timeoutMs, signal, sysfs = '/sys/class/net' }: WaitForInterfaceOptions,
): Promise<Link> {
  const isWanted = (link: Link) =>
    name === undefined ? link.type === ETHERNET && existsSync(`${sysfs}/${link.name}/device`) : link.name === name;
  return untilUevent({
    netlink,
    // The kernel lists links by index: the order in which drivers made them.
    look: () => netlink.link.list().find(isWanted),
    // A rename is a 'move'.
    matters: (event) => event.subsystem === 'net' && event.action !== 'remove',
    timeoutMs,
    signal,
    describe: () => {
      const names = netlink.link.list().map((link) => link.name);
      return `${name === undefined ? 'an Ethernet interface' : `the interface '${name}'`} (there are: ${names.join(', ')})`;
    },
  });
}

/**
 * Brings the interface up and gives it the address, and the default route by the gateway if there is one. May be repeated.
 * Does not wait for a carrier, and does not block.
 * @throws the error of the kernel, with its own explanation: EINVAL, ENODEV, ENETUNREACH (gateway not on the network)
 */
export function configureInterface(
  netlink: {
    link: Pick<LinkCalls, 'set'>;
    address: Pick<AddressCalls, 'replace'>;
    route: Pick<RouteCalls, 'replace'>;
  },
  link: Pick<Link, 'index'>,
  { address, gateway }: InterfaceAddress,
): void {
  netlink.link.set(link.index, { isUp: true });
  netlink.address.replace({ index: link.index, address });
  if (gateway !== undefined) netlink.route.replace({ destination: 'default', gateway, index: link.index });
}
