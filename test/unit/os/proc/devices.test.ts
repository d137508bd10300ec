import t from 'tap';
import { parseDiskStats, parseNetworkDevices } from '../../../../lib/os/proc/devices.js';

const DISKS = `   7       0 loop0 2384 36 158340 931 1375 965 735356 1533 0 1848 3443 31 0 1896470 31 841 945
 254       0 vda 100 1 2000 30 40 2 800 50 6 70 80 9 10 11 12 13 14
 254       1 vda1 90 1 1900 29 40 2 800 50 0 70 79 0 0 0 0 0 0
   8       0 sda 1 2 3 4 5 6 7 8 0 9 10
`;

t.test('disks: the total is that of the hardware', async (t) => {
  const { total, devices } = parseDiskStats(DISKS, (name) => name === 'vda' || name === 'sda');
  t.strictSame(
    devices.map(({ name }) => name),
    ['loop0', 'vda', 'vda1', 'sda'],
  );
  t.strictSame(devices[1], {
    name: 'vda',
    ...{ readCompleted: 100, readMerged: 1, readSectors: 2000, readTimeMs: 30 },
    ...{ writeCompleted: 40, writeMerged: 2, writeSectors: 800, writeTimeMs: 50 },
    ...{ ioInProgress: 6, ioTimeMs: 70, ioTimeWeightedMs: 80 },
    ...{ discardCompleted: 9, discardMerged: 10, discardSectors: 11, discardTimeMs: 12 },
  });
  t.match(devices[3], { ioTimeWeightedMs: 10, discardCompleted: 0 }, 'a kernel that does not count discards');
  t.match(total, { name: 'total', readCompleted: 101, readSectors: 2003, writeTimeMs: 58, ioInProgress: 6 });
  t.equal(parseDiskStats('', () => true).total.readCompleted, 0);
});

const NETWORK = `Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed
    lo: 893142416  132809    0    0    0     0          0         0 893142416  132809    0    0    0     0       0          0
  eth0: 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16
eth0.5:100    0    0    0    0     0          0         0        0       0    0    0    0     0       0          0
`;

t.test('network devices', async (t) => {
  const { total, devices } = parseNetworkDevices(NETWORK, (name) => name === 'eth0');
  t.strictSame(
    devices.map(({ name, rxBytes }) => [name, rxBytes]),
    [
      ['lo', 893_142_416],
      ['eth0', 1],
      ['eth0.5', 100],
    ],
  );
  const counters = {
    ...{ rxBytes: 1, rxPackets: 2, rxErrors: 3, rxDropped: 4, rxFifo: 5, rxFrame: 6, rxCompressed: 7, rxMulticast: 8 },
    ...{ txBytes: 9, txPackets: 10, txErrors: 11, txDropped: 12, txFifo: 13, txCollisions: 14, txCarrier: 15 },
    txCompressed: 16,
  };
  t.strictSame(devices[1], { name: 'eth0', ...counters });
  t.strictSame(total, { ...counters, name: 'total' }, 'what goes through a VLAN goes through its device, too');
});
