import { readFile } from 'node:fs/promises';
import { Command } from 'commander';
import { destroyCluster } from '../../../cluster/destroy.js';
import { showCluster } from '../../../cluster/show.js';
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
        const { kubernetes } = await showCluster(flags.name, io.env);
        const kubeconfig = kubernetes && (await readFile(kubernetes.kubeconfig, 'utf8').catch(() => undefined));
        const left: string[] = [];
        await destroyCluster(flags.name, {
          environment: io.env,
          onProgress: progress.update,
          onLeft: (text) => left.push(text),
        });
        progress.end();
        for (const text of left) io.stderr.write(`${text}\n`);
        if (kubeconfig !== undefined) {
          const { forgetCluster } = await import('../../kubeconfig.js');
          await forgetCluster(kubeconfig, io);
        }
        io.stderr.write(`cluster ${flags.name} is gone\n`);
      } finally {
        progress.end();
      }
    });
}
