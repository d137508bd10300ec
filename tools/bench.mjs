// npm run bench -- [NAME [OPTION…]]: builds, then runs one benchmark of benchmarks/ or, without a name, each in turn; then the pages and charts of all results are made anew.
// npm run bench -- charts: only the latter. npm run bench -- NAME --help: what it asks, its rival, and its options.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { parseArchitecture } from './lib/architectures.mjs';
import { buildAll } from './lib/build.mjs';
import { runMain, UsageError } from './lib/failure.mjs';
import { out, root } from './lib/paths.mjs';
import { filesBelow } from './lib/stamp.mjs';

/** In place of a benchmark's name. */
const chartsOnly = 'charts';

/** Those whose rival is another system that boots beside the node. */
const bootsRival = new Set(['boot', 'ready']);

const compiled = (file) => path.join(out, 'js', 'benchmarks', file);

/** @returns the largest exit code */
function runAll(names, options) {
  const statusOf = (name) =>
    spawnSync(process.execPath, ['--enable-source-maps', compiled(`${name}.js`), ...options], { stdio: 'inherit' })
      .status ?? 1;
  return Math.max(0, ...names.map(statusOf));
}

/** Of the nodes that a benchmark boots: what its option names, if it has one. */
function architecturesOf(options) {
  const { values } = parseArgs({ args: options, options: { arch: { type: 'string' } }, strict: false });
  return [parseArchitecture(values.arch)];
}

/** What stands at the head of a benchmark's file. */
function helpOf(name) {
  const [comment] = /^\/\*\*.*?\*\//s.exec(readFileSync(path.join(root, 'benchmarks', `${name}.ts`), 'utf8')) ?? [''];
  return comment
    .split('\n')
    .slice(1, -1)
    .map((line) => line.replace(/^ \*( |$)/, ''))
    .join('\n');
}

await runMain(async () => {
  const known = filesBelow(['benchmarks'])
    .filter((file) => /^benchmarks\/[^/]+\.ts$/.test(file))
    .map((file) => path.basename(file, '.ts'));
  const [name, ...options] = process.argv.slice(2);
  if (name === '--help') {
    process.stdout.write(
      `usage: npm run bench -- [NAME [OPTION…]], with one of ${known.join(', ')}, or ${chartsOnly}\n`,
    );
    return 0;
  }
  if (name !== undefined && name !== chartsOnly && !known.includes(name)) {
    throw new UsageError(`no benchmark ${name}; there are ${known.join(', ')}, and ${chartsOnly}`);
  }
  if (name !== undefined && name !== chartsOnly && options.includes('--help')) {
    process.stdout.write(`${helpOf(name)}\n`);
    return 0;
  }
  const rivals = (name === undefined || bootsRival.has(name)) && !options.includes('--without-rival');
  await buildAll(name === chartsOnly ? { upTo: 'build' } : { architectures: architecturesOf(options), rivals });
  const status = name === chartsOnly ? 0 : runAll(name === undefined ? known : [name], options);
  const { renderResults } = await import(pathToFileURL(compiled('lib/render-results.js')).href);
  for (const file of await renderResults()) process.stderr.write(`benchmarks/results/${file} is new\n`);
  return status;
});
