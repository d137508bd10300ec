import { Command } from 'commander';
import type { Io } from '../io.js';

const EXAMPLES = `
Examples:
  osctl kubeconfig                          into $KUBECONFIG, or ~/.kube/config
  osctl kubeconfig ./admin.kubeconfig       into that file
  osctl kubeconfig --merge=false ./cluster  a new file ./cluster/kubeconfig if ./cluster is a folder
  osctl kubeconfig -                        to standard output
`;

/** `osctl kubeconfig`: the Kubernetes administrator's access to the cluster. */
export function kubeconfigCommand(io: Io): Command {
  return new Command('kubeconfig')
    .description("get the kubeconfig of the cluster's administrator, and merge it into yours")
    .argument('[path]', 'file or folder; - for standard output')
    .option('-m, --merge', 'merge into a file that is there (default)')
    .option('--no-merge', 'write a file of its own; --merge=false is the same')
    .option('-f, --force', 'overwrite: the file, or entries of the same name, which are kept otherwise')
    .option('--force-context-name <name>', 'name of the context')
    .addHelpText('after', EXAMPLES)
    .action(
      async (
        path: string | undefined,
        flags: { merge?: boolean; force?: boolean; forceContextName?: string },
        command: Command,
      ) => {
        const { kubeconfig } = await import('../kubeconfig.js');
        await kubeconfig(command, io, { path, merge: true, force: false, ...flags });
      },
    );
}
