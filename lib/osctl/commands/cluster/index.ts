import { Command } from 'commander';
import { clusterCreateCommand } from './create.js';
import { clusterDestroyCommand } from './destroy.js';
import type { ClusterIo } from './io.js';
import { clusterShowCommand } from './show.js';

export type { ClusterIo } from './io.js';

/** `osctl cluster …`: local clusters in QEMU. */
export function clusterCommand(io: ClusterIo): Command {
  return new Command('cluster')
    .description('local clusters in QEMU')
    .addCommand(clusterCreateCommand(io))
    .addCommand(clusterShowCommand(io))
    .addCommand(clusterDestroyCommand(io));
}
