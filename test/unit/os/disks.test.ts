import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import t from 'tap';
import type { MountInfo } from '../../../lib/native/contract.js';
import { listDisks, systemDevices } from '../../../lib/os/disks.js';

const mount = (mountPoint: string, device: string) => ({ mountPoint, device }) as MountInfo;

/** A tree of sysfs: devices by their place, attributes by their path. */
async function sysfs(folder: string, devices: Record<string, { link: string; files: Record<string, string> }>) {
  for (const [name, { link, files }] of Object.entries(devices)) {
    for (const [path, value] of Object.entries(files)) {
      const file = join(folder, 'devices', link, path);
      await mkdir(dirname(file), { recursive: true });
      await writeFile(file, `${value}\n`);
    }
    await mkdir(join(folder, 'block'), { recursive: true });
    await symlink(`../devices/${link}`, join(folder, 'block', name));
  }
}

t.test('disks of every kind', async (t) => {
  const folder = t.testdir({});
  await sysfs(folder, {
    vda: {
      link: 'pci0000:00/0000:00:05.0/virtio2/block/vda',
      files: {
        ...{ size: '8192', ro: '1', serial: 'talosconfig', 'device/modalias': 'virtio:d2', 'queue/rotational': '1' },
        dev: '254:0',
      },
    },
    sda: {
      link: 'pci0000:00/0000:00:1f.2/ata1/host0/target0:0:0/0:0:0:0/block/sda',
      files: {
        ...{ size: '2000000000', ro: '0', 'device/model': 'SOME SSD        ', 'device/wwid': 'naa.5002538e' },
        ...{ 'queue/rotational': '0', dev: '8:0', 'sda1/dev': '8:1', 'sda2/dev': '8:2', 'sda2/holders/dm-0/x': '' },
      },
    },
    nvme0n1: {
      link: 'pci0000:00/0000:00:06.0/nvme/nvme0/nvme0n1',
      files: {
        ...{
          size: '4000000000',
          ro: '0',
          'device/model': 'FAST',
          'device/serial': 'S1',
          wwid: 'eui.0025',
          uuid: 'u-u',
        },
        dev: '259:0',
      },
    },
    mmcblk0: {
      link: 'platform/mmc0/mmc0:0001/block/mmcblk0',
      files: { size: '100', ro: '0', 'device/name': 'SD32G', dev: '179:0' },
    },
    sr0: { link: 'pci0000:00/ata2/block/sr0', files: { size: '0', ro: '0', dev: '11:0' } },
    loop0: { link: 'virtual/block/loop0', files: { size: '5', ro: '0', dev: '7:0' } },
    'dm-0': { link: 'virtual/block/dm-0', files: { size: '5', ro: '0', dev: '253:0' } },
  });
  await symlink('../../../../../../class/block', join(folder, 'block', 'vda', 'subsystem'));
  const disks = await listDisks(
    systemDevices([mount('/', '0:1'), mount('/var', '253:0'), mount('/mnt', '259:0')]),
    folder,
  );
  t.strictSame(
    disks.map(({ name, type, systemDisk }) => [name, type, systemDisk]),
    [
      ['mmcblk0', 'SD', false],
      ['nvme0n1', 'NVME', false],
      ['sda', 'SSD', true],
      ['vda', 'HDD', false],
    ],
    'the system is on what device-mapper has made of a partition',
  );
  t.strictSame(disks[3], {
    ...{
      size: 4_194_304,
      model: '',
      deviceName: '/dev/vda',
      name: 'vda',
      serial: 'talosconfig',
      modalias: 'virtio:d2',
    },
    ...{ uuid: '', wwid: '', type: 'HDD', busPath: '/pci0000:00/0000:00:05.0/virtio2', systemDisk: false },
    ...{ subsystem: '/sys/class/block', readonly: true },
  });
  t.match(disks[1], { model: 'FAST', serial: 'S1', wwid: 'eui.0025', uuid: 'u-u', busPath: /nvme\/nvme0$/ });
  t.match(disks[2], { model: 'SOME SSD', wwid: 'naa.5002538e', size: 1_024_000_000_000, readonly: false });
  for (const device of ['8:0', '8:1']) {
    const found = await listDisks(systemDevices([mount('/', device)]), folder);
    t.strictSame(
      found.filter(({ systemDisk }) => systemDisk).map(({ name }) => name),
      ['sda'],
    );
  }
});
