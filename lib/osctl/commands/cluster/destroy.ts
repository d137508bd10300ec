import { Command } from 'commander';
import { destroyCluster } from '../../../cluster/destroy.js';
import type { ClusterIo } from './io.js';
import { progressLine } from './progress.js';

/** `osctl cluster destroy`: ends a local cluster's nodes and removes everything of it. */
export function clusterDestroyCommand(io: ClusterIo): Command {
  return new Command('destroy')
    .description('end the nodes of a local cluster and remove its state and its context')
    .option('--name <name>', 'name of the cluster', 'talos')
    .action(async (flags: { name: string }) => {
      const progress = progressLine(io.stderr);
      try {
        await destroyCluster(flags.name, { environment: io.env, onProgress: progress.update });
        progress.end();
        io.stderr.write(`cluster ${flags.name} is gone\n`);
      } finally {
        progress.end();
      }
    });
}
