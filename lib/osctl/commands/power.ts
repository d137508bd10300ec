import { Command, InvalidArgumentError, Option } from 'commander';
import { MINUTE_MS } from '../../base/units.js';
import { collectWords, type GlobalFlags } from '../flags.js';
import type { Io } from '../io.js';
import type { ResetFlags } from '../power.js';

/** Patience for a node to be gone, or back: its pods may take half of that to move away. */
const DEFAULT_WAIT_MS = 10 * MINUTE_MS;

const waitMs = (command: Command) => (command.optsWithGlobals() as GlobalFlags).timeout ?? DEFAULT_WAIT_MS;

/** `osctl reboot`: and wait until the node answers again. */
export function rebootCommand(io: Io): Command {
  return new Command('reboot')
    .description('move pods away, reboot the nodes, and wait until they answer again and are ready')
    .addOption(new Option('-m, --mode <mode>', 'how').choices(['default', 'powercycle', 'force']).default('default'))
    .option('--wait', 'wait until the nodes are back (default; --timeout is the patience, 10m)')
    .option('--no-wait', 'return when the order is given')
    .action(async (flags: { mode: 'default' | 'powercycle' | 'force'; wait?: boolean }, command: Command) => {
      const { reboot } = await import('../power.js');
      await reboot(command, io, { mode: flags.mode, wait: flags.wait ?? true, timeoutMs: waitMs(command) });
    });
}

/** `osctl shutdown`: and wait until the node answers no more. */
export function shutdownCommand(io: Io): Command {
  return new Command('shutdown')
    .description('move pods away, shut the nodes down, and wait until they answer no more')
    .option('--force', 'do not drain the node of its pods first')
    .option('--wait', 'wait until the nodes are gone (default; --timeout is the patience, 10m)')
    .option('--no-wait', 'return when the order is given')
    .action(async (flags: { force?: boolean; wait?: boolean }, command: Command) => {
      const { shutdown } = await import('../power.js');
      await shutdown(command, io, {
        force: flags.force ?? false,
        wait: flags.wait ?? true,
        timeoutMs: waitMs(command),
      });
    });
}

const RESET_EXAMPLES = `
What the node keeps on its own disk is lost (STATE and EPHEMERAL, or those of --system-labels-to-wipe), and what is on the disks that are named. With --reboot it comes back as it was
booted first.

Examples:
  osctl -n 10.5.0.2 reset --reboot
  osctl -n 10.5.0.2 reset --reboot --system-labels-to-wipe EPHEMERAL
  osctl -n 10.5.0.2 reset --user-disks-to-wipe /dev/vdb,/dev/vdc --wipe-mode user-disks
`;

/** `osctl reset`: forgets what the node has, wipes disks, and powers off or reboots. */
export function resetCommand(io: Io): Command {
  return new Command('reset')
    .description('reset the nodes: wipe what they keep and the disks that are named, then power off, or reboot')
    .option('--graceful [boolean]', 'move pods away and leave the cluster first (default: true)', booleanFlag, true)
    .option('--reboot', 'reboot afterwards instead of powering off')
    .option(
      '--system-labels-to-wipe <list>',
      'of STATE and EPHEMERAL, those that are wiped (default: both)',
      collectWords,
    )
    .option('--user-disks-to-wipe <list>', 'paths of whole disks', collectWords)
    .addOption(
      new Option('--wipe-mode <mode>', 'what may be wiped')
        .choices(['all', 'system-disk', 'user-disks'])
        .default('all'),
    )
    .option('-y, --yes', 'do not ask on a terminal')
    .option('--wait', 'wait until the nodes are gone, or back (default; --timeout is the patience, 10m)')
    .option('--no-wait', 'return when the order is given')
    .addHelpText('after', RESET_EXAMPLES)
    .action(async (flags: ResetFlags & { yes?: boolean; wait?: boolean }, command: Command) => {
      const { confirmReset } = await import('../confirm.js');
      await confirmReset(command, io, flags);
      const { reset } = await import('../power.js');
      await reset(command, io, {
        ...flags,
        reboot: flags.reboot ?? false,
        wait: flags.wait ?? true,
        timeoutMs: waitMs(command),
      });
    });
}

/** `--graceful=false`, as talosctl has it. */
function booleanFlag(text: string): boolean {
  if (text === 'true' || text === 'false') return text === 'true';
  throw new InvalidArgumentError('it must be true or false.');
}
