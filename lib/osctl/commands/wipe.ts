import { Command, Option } from 'commander';
import { DAY_MS } from '../../base/units.js';
import type { GlobalFlags } from '../flags.js';
import type { Io } from '../io.js';

/** Zeroing takes as long as the disks do. grpc-js cannot read a deadline that is 25 days away. */
const ZEROING_MS = 7 * DAY_MS;

/** `osctl wipe`: makes storage look like nothing. */
export function wipeCommand(io: Io): Command {
  return new Command('wipe').description('wipe disks and partitions that nothing uses').addCommand(diskCommand(io));
}

function diskCommand(io: Io): Command {
  return new Command('disk')
    .description('wipe disks and partitions by their names: what they have is lost')
    .argument('<names...>', 'as `osctl disks` shows them, without /dev/')
    .addOption(
      new Option('--method <method>', 'FAST: what makes them look like something; ZEROES: all of them')
        .choices(['FAST', 'ZEROES'])
        .default('FAST'),
    )
    .option('-y, --yes', 'do not ask on a terminal')
    .action(async (names: string[], flags: { method: 'FAST' | 'ZEROES'; yes?: boolean }, command: Command) => {
      const { confirmWipe } = await import('../confirm.js');
      await confirmWipe(command, io, { yes: flags.yes ?? false, names });
      const { onlyMessage, StorageService, WIPE_METHODS } = await import('../../client/index.js');
      const { outputFormat, printResult } = await import('../output.js');
      const { askAll, withSession } = await import('../session.js');
      const format = outputFormat(command);
      const { timeout } = command.optsWithGlobals() as GlobalFlags;
      const timeoutMs = timeout ?? (flags.method === 'ZEROES' ? ZEROING_MS : undefined);
      const devices = names.map((device) => ({ device, method: WIPE_METHODS[flags.method] }));
      await withSession(command, io, async (session) => {
        const { answers, finish } = await askAll(session, async ({ name, node }) => {
          onlyMessage(
            await session.client.unary(StorageService.BlockDeviceWipe, { devices }, { node, timeoutMs }),
            name,
          );
          io.stderr.write(`${name}: ${names.join(', ')} wiped\n`);
        });
        const views = answers.flatMap(({ target }) => names.map((device) => ({ node: target.name, device })));
        printResult(io, format, views, () => '');
        finish();
      });
    })
    .addHelpText(
      'after',
      `
One that is mounted, part of another device, read-only, or the config disk is refused, and then none is wiped.

Examples:
  osctl -n 10.5.0.2 wipe disk vdc
  osctl -n 10.5.0.2 wipe disk vdc1 vdd --method ZEROES     waits until it is done, however long that takes`,
    );
}
