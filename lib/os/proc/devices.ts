/** Counters of disks and network devices. */
import { columns, named, sum } from './text.js';

const DISK_COLUMNS = [
  ...(['readCompleted', 'readMerged', 'readSectors', 'readTimeMs'] as const),
  ...(['writeCompleted', 'writeMerged', 'writeSectors', 'writeTimeMs'] as const),
  ...(['ioInProgress', 'ioTimeMs', 'ioTimeWeightedMs'] as const),
  ...(['discardCompleted', 'discardMerged', 'discardSectors', 'discardTimeMs'] as const),
];
const NETWORK_COLUMNS = [
  ...(['rxBytes', 'rxPackets', 'rxErrors', 'rxDropped', 'rxFifo', 'rxFrame', 'rxCompressed', 'rxMulticast'] as const),
  ...([
    'txBytes',
    'txPackets',
    'txErrors',
    'txDropped',
    'txFifo',
    'txCollisions',
    'txCarrier',
    'txCompressed',
  ] as const),
];

/** A sector has 512 bytes, whatever the disk. */
export type DiskCounters = Record<(typeof DISK_COLUMNS)[number], number>;
export type NetworkCounters = Record<(typeof NETWORK_COLUMNS)[number], number>;

export interface DeviceCounters<Counters> {
  /** Of those devices that are hardware: what goes through a partition, a loop device or a bridge is counted below it, too. */
  total: Counters & { name: string };
  devices: (Counters & { name: string })[];
}

/**
 * /proc/diskstats: disks and their partitions.
 * @param isHardware  says of a name whether it counts for the total
 * Source: Documentation/admin-guide/iostats.rst.
 */
export function parseDiskStats(text: string, isHardware: (name: string) => boolean): DeviceCounters<DiskCounters> {
  const devices = text
    .split('\n')
    .map(columns)
    .filter((line) => line.length > 3)
    .map(([_major, _minor, name = '', ...values]) => ({ name, ...named(DISK_COLUMNS, values) }));
  return withTotal(devices, DISK_COLUMNS, isHardware);
}

/** /proc/net/dev: the devices of the reader's network namespace. Source: proc_pid_net(5). */
export function parseNetworkDevices(
  text: string,
  isHardware: (name: string) => boolean,
): DeviceCounters<NetworkCounters> {
  const devices = text
    .split('\n')
    // Two lines of titles come first; nothing but a name has a colon.
    .map((line) => /^\s*(.+?):\s*(\d.*)$/.exec(line))
    .filter((match) => match !== null)
    .map(([, name = '', values = '']) => ({ name, ...named(NETWORK_COLUMNS, columns(values)) }));
  return withTotal(devices, NETWORK_COLUMNS, isHardware);
}

function withTotal<Name extends string>(
  devices: (Record<Name, number> & { name: string })[],
  names: readonly Name[],
  isHardware: (name: string) => boolean,
): DeviceCounters<Record<Name, number>> {
  const counted = devices.filter(({ name }) => isHardware(name));
  return { total: { ...sum<Record<Name, number>>(counted, named(names, [])), name: 'total' }, devices };
}
