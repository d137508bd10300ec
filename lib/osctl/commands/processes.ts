import { Command, Option } from 'commander';
import { formatBytes, SECOND_MS } from '../../base/units.js';
import type { Io } from '../io.js';
import { outputFormat } from '../output.js';

const WATCH_INTERVAL_MS = 2 * SECOND_MS;
/** To the top left corner, and nothing below. */
const CLEAR = '\u001b[H\u001b[J';

/** `osctl processes`: the processes of the nodes. */
export function processesCommand(io: Io): Command {
  return new Command('processes')
    .aliases(['p'])
    .description('list the processes of the nodes')
    .addOption(new Option('--sort <key>', 'largest first').choices(['rss', 'cpu']).default('rss'))
    .option('-w, --watch', 'again and again, until interrupted')
    .action(async (flags: { sort: 'rss' | 'cpu'; watch?: boolean }, command: Command) => {
      const format = outputFormat(command);
      const { MachineService, onlyMessage, plain } = await import('../../client/index.js');
      const { printOnce } = await import('../node-list.js');
      const { withSession } = await import('../session.js');
      const { commandText, sorted } = await import('../process-view.js');
      await withSession(command, io, async (session) => {
        const lead = flags.watch && io.stdout.isTTY ? CLEAR : '';
        for (;;) {
          await printOnce(
            session,
            io,
            format,
            {
              ask: async ({ client }, { name, node }) => {
                const { processes } = onlyMessage(await client.unary(MachineService.Processes, {}, { node }), name);
                return sorted(plain(processes ?? []), flags.sort);
              },
              header: ['PID', 'STATE', 'THREADS', 'CPU-TIME', 'VIRTMEM', 'RESMEM', 'LABEL', 'COMMAND'],
              cells: (process) => [
                String(process.pid),
                process.state,
                String(process.threads),
                process.cpuTime.toFixed(2),
                formatBytes(process.virtualMemory),
                formatBytes(process.residentMemory),
                process.label || '-',
                commandText(process),
              ],
            },
            lead,
          );
          if (!flags.watch) return;
          await new Promise((resolve) => setTimeout(resolve, WATCH_INTERVAL_MS));
        }
      });
    })
    .addHelpText(
      'after',
      `
CPU-TIME is in seconds. Kernel threads, and processes that have ended and were not waited for, are in brackets.

Examples:
  osctl processes --sort cpu
  osctl processes -w
  osctl processes -o json          sizes in bytes, for programs`,
    );
}
