// npm run profile -- logs|boot [OPTION…]: builds, then says where the time goes. What it leaves is in out/profile; docs/performance.md tells how to read it.
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { buildAll } from './lib/build.mjs';
import { runMain, UsageError } from './lib/failure.mjs';
import { out } from './lib/paths.mjs';

/** How much of the build each needs. */
const profiles = { logs: 'build', boot: 'images' };

await runMain(async () => {
  const [name = '', ...options] = process.argv.slice(2);
  if (!Object.hasOwn(profiles, name)) {
    throw new UsageError(`no profile ${JSON.stringify(name)}; there are ${Object.keys(profiles).join(' and ')}`);
  }
  await buildAll({ upTo: profiles[name] });
  const script = path.join(out, 'js', 'benchmarks', 'profile', `${name}.js`);
  const { status } = spawnSync(process.execPath, ['--enable-source-maps', script, ...options], { stdio: 'inherit' });
  return status ?? 1;
});
