// npm stop: removes the node that npm start made.
import { existsSync } from 'node:fs';
import { osctlBundle } from './lib/build.mjs';
import { runMain } from './lib/failure.mjs';
import { findCluster, osctlPath, startCluster } from './lib/osctl.mjs';
import { step } from './lib/progress.mjs';
import { run } from './lib/run.mjs';

await runMain(async () => {
  // Without osctl nothing can have been started from this checkout.
  if (!existsSync(osctlBundle) || !(await findCluster())) {
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
