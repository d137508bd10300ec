import { Command } from 'commander';
import { wholeNumber } from '../flags.js';
import type { Io } from '../io.js';

/** `osctl dmesg`: the kernel's log. */
export function dmesgCommand(io: Io): Command {
  return new Command('dmesg')
    .description("print the kernel's log")
    .option('-f, --follow', 'go on with what comes')
    .option(
      '--tail [lines]',
      'with -f: only what comes from now on; with a number: only the last records',
      wholeNumber(0),
    )
    .action(async (flags: { follow?: boolean; tail?: number | true }, command: Command) => {
      if (flags.follow && typeof flags.tail === 'number') {
        command.error('error: --tail with a number and --follow do not go together', { exitCode: 2 });
      }
      if (!flags.follow && flags.tail === true) {
        command.error('error: --tail without a number goes together with --follow', { exitCode: 2 });
      }
      const { printDmesg } = await import('../dmesg.js');
      await printDmesg(command, io, { follow: flags.follow ?? false, tail: flags.tail });
    });
}
