/** The interfaces of the machine, with what sysfs knows of the devices behind them. */
import { readFileSync, readlinkSync, realpathSync } from 'node:fs';
import { basename, join } from 'node:path';
import { errorCode } from '../base/errors.js';
import type { Link, LinkCalls } from '../native/contract.js';

export interface LinkDevice {
  /** '0000:00:03.0', 'virtio0': its place on its bus. */
  busPath: string;
  /** '1af4:1000'; '' where it is not on PCI. */
  pciId: string;
  driver: string;
}

export interface LinkFacts {
  link: Link;
  /** Absent: nothing but the kernel is behind it. */
  device: LinkDevice | undefined;
  /** Whether it would be the one that is meant where none is named. */
  isFirstChoice: boolean;
}

const ETHERNET = 1;
const SYSFS = '/sys/class/net';

/** All interfaces, in the order in which their drivers made them. Does not block. */
export function linkFacts(netlink: { link: Pick<LinkCalls, 'list'> }, sysfs = SYSFS): LinkFacts[] {
  let hasFirst = false;
  return netlink.link.list().map((link) => {
    const device = deviceOf(join(sysfs, link.name, 'device'));
    const isFirstChoice = !hasFirst && link.type === ETHERNET && device !== undefined;
    hasFirst ||= isFirstChoice;
    return { link, device, isFirstChoice };
  });
}

/** A card behind virtio is a device on the bus of that name, which is a device on PCI itself. */
function deviceOf(folder: string): LinkDevice | undefined {
  const path = orAbsent(() => realpathSync(folder));
  if (path === undefined) return undefined;
  const name = basename(path);
  const pci = /^virtio\d+$/.test(name) ? join(path, '..') : path;
  const [vendor, device] = ['vendor', 'device'].map((file) =>
    orAbsent(() => readFileSync(join(pci, file), 'latin1').trim()),
  );
  return {
    busPath: pci === path ? name : basename(join(path, '..')),
    pciId: vendor && device ? `${vendor}:${device}`.replaceAll('0x', '') : '',
    driver: basename(orAbsent(() => readlinkSync(join(path, 'driver'))) ?? ''),
  };
}

/** A device may be gone between two looks at it. */
function orAbsent<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (['ENOENT', 'ENOTDIR', 'EISDIR', 'ENODEV', 'EINVAL'].includes(errorCode(error) ?? '')) return undefined;
    throw error;
  }
}
