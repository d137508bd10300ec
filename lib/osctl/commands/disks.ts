import { Command } from 'commander';
import { formatBytes } from '../../base/units.js';
import type { Io } from '../io.js';

/** Values of storage.Disk.DiskType. */
const TYPES = ['UNKNOWN', 'SSD', 'HDD', 'NVME', 'SD', 'CD'];

/** `osctl disks`: the disks of the nodes. */
export function disksCommand(io: Io): Command {
  return new Command('disks')
    .description('list the disks of the nodes')
    .action(async (_flags: unknown, command: Command) => {
      const { onlyMessage, plain, StorageService } = await import('../../client/index.js');
      const { printNodeList } = await import('../node-list.js');
      await printNodeList(command, io, {
        ask: async ({ client }, { name, node }) => {
          const { disks } = onlyMessage(await client.unary(StorageService.Disks, {}, { node }), name);
          return plain(disks ?? []).map((disk) => ({ ...disk, type: TYPES[disk.type] ?? String(disk.type) }));
        },
        header: [
          ...['DEV', 'MODEL', 'SERIAL', 'TYPE', 'UUID', 'WWID', 'MODALIAS', 'NAME', 'SIZE', 'BUS_PATH', 'SUBSYSTEM'],
          ...['READ_ONLY', 'SYSTEM_DISK'],
        ],
        cells: (disk) => [
          ...[disk.deviceName, disk.model, disk.serial, disk.type, disk.uuid, disk.wwid, disk.modalias, disk.name].map(
            (text) => text || '-',
          ),
          formatBytes(disk.size),
          disk.busPath || '-',
          disk.subsystem || '-',
          disk.readonly ? '*' : '',
          disk.systemDisk ? '*' : '',
        ],
      });
    })
    .addHelpText(
      'after',
      `
Examples:
  osctl disks
  osctl disks -o json              sizes in bytes, for programs`,
    );
}
