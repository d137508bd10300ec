/** What a static program carries is the machine's C library: another one is another program, whatever the compiler calls itself. */
import { execFileSync } from 'node:child_process';
import { chmodSync, copyFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { buildStage0 } from '../../../lib/image/initramfs.js';
import { repositoryRoot } from '../../../lib/image/paths.js';

t.test('stage0 is built anew for another C library of the same compiler', async (t) => {
  const folder = t.testdir();
  const libc = path.join(folder, 'libc.a');
  const real = execFileSync('sh', ['-c', 'command -v g++'], { encoding: 'utf8' }).trim();
  copyFileSync(execFileSync(real, ['-print-file-name=libc.a'], { encoding: 'utf8' }).trim(), libc);
  const wrapper = path.join(folder, 'g++');
  writeFileSync(wrapper, `#!/bin/sh\n[ "$1" = -print-file-name=libc.a ] && exec echo ${libc}\nexec ${real} "$@"\n`);
  chmodSync(wrapper, 0o755);
  const { PATH, XDG_CACHE_HOME } = process.env;
  Object.assign(process.env, { PATH: `${folder}:${PATH}`, XDG_CACHE_HOME: path.join(folder, 'cache') });
  t.teardown(() => {
    process.env.PATH = PATH;
    if (XDG_CACHE_HOME === undefined) delete process.env.XDG_CACHE_HOME;
    else process.env.XDG_CACHE_HOME = XDG_CACHE_HOME;
  });
  const build = () => buildStage0(repositoryRoot(), 'amd64', () => {});
  const first = await build();
  t.equal(await build(), first, 'the same library');
  // Members are found by the archive's index, so what lies behind them all is never linked.
  writeFileSync(libc, 'mended\n', { flag: 'a' });
  t.not(await build(), first, 'another library');
});
