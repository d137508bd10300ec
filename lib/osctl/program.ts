/** The command tree. Definitions only: what a command does, and all that it needs for it, is loaded when it runs. */
import { Command } from 'commander';
import { plainBooleans } from './boolean-flags.js';
import { applyConfigCommand } from './commands/apply-config.js';
import { bootstrapCommand } from './commands/bootstrap.js';
import { completionCommand } from './commands/completion.js';
import { configCommand } from './commands/config/index.js';
import { disksCommand } from './commands/disks.js';
import { dmesgCommand } from './commands/dmesg.js';
import { etcdCommand } from './commands/etcd.js';
import { eventsCommand } from './commands/events.js';
import { copyCommand, listCommand, readCommand, usageCommand } from './commands/files.js';
import { genCommand } from './commands/gen/index.js';
import { healthCommand } from './commands/health.js';
import { injectCommand } from './commands/inject.js';
import { kubeconfigCommand } from './commands/kubeconfig.js';
import { logsCommand } from './commands/logs.js';
import { memoryCommand } from './commands/memory.js';
import { mountsCommand } from './commands/mounts.js';
import { netstatCommand } from './commands/netstat.js';
import { interfacesCommand, routesCommand } from './commands/network.js';
import { rebootCommand, resetCommand, shutdownCommand } from './commands/power.js';
import { processesCommand } from './commands/processes.js';
import { psCommand } from './commands/ps.js';
import { restartCommand } from './commands/restart.js';
import { serviceCommand } from './commands/service.js';
import { statsCommand } from './commands/stats.js';
import { timeCommand } from './commands/time.js';
import { validateCommand } from './commands/validate.js';
import { versionCommand } from './commands/version.js';
import { wipeCommand } from './commands/wipe.js';
import { addExamples } from './examples.js';
import { addGlobalFlags } from './flags.js';
import type { Io } from './io.js';
import { loadFormat } from './output.js';

/** Makes the program. Without `cluster` that command is there in name only. */
export function createProgram(io: Io, cluster = new Command('cluster').description('local clusters in QEMU')): Command {
  const program = new Command('osctl')
    .description('operates Talos nodes through their API')
    .enablePositionalOptions()
    .configureOutput({
      writeOut: (text) => io.stdout.write(text),
      writeErr: (text) => io.stderr.write(text),
      outputError,
    })
    .configureHelp({ showGlobalOptions: true, sortSubcommands: true })
    .exitOverride()
    .hook('preAction', (_program, command) => loadFormat(command));
  for (const command of [
    versionCommand(io),
    psCommand(io),
    statsCommand(io),
    restartCommand(io),
    processesCommand(io),
    memoryCommand(io),
    mountsCommand(io),
    disksCommand(io),
    interfacesCommand(io),
    routesCommand(io),
    wipeCommand(io),
    netstatCommand(io),
    serviceCommand(io),
    logsCommand(io),
    dmesgCommand(io),
    listCommand(io),
    usageCommand(io),
    readCommand(io),
    copyCommand(io),
    rebootCommand(io),
    shutdownCommand(io),
    resetCommand(io),
    eventsCommand(io),
    timeCommand(io),
    healthCommand(io),
    applyConfigCommand(io),
    bootstrapCommand(io),
    etcdCommand(io),
    kubeconfigCommand(io),
    configCommand(io),
    genCommand(io),
    injectCommand(io),
    validateCommand(io),
    cluster,
    completionCommand(io, () => program),
  ]) {
    program.addCommand(command);
  }
  addExamples(program);
  return addGlobalFlags(program);
}

/** As all other errors of osctl are said. */
function outputError(text: string, write: (text: string) => void): void {
  write(
    text
      .replace(/^error: /, 'osctl: ')
      .replace(' is invalid. ', ' is invalid: ')
      .replace(/ for argument '(\S+)'\. Allowed/, " for '$1': Allowed")
      .replace(': Allowed choices are ', ': it must be one of ')
      .replace(/'\. Expected (\d+) arguments? but got \d+/, "': it takes $1 at most")
      .replace(/\n\(Did you mean (.*)\?\)/, ': did you mean $1?')
      .replace(/\.\n$/, '\n'),
  );
}

/** Runs a command line (without node and script). Throws what went wrong; see exit.ts. */
export async function run(argv: readonly string[], io: Io): Promise<void> {
  // `cluster` brings the image builder and the QEMU provisioner along: who does not name it need not wait for these to load.
  const cluster = argv.includes('cluster')
    ? (await import('./commands/cluster/index.js')).clusterCommand(io)
    : undefined;
  const program = createProgram(io, cluster);
  await program.parseAsync(plainBooleans(program, argv), { from: 'user' });
}
