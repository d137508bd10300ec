import { Command, Option } from 'commander';
import { durationFlag, wholeNumber } from '../flags.js';
import type { Io } from '../io.js';
import { outputFormat } from '../output.js';

const EXAMPLES = `
What happens on a node from now on, until interrupted. A node keeps its newest 1000 events.

Examples:
  osctl events --tail 20             the newest 20 first
  osctl events --tail -1             all that there are first
  osctl events --since 10m           those of the last ten minutes first
  osctl events --since d0vq1g2k…     those after the one with this id first
  osctl events --actor-id ID         only what follows from one call, such as a reboot
  osctl events -o json               a line of JSON for each
`;

/** `osctl events`: follows what happens on the nodes. */
export function eventsCommand(io: Io): Command {
  return new Command('events')
    .description('follow what happens on the nodes')
    .option('--tail <number>', 'that many of the newest ones first; -1: all', wholeNumber(-1, 2 ** 31 - 1), 0)
    .option('--since <duration|id>', 'those of so long, or after that one, first')
    .addOption(new Option('--duration <duration>', 'those of so long first').argParser(durationFlag))
    .option('--actor-id <id>', 'only those that follow from that call')
    .addHelpText('after', EXAMPLES)
    .action(async (flags: { tail: number; since?: string; duration?: number; actorId?: string }, command: Command) => {
      const format = outputFormat(command);
      const { followEvents } = await import('../events.js');
      await followEvents(command, io, format, flags);
    });
}
