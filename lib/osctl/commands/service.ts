import { Argument, Command } from 'commander';
import type { Io } from '../io.js';
import { outputFormat } from '../output.js';

/** `osctl service`: list services, look at one, start, stop or restart it. */
export function serviceCommand(io: Io): Command {
  return new Command('service')
    .alias('services')
    .description('list the services of the nodes, or look at, start, stop or restart one')
    .argument('[id]', 'the service')
    .addArgument(
      new Argument('[action]', 'what to do with it').choices(['status', 'start', 'stop', 'restart']).default('status'),
    )
    .action(
      async (
        id: string | undefined,
        action: 'status' | 'start' | 'stop' | 'restart',
        _flags: unknown,
        command: Command,
      ) => {
        const format = outputFormat(command);
        const { controlService, listServices, showService } = await import('../service-view.js');
        if (id === undefined) await listServices(command, io, format);
        else if (action === 'status') await showService(command, io, format, id);
        else await controlService(command, io, format, id, action);
      },
    );
}
