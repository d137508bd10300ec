// The executable of the image on the host: one file, the role by name, and none of Node's own ways in.
import { spawnSync } from 'node:child_process';
import { existsSync, symlinkSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { hashFile } from '../../../lib/base/build-cache.js';
import { buildBundle } from '../../../lib/image/bundle.js';
import { buildExecutable } from '../../../lib/image/executable.js';
import { repositoryRoot } from '../../../lib/image/paths.js';
import { sourceIdentity } from '../../../lib/image/sources.js';

const root = repositoryRoot();
const identity = await sourceIdentity(root);
const onProgress = () => {};
const entry = 'test/fixtures/bundle-entry.ts';
const roles = { 'some-role': entry, evaluate: entry, preload: entry };
const bundle = await buildBundle({ root, identity, roles, onProgress });
const executable = await buildExecutable(root, 'amd64', bundle, onProgress);
const folder = t.testdir();

function run(name: string, args: string[], env: Record<string, string> = {}) {
  const link = path.join(folder, name);
  if (!existsSync(link)) symlinkSync(executable, link);
  const { status, stdout, stderr } = spawnSync(link, args, { encoding: 'utf8', env });
  return { status, stdout, stderr };
}

t.test('the role is the name it is called by, and the build is known', async (t) => {
  const { stdout } = run('some-role', ['--version']);
  const told = JSON.parse(stdout);
  t.match(told, { role: 'some-role', build: { tag: identity.tag, sha: identity.sha }, isImage: true });
  t.ok(told.execArgv.includes('--disable-sigusr1'));
});

t.test('no code from the command line or the environment', async (t) => {
  const evaluated = run('evaluate', ['-e', 'console.log("evaluated")']);
  t.notMatch(evaluated.stdout, 'evaluated\n');
  t.match(evaluated.stdout, 'evaluate', 'the bundle ran instead');
  const preloaded = run('preload', [], { NODE_OPTIONS: '--require /nonexistent/preload.js --inspect' });
  t.equal(preloaded.status, 0);
  t.notMatch(preloaded.stderr, /Debugger|preload/);
});

t.test('the code cache fits the executable', async (t) => {
  const { stdout, stderr } = run('some-role', []);
  t.equal(stderr, '', 'the launcher does not complain');
  t.match(stdout, '"role":"some-role"');
});

t.test('the same sources give the same bytes, wherever the cache is', async (t) => {
  const before = process.env.XDG_CACHE_HOME;
  process.env.XDG_CACHE_HOME = path.join(folder, 'another-cache');
  t.teardown(() => {
    if (before === undefined) delete process.env.XDG_CACHE_HOME;
    else process.env.XDG_CACHE_HOME = before;
  });
  const again = await buildExecutable(
    root,
    'amd64',
    await buildBundle({ root, identity, roles, onProgress }),
    onProgress,
  );
  t.not(again, executable);
  t.equal(await hashFile(again), await hashFile(executable));
});

t.test('an unknown role fails', async (t) => {
  const { status, stderr } = run('shell', ['-c', 'id']);
  t.not(status, 0);
  t.match(stderr, 'shell.cjs');
});
