import { Command } from 'commander';
import type { Io } from '../io.js';
import { outputFormat } from '../output.js';

const EXAMPLES = `
Once in the life of a cluster, on one control plane: the others, and the workers, join by themselves. Returns when the node has begun.

Examples:
  osctl bootstrap -n 10.5.0.2
  osctl bootstrap && osctl health       and wait until Kubernetes is there
`;

/** `osctl bootstrap`: makes a control plane the first member of a new Kubernetes cluster. */
export function bootstrapCommand(io: Io): Command {
  return new Command('bootstrap')
    .description('begin a new Kubernetes cluster on one control plane')
    .addHelpText('after', EXAMPLES)
    .action(async (_flags: object, command: Command) => {
      const format = outputFormat(command);
      const { bootstrap } = await import('../bootstrap.js');
      await bootstrap(command, io, format);
    });
}
