import { Command } from 'commander';
import { listClusters, showCluster } from '../../../cluster/show.js';
import { type ClusterIo, printResult } from './io.js';
import { clusterText } from './view-text.js';

/** `osctl cluster show`: one local cluster, or all of them. */
export function clusterShowCommand(io: ClusterIo): Command {
  return new Command('show')
    .description('show local clusters: nodes, endpoints, QEMU processes, console logs')
    .option('--name <name>', 'name of the cluster; without it all are shown')
    .action(async (flags: { name?: string }, command: Command) => {
      if (flags.name !== undefined) {
        const view = await showCluster(flags.name, io.env);
        printResult(io, command, view, clusterText(view));
        return;
      }
      const names = await listClusters(io.env);
      const views = await Promise.all(names.map((name) => showCluster(name, io.env)));
      const text = views.map(clusterText).join('\n');
      printResult(io, command, views, text === '' ? "no local clusters; 'osctl cluster create' makes one\n" : text);
    });
}
