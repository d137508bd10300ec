import { Command } from 'commander';
import { wholeNumber } from '../flags.js';
import type { Io } from '../io.js';

/** `osctl logs`: what services wrote. */
export function logsCommand(io: Io): Command {
  return new Command('logs')
    .description('print the log of a service; with -f alone follow all services')
    .argument('[id...]', 'the service; of several each line is behind its name')
    .option('-f, --follow', 'go on with what comes')
    .option(
      '--tail <lines>',
      'begin with the last lines only; -1: with everything that is there',
      wholeNumber(-1, 2 ** 31 - 1),
      -1,
    )
    .option('-k, --kubernetes', 'of a container of Kubernetes, or of the kubelet')
    .addHelpText(
      'after',
      `
Into a pipe or a file a log goes as it was written; on a terminal its control characters are shown as \\x1b. With -o json a line is an object:
{"node", "service", "line"}. What the node could not keep for a reader that was too slow is said on stderr, and the exit code is 5.

Examples:
  osctl logs machined --tail 100     the last hundred lines
  osctl logs -f osd machined         two services as they go on, a name in front of each line
  osctl logs -f --tail 0             all services, only what comes from now on
  osctl logs osd -n 10.0.0.2,10.0.0.3 -o json
`,
    )
    .action(
      async (ids: string[], flags: { follow?: boolean; tail: number; kubernetes?: boolean }, command: Command) => {
        if (ids.length === 0 && flags.follow !== true) {
          command.error('error: name a service (osctl service lists them), or follow all of them with -f', {
            exitCode: 2,
          });
        }
        const { printLogs } = await import('../logs.js');
        await printLogs(command, io, {
          ids: [...new Set(ids)],
          follow: flags.follow ?? false,
          tail: flags.tail,
          kubernetes: flags.kubernetes ?? false,
        });
      },
    );
}
