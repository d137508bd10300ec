import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { cpuFrequencies } from '../../../lib/os/cpu-frequency.js';
import { hardwareDevices } from '../../../lib/os/hardware.js';

t.test('what is hardware, and where it is attached', async (t) => {
  const folder = t.testdir({ bonding_masters: '' });
  const links = {
    vda: '../devices/pci0000:00/0000:00:05.0/virtio2/block/vda',
    sda: '../devices/pci0000:00/0000:00:1f.2/ata1/host0/target0:0:0/0:0:0:0/block/sda',
    nvme0n1: '../devices/pci0000:00/0000:00:06.0/nvme/nvme0/nvme0n1',
    nvme1n1: '../devices/virtual/nvme-subsystem/nvme-subsys1/nvme1n1',
    loop0: '../devices/virtual/block/loop0',
    'dm-0': '../devices/virtual/block/dm-0',
    eth0: '../../devices/pci0000:00/0000:00:03.0/virtio0/net/eth0',
    lo: '../../devices/virtual/net/lo',
    veth1: '../../devices/virtual/net/veth1',
  };
  for (const [name, link] of Object.entries(links)) await symlink(link, join(folder, name));
  t.strictSame(
    [...(await hardwareDevices(folder))],
    [
      ['eth0', '/pci0000:00/0000:00:03.0/virtio0'],
      ['nvme0n1', '/pci0000:00/0000:00:06.0/nvme/nvme0'],
      ['nvme1n1', '/virtual/nvme-subsystem/nvme-subsys1'],
      ['sda', '/pci0000:00/0000:00:1f.2/ata1/host0/target0:0:0/0:0:0:0'],
      ['vda', '/pci0000:00/0000:00:05.0/virtio2'],
    ],
  );
  await t.rejects(hardwareDevices(join(folder, 'none')), { code: 'ENOENT' });
});

t.test('frequencies: by number, none where there is no scaling', async (t) => {
  const folder = t.testdir({ cpuidle: {}, cpufreq: {}, cpu0: {} });
  t.strictSame(await cpuFrequencies(folder), []);
  for (const number of [1, 2, 10]) {
    await mkdir(join(folder, `cpu${number}`, 'cpufreq'), { recursive: true });
    const values = {
      ...{
        scaling_cur_freq: number * 1000,
        cpuinfo_min_freq: 800,
        cpuinfo_max_freq: 4000,
        scaling_governor: 'schedutil',
      },
    };
    for (const [name, value] of Object.entries(values)) {
      await writeFile(join(folder, `cpu${number}`, 'cpufreq', name), `${value}\n`);
    }
  }
  const rest = { minimumFrequency: 800, maximumFrequency: 4000, governor: 'schedutil' };
  t.strictSame(
    await cpuFrequencies(folder),
    [1, 2, 10].map((number) => ({ currentFrequency: number * 1000, ...rest })),
  );
});
