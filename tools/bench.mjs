// npm run bench -- [NAME [OPTION…]]: builds, then runs one benchmark of benchmarks/ or, without a name, each in turn.
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { buildAll } from './lib/build.mjs';
import { runMain, UsageError } from './lib/failure.mjs';
import { out } from './lib/paths.mjs';
import { filesBelow } from './lib/stamp.mjs';

await runMain(async () => {
  const known = filesBelow(['benchmarks'])
    .filter((file) => /^benchmarks\/[^/]+\.ts$/.test(file))
    .map((file) => path.basename(file, '.ts'));
  const [name, ...options] = process.argv.slice(2);
  if (name !== undefined && !known.includes(name)) {
    throw new UsageError(`no benchmark ${name}; there are ${known.join(', ')}`);
  }
  await buildAll();
  let failed = 0;
  for (const each of name === undefined ? known : [name]) {
    const file = path.join(out, 'js', 'benchmarks', `${each}.js`);
    const { status } = spawnSync(process.execPath, ['--enable-source-maps', file, ...options], { stdio: 'inherit' });
    if (status !== 0) failed++;
  }
  return failed > 0 ? 1 : 0;
});
