import { Command } from 'commander';
import type { Io } from '../io.js';

const GB = 1e9;

/** `osctl mounts`: what is mounted on the nodes, and how full it is. */
export function mountsCommand(io: Io): Command {
  return new Command('mounts')
    .alias('mount')
    .description('list what is mounted on the nodes, and how full it is')
    .action(async (_flags: unknown, command: Command) => {
      const { MachineService, onlyMessage, plain } = await import('../../client/index.js');
      const { printNodeList } = await import('../node-list.js');
      const gb = (bytes: number) => (bytes / GB).toFixed(2);
      await printNodeList(command, io, {
        ask: async ({ client }, { name, node }) =>
          plain(onlyMessage(await client.unary(MachineService.Mounts, {}, { node }), name).stats ?? []),
        header: ['FILESYSTEM', 'SIZE(GB)', 'USED(GB)', 'AVAILABLE(GB)', 'PERCENT USED', 'MOUNTED ON'],
        cells: ({ filesystem, size, available, mountedOn }) => {
          const used = Math.max(size - available, 0);
          const share = size === 0 ? 0 : (used / size) * 100;
          return [filesystem, gb(size), gb(used), gb(available), `${share.toFixed(2)}%`, mountedOn];
        },
      });
    })
    .addHelpText(
      'after',
      `
A file system that has no size, does not answer in time or may not be asked is shown with size 0.

Examples:
  osctl mounts
  osctl mounts -o json             in bytes, for programs`,
    );
}
