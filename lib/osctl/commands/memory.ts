import { Command } from 'commander';
import type { Io } from '../io.js';
import { fields } from '../output.js';

const KIB_PER_MIB = 1024;

/** `osctl memory`: the memory of the nodes. */
export function memoryCommand(io: Io): Command {
  return new Command('memory')
    .aliases(['m', 'free'])
    .description('show the memory of the nodes, in MiB')
    .option('-v, --verbose', 'everything that the kernel counts, in kB')
    .action(async (flags: { verbose?: boolean }, command: Command) => {
      const { MachineService, onlyMessage, plain } = await import('../../client/index.js');
      const { printNodeList } = await import('../node-list.js');
      const mib = (kib: number) => String(Math.floor(kib / KIB_PER_MIB));
      await printNodeList(command, io, {
        ask: async ({ client }, { name, node }) => {
          const { meminfo } = plain(onlyMessage(await client.unary(MachineService.Memory, {}, { node }), name));
          return meminfo === null || meminfo === undefined ? [] : [meminfo];
        },
        header: ['TOTAL', 'USED', 'FREE', 'SHARED', 'BUFFERS', 'CACHE', 'AVAILABLE'],
        cells: ({ memtotal, memfree, shmem, buffers, cached, memavailable }) =>
          [memtotal, memtotal - memfree - cached - buffers, memfree, shmem, buffers, cached, memavailable].map(mib),
        text: flags.verbose
          ? (views) => views.map((view) => fields(Object.entries(view).map(verboseRow))).join('\n')
          : undefined,
      });
    })
    .addHelpText(
      'after',
      `
Examples:
  osctl memory
  osctl memory -v -n 10.5.0.2      all that the kernel of one node counts
  osctl memory -o json             in kB, for programs`,
    );
}

/** The counts of huge pages are the only ones that are no sizes. */
function verboseRow([name, value]: [string, string | number]): [string, string] {
  if (name === 'node') return ['NODE', String(value)];
  return [name, /^hugepages(total|free|rsvd|surp)$/.test(name) ? String(value) : `${value} kB`];
}
