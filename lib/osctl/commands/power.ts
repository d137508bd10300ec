import { Command, Option } from 'commander';
import { MINUTE_MS } from '../../base/units.js';
import type { GlobalFlags } from '../flags.js';
import type { Io } from '../io.js';

/** Patience for a node to be gone, or back. */
const DEFAULT_WAIT_MS = 5 * MINUTE_MS;

const waitMs = (command: Command) => (command.optsWithGlobals() as GlobalFlags).timeout ?? DEFAULT_WAIT_MS;

/** `osctl reboot`: and wait until the node answers again. */
export function rebootCommand(io: Io): Command {
  return new Command('reboot')
    .description('reboot the nodes, and wait until they answer again')
    .addOption(new Option('-m, --mode <mode>', 'how').choices(['default', 'powercycle', 'force']).default('default'))
    .option('--wait', 'wait until the nodes are back (default; --timeout is the patience, 5m)')
    .option('--no-wait', 'return when the order is given')
    .action(async (flags: { mode: 'default' | 'powercycle' | 'force'; wait?: boolean }, command: Command) => {
      const { reboot } = await import('../power.js');
      await reboot(command, io, { mode: flags.mode, wait: flags.wait ?? true, timeoutMs: waitMs(command) });
    });
}

/** `osctl shutdown`: and wait until the node answers no more. */
export function shutdownCommand(io: Io): Command {
  return new Command('shutdown')
    .description('shut the nodes down, and wait until they answer no more')
    .option('--force', 'do not drain the node of its pods first')
    .option('--wait', 'wait until the nodes are gone (default; --timeout is the patience, 5m)')
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
