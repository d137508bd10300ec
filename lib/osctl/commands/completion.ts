import { Argument, type Command, Command as CommandClass } from 'commander';
import type { Io } from '../io.js';

/** `osctl completion`: a script for the shell. */
export function completionCommand(io: Io, program: () => Command): Command {
  return new CommandClass('completion')
    .description('print a completion script: source <(osctl completion bash)')
    .addArgument(new Argument('<shell>').choices(['bash', 'zsh', 'fish']))
    .action(async (shell: 'bash' | 'zsh' | 'fish') => {
      const { completionScript } = await import('../completion.js');
      const { clusterCommand } = await import('./cluster/index.js');
      io.stdout.write(completionScript(shell, program(), [clusterCommand(io)]));
    });
}
