import { Command } from 'commander';
import type { Io } from '../io.js';

/** `osctl stats`: what services and containers use. */
export function statsCommand(io: Io): Command {
  return new Command('stats')
    .description('show memory and CPU time of services and containers')
    .option('-k, --kubernetes', 'those of Kubernetes instead of those of the system')
    .action(async (flags: { kubernetes?: boolean }, command: Command) => {
      const { MachineService, onlyMessage, plain } = await import('../../client/index.js');
      const { printNodeList } = await import('../node-list.js');
      const request = flags.kubernetes ? { namespace: 'k8s.io', driver: 1 } : { namespace: 'system', driver: 0 };
      await printNodeList(command, io, {
        ask: async ({ client }, { name, node }) =>
          plain(onlyMessage(await client.unary(MachineService.Stats, request, { node }), name).stats ?? []),
        header: ['NAMESPACE', 'ID', 'MEMORY(MB)', 'CPU'],
        cells: ({ namespace, id, memoryUsage, cpuUsage }) => [
          namespace,
          id,
          (memoryUsage / 1e6).toFixed(2),
          `${(cpuUsage / 1e9).toFixed(2)} s`,
        ],
      });
    })
    .addHelpText(
      'after',
      `
MEMORY is what the group of a service holds now, its part of the page cache included; CPU is what it has used since it was made.
Of init most is missing: what PID 1 took before it had a group is nobody's. \`osctl processes\` shows it.

Examples:
  osctl stats                 of the services of the node
  osctl stats -k -o json      of the containers of Kubernetes, for programs`,
    );
}
