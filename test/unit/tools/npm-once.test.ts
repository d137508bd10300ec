/** Two commands at once in a fresh checkout: packages are installed by one of them, for npm ci empties node_modules first. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import t from 'tap';
import { checkout } from '../../helpers/checkout.js';

/** An npm that takes its time, and leaves what npm ci leaves. */
const NPM = `#!/bin/sh
echo begin >> npm-calls
sleep 1
mkdir -p node_modules
cp package-lock.json node_modules/.package-lock.json
echo end >> npm-calls
`;

t.test('npm packages are installed once', async (t) => {
  const folder = t.testdir({ bin: {}, cache: {} });
  cpSync(join(checkout, 'tools'), join(folder, 'tools'), { recursive: true });
  writeFileSync(join(folder, 'package-lock.json'), '{"packages": {"": {}, "node_modules/x": {"version": "1.0.0"}}}');
  writeFileSync(join(folder, 'bin', 'npm'), NPM);
  chmodSync(join(folder, 'bin', 'npm'), 0o755);
  const build = pathToFileURL(join(folder, 'tools', 'lib', 'build.mjs')).href;
  const script = `const { buildAll } = await import('${build}'); await buildAll({ upTo: 'packages' });`;
  const env = { ...process.env, PATH: `${folder}/bin:${process.env.PATH}`, XDG_CACHE_HOME: join(folder, 'cache') };
  const both = [0, 1].map(() =>
    spawn(process.execPath, ['--input-type=module', '--eval', script], {
      env,
      cwd: folder,
      stdio: ['ignore', 'ignore', 'inherit'],
    }),
  );
  t.same(await Promise.all(both.map((each) => once(each, 'exit'))), [
    [0, null],
    [0, null],
  ]);
  t.equal(readFileSync(join(folder, 'npm-calls'), 'utf8'), 'begin\nend\n');
});
