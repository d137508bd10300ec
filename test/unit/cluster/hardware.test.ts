/** What a node's machine can be made of, and how QEMU is told. */
import t from 'tap';
import { chooseHardware, type HardwareRequest } from '../../../lib/cluster/hardware.js';
import { DISK_MODELS, MACHINES, type MachineName, NETWORK_MODELS } from '../../../lib/cluster/machines.js';
import { qemuArguments } from '../../../lib/cluster/qemu-arguments.js';
import { allCombinations, SIX_COMBINATIONS } from '../../helpers/checks/hardware.js';

t.test('what is not asked for is chosen', async (t) => {
  t.strictSame(chooseHardware({}), { machine: 'q35', disk: 'virtio-blk', network: 'virtio-net' });
  t.equal(chooseHardware({ arch: 'arm64' }).machine, 'virt');
  t.strictSame(chooseHardware({ machine: 'virt', disk: 'nvme', network: 'e1000e', firmware: 'uefi' }), {
    machine: 'virt',
    disk: 'nvme',
    network: 'e1000e',
  });
});

t.test('what cannot be had is refused, with what can', async (t) => {
  const cases: [HardwareRequest, string, string][] = [
    [{ arch: 'arm64', machine: 'q35' }, 'the machine q35 is not for arm64', 'use --machine virt'],
    [{ arch: 'amd64', machine: 'virt' }, 'the machine virt is not for amd64', 'use --machine q35 or microvm'],
    [{ machine: 'microvm', disk: 'nvme' }, 'the machine microvm takes no nvme disks', 'use --disk virtio-blk'],
    [
      { machine: 'microvm', network: 'e1000e' },
      'the machine microvm takes no e1000e network cards',
      'use --network virtio-net',
    ],
    [{ machine: 'microvm', firmware: 'uefi' }, 'the machine microvm has no UEFI firmware', 'use --firmware none'],
  ];
  for (const [request, message, hint] of cases) {
    t.throws(() => chooseHardware(request), { code: 'ERR_HARDWARE', message, hint });
  }
});

t.test('every combination becomes a command line of its own', async (t) => {
  const seen = new Set<string>();
  for (const machine of Object.keys(MACHINES) as MachineName[]) {
    const disks = DISK_MODELS.filter((disk) => MACHINES[machine].disks[disk]);
    const networks = NETWORK_MODELS.filter((network) => MACHINES[machine].networks[network]);
    for (const disk of disks) {
      for (const network of networks) {
        const words = qemuArguments({
          ...{ name: 'n1', machine, disk, network, accelerator: 'tcg', cpus: 1, memoryMib: 512 },
          ...{ kernel: '/k', initramfs: '/i', kernelArguments: [], apiPort: 1, consoleLog: '/l', qmpSocket: 'q' },
          ...{ configDisk: '/c', systemDisk: '/s', rootDisk: '/r' },
          firmware: { code: '/code', variables: '/variables' },
        });
        const line = words.join(' ');
        t.match(line, /-device \S+,drive=config,serial=talosconfig/);
        t.match(line, /id=system,format=raw,file=\/s,discard=unmap -device \S+,drive=system,serial=talossystem/);
        t.match(line, /id=root,format=raw,file=\/r,(readonly|snapshot)=on -device \S+,drive=root,serial=talosroot/);
        t.equal(words.filter((word) => /^ide-hd,bus=ahci\.[012],/.test(word)).length, disk === 'ahci' ? 3 : 0);
        t.match(line, /-device \S+,netdev=net0/);
        t.match(line, /if=pflash,format=raw,unit=0,readonly=on,file=\/code .*unit=1,file=\/variables/);
        t.notMatch(line, /undefined/);
        seen.add(line);
      }
    }
  }
  t.equal(seen.size, 9 + 1 + 9);
});

t.test('the machines that tests boot have everything of the table', async (t) => {
  for (const [name, { disks, networks, hasFlash }] of Object.entries(MACHINES)) {
    const those = SIX_COMBINATIONS.filter(({ machine }) => machine === name);
    if (hasFlash) t.equal(new Set(those.map(({ firmware }) => firmware)).size, 2, `${name}: with and without UEFI`);
    for (const disk of Object.keys(disks)) t.ok(those.some((each) => each.disk === disk) || name === 'q35', disk);
    for (const network of Object.keys(networks))
      t.ok(
        SIX_COMBINATIONS.some((each) => each.network === network),
        network,
      );
  }
  for (const combination of SIX_COMBINATIONS) t.strictSame(chooseHardware(combination).machine, combination.machine);
  t.equal(allCombinations().length, 72 + 4 + 72);
});
