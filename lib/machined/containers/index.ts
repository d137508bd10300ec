import type { ControlClient } from '../../control/client.js';
import type { NativeAddon } from '../../native/contract.js';
import { readKernelCommandLine } from '../../os/kernel-command-line.js';
import { maxRestartDelayMs, testParameters } from '../../os/test-parameters.js';
import { STATE_FOLDER } from '../folders.js';
import type { MachinedLog } from '../log.js';
import { EPHEMERAL } from '../volumes/layout.js';
import { ContainerdFolder } from './containerd-folder.js';
import { Containers } from './containers.js';
import { folderMoveStore } from './folder-move.js';

export type { Containers } from './containers.js';

/** Those of this node. */
export function nodeContainers(
  { files, mount, channel }: Pick<NativeAddon, 'files' | 'mount' | 'channel'>,
  init: Pick<ControlClient, 'request'>,
  log: Pick<MachinedLog, 'info' | 'problem'>,
): Containers {
  const containerdFolder = new ContainerdFolder({
    init,
    space: () => mount.statfs(EPHEMERAL.mountPoint),
    mounts: () => mount.mountInfo(),
    problem: (text) => log.problem(text),
    store: folderMoveStore(files, STATE_FOLDER),
  });
  return new Containers({
    ...{ init, channels: channel, log: (text) => log.info(text), containerdFolder },
    maxRestartDelayMs: async () => maxRestartDelayMs(readKernelCommandLine(), await testParameters()),
  });
}
