/** The command tree. Definitions only: what a command does, and all that it needs for it, is loaded when it runs. */
import { Command } from 'commander';
import { completionCommand } from './commands/completion.js';
import { configCommand } from './commands/config/index.js';
import { dmesgCommand } from './commands/dmesg.js';
import { genCommand } from './commands/gen/index.js';
import { logsCommand } from './commands/logs.js';
import { rebootCommand, shutdownCommand } from './commands/power.js';
import { psCommand } from './commands/ps.js';
import { serviceCommand } from './commands/service.js';
import { validateCommand } from './commands/validate.js';
import { versionCommand } from './commands/version.js';
import { addGlobalFlags } from './flags.js';
import type { Io } from './io.js';

/** Makes the program. `cluster` is given when that command runs; until then a stand-in is in its place. */
export function createProgram(io: Io, cluster: Command = clusterStandIn(io)): Command {
  const program = new Command('osctl')
    .description('operates Talos nodes through their API')
    .enablePositionalOptions()
    .configureOutput({ writeOut: (text) => io.stdout.write(text), writeErr: (text) => io.stderr.write(text) })
    .configureHelp({ showGlobalOptions: true, sortSubcommands: true })
    .showHelpAfterError()
    .exitOverride();
  for (const command of [
    versionCommand(io),
    psCommand(io),
    serviceCommand(io),
    logsCommand(io),
    dmesgCommand(io),
    rebootCommand(io),
    shutdownCommand(io),
    configCommand(io),
    genCommand(io),
    validateCommand(io),
    cluster,
    completionCommand(io, () => program),
  ]) {
    program.addCommand(command);
  }
  return addGlobalFlags(program);
}

/** Runs a command line (without node and script). Throws what went wrong; see exit.ts. */
export async function run(argv: readonly string[], io: Io): Promise<void> {
  await createProgram(io).parseAsync([...argv], { from: 'user' });
}

/** `cluster` brings the image builder and the QEMU provisioner along: nobody else waits for these to load. */
function clusterStandIn(io: Io): Command {
  return new Command('cluster')
    .description('local clusters in QEMU')
    .helpOption(false)
    .allowUnknownOption()
    .allowExcessArguments()
    .action(async (_options, command: Command) => {
      const { clusterCommand } = await import('./commands/cluster/index.js');
      const argv = (command.parent as Command & { rawArgs: string[] }).rawArgs;
      await createProgram(io, clusterCommand(io)).parseAsync(argv, { from: 'user' });
    });
}
