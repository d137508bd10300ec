import { Command } from 'commander';
import { wholeNumber } from '../flags.js';
import type { Io } from '../io.js';

/** `osctl logs`: what services wrote. */
export function logsCommand(io: Io): Command {
  return new Command('logs')
    .description('print the log of a service; with -f alone follow all services')
    .argument('[id]', 'the service')
    .option('-f, --follow', 'go on with what comes')
    .option(
      '--tail <lines>',
      'begin with the last lines only; -1: with everything that is there',
      wholeNumber(-1, 2 ** 31 - 1),
      -1,
    )
    .option('-k, --kubernetes', 'of a container of Kubernetes')
    .action(
      async (
        id: string | undefined,
        flags: { follow?: boolean; tail: number; kubernetes?: boolean },
        command: Command,
      ) => {
        if (id === undefined && flags.follow !== true) {
          command.error('error: name a service (osctl service lists them), or follow all of them with -f', {
            exitCode: 2,
          });
        }
        const { printLogs } = await import('../logs.js');
        await printLogs(command, io, {
          ids: id,
          follow: flags.follow ?? false,
          tail: flags.tail,
          kubernetes: flags.kubernetes ?? false,
        });
      },
    );
}
