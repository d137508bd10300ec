/**
 * Makes a cluster of a control plane and a worker as `osctl cluster create` does, in a process that may be killed: `creation.js NAME killed|waiting`.
 * `killed`: it kills itself when the worker is about to start; `waiting`: it waits for an API that never answers. The home and QEMU are those of
 * its environment.
 */
import { once } from 'node:events';
import { createCluster } from '../../../lib/cluster/create.js';
import { interruptible } from '../../../lib/osctl/commands/cluster/interruptible.js';

const [name = '', end] = process.argv.slice(2);

try {
  await interruptible((signal) =>
    createCluster({
      ...{ name, workers: 1, kernel: '/k', initramfs: '/i', rootDisk: '/r', rootHash: 'ab', accelerator: 'tcg' },
      signal,
      onProgress: (text) => {
        if (end === 'killed' && /of .*-worker-1$/.test(text)) process.kill(process.pid, 'SIGKILL');
      },
      probe: async (_target, signal) => {
        process.stdout.write('waiting\n');
        signal.throwIfAborted();
        await once(signal, 'abort');
        throw signal.reason;
      },
    }),
  );
} catch (error) {
  process.stdout.write(`${error instanceof Error ? error.message : error}\n`);
  process.exitCode = 1;
}
