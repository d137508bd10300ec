// npm run bench -- [NAME [OPTION…]]: builds, then runs one benchmark of benchmarks/ or, without a name, each in turn; then the pages and charts of all results are made anew.
// npm run bench -- charts: only the latter.
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { buildAll } from './lib/build.mjs';
import { runMain, UsageError } from './lib/failure.mjs';
import { out } from './lib/paths.mjs';
import { filesBelow } from './lib/stamp.mjs';

/** In place of a benchmark's name. */
const chartsOnly = 'charts';

const compiled = (file) => path.join(out, 'js', 'benchmarks', file);

/** @returns how many failed */
function runAll(names, options) {
  const isDone = (name) =>
    spawnSync(process.execPath, ['--enable-source-maps', compiled(`${name}.js`), ...options], { stdio: 'inherit' })
      .status === 0;
  return names.filter((name) => !isDone(name)).length;
}

await runMain(async () => {
  const known = filesBelow(['benchmarks'])
    .filter((file) => /^benchmarks\/[^/]+\.ts$/.test(file))
    .map((file) => path.basename(file, '.ts'));
  const [name, ...options] = process.argv.slice(2);
  if (name !== undefined && name !== chartsOnly && !known.includes(name)) {
    throw new UsageError(`no benchmark ${name}; there are ${known.join(', ')}, and ${chartsOnly}`);
  }
  await buildAll(name === chartsOnly ? { upTo: 'build' } : {});
  const failed = name === chartsOnly ? 0 : runAll(name === undefined ? known : [name], options);
  const { renderResults } = await import(pathToFileURL(compiled('lib/render-results.js')).href);
  for (const file of await renderResults()) process.stderr.write(`benchmarks/results/${file} is new\n`);
  return failed > 0 ? 1 : 0;
});
