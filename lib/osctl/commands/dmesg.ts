import { Command } from 'commander';
import { collectWords, wholeNumber } from '../flags.js';
import type { Io } from '../io.js';

/** `osctl dmesg`: the kernel's log. */
export function dmesgCommand(io: Io): Command {
  return new Command('dmesg')
    .description("print the kernel's log")
    .option('-f, --follow', 'go on with what comes')
    .option(
      '--tail [lines]',
      'begin with so many of the last records; without a number, with -f: only what comes from now on',
      wholeNumber(0),
    )
    .option(
      '--level <level>',
      'only records of this level and worse; of several, separated by commas: only of these',
      collectWords,
    )
    .option('--facility <list>', 'only records of these facilities, kern for example', collectWords)
    .addHelpText(
      'after',
      `
Levels, from worst: emerg alert crit err warning notice info debug

Examples:
  osctl dmesg --level warning        what went wrong: warnings and worse
  osctl dmesg -f --tail              what the kernel says from now on
  osctl dmesg -f --tail 20           the last 20 records first
  osctl dmesg --tail 20 -o json      the last 20 records, an object a line
`,
    )
    .action(
      async (
        flags: { follow?: boolean; tail?: number | true; level?: string[]; facility?: string[] },
        command: Command,
      ) => {
        if (!flags.follow && flags.tail === true) {
          command.error('error: --tail without a number goes together with --follow', { exitCode: 2 });
        }
        const { printDmesg } = await import('../dmesg.js');
        await printDmesg(command, io, {
          follow: flags.follow ?? false,
          tail: flags.tail,
          levels: flags.level,
          facilities: flags.facility,
        });
      },
    );
}
