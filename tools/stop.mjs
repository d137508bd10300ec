// npm stop: removes the node that npm start made.
import { parseArgs } from 'node:util';
import { runMain } from './lib/failure.mjs';
import { findCluster, osctlPath, startCluster } from './lib/osctl.mjs';
import { step } from './lib/progress.mjs';
import { run } from './lib/run.mjs';

await runMain(async () => {
  // It takes no arguments, and whoever gives it one means something else than this node.
  parseArgs({ options: {} });
  if (!(await findCluster())) {
    process.stdout.write('There is no node to stop.\n');
    return;
  }
  await step('Node', async (progress) => {
    await run('Node', [process.execPath, osctlPath, 'cluster', 'destroy', '--name', startCluster], {
      onLine: (line) => progress.update(line),
    });
    return 'removed';
  });
});
