// The executable of the image on the host: one file, the role by name, and none of Node's own ways in.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { constants } from 'node:os';
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

function run(name: string, args: string[], env: Record<string, string> = {}, input = '') {
  const link = path.join(folder, name);
  if (!existsSync(link)) symlinkSync(executable, link);
  const { status, stdout, stderr } = spawnSync(link, args, { encoding: 'utf8', env, input, cwd: folder });
  return { status, stdout, stderr };
}

t.test('the role is the name it is called by, and the build is known', async (t) => {
  const { stdout } = run('some-role', ['--version']);
  const told = JSON.parse(stdout);
  t.match(told, { role: 'some-role', build: { tag: identity.tag, sha: identity.sha }, isImage: true });
  t.ok(told.execArgv.includes('--disable-sigusr1'));
  t.ok(told.execArgv.includes('--use-openssl-ca'), 'the public authorities inside Node are not even read');
});

t.test('no code from the command line or the environment', async (t) => {
  const evaluated = run('evaluate', ['-e', 'console.log("evaluated")']);
  t.notMatch(evaluated.stdout, 'evaluated\n');
  t.match(evaluated.stdout, 'evaluate', 'the bundle ran instead');
  const preloaded = run('preload', [], { NODE_OPTIONS: '--require /nonexistent/preload.js --inspect' });
  t.equal(preloaded.status, 0);
  t.notMatch(preloaded.stderr, /Debugger|preload/);
});

t.test("Node's own options are words for the role", async (t) => {
  const script = path.join(folder, 'script.cjs');
  writeFileSync(script, 'process.stdout.write("evaluated")');
  const code = 'process.stdout.write("evaluated")';
  const ways = [
    ...[
      ['-e', code],
      ['--eval', code],
      ['-p', code],
      ['--print', code],
      ['-pe', code],
      [script],
      ['--', script],
      ['-'],
      ['-i'],
      ['--interactive'],
    ],
    ...[
      ['-r', script],
      ['--require', script],
      ['--import', script],
      ['--experimental-loader', script],
      ['--test', script],
      ['--watch', script],
    ],
    ...[
      ['--env-file', script],
      ['--snapshot-blob', script],
      ['--run', 'x'],
      ['--build-sea', script],
      ['inspect', script],
    ],
    ...[
      ['--inspect'],
      ['--inspect-brk'],
      ['--inspect=127.0.0.1:0'],
      ['--inspect-wait'],
      ['--cpu-prof'],
      ['--v8-options'],
      ['--version'],
      ['-h'],
      ['-c', script],
    ],
  ];
  for (const words of ways) {
    const { status, stdout, stderr } = run('some-role', words, {}, code);
    t.match([status, JSON.parse(stdout), stderr], [0, { role: 'some-role' }, ''], words.join(' '));
  }
});

t.test("nor does Node's environment run or write anything", async (t) => {
  const script = path.join(folder, 'preload.cjs');
  writeFileSync(script, 'process.stdout.write("evaluated")');
  const leftover = path.join(folder, 'leftover');
  const environments: Record<string, string>[] = [
    { NODE_OPTIONS: `--require ${script}` },
    { NODE_OPTIONS: `--import=${script} --inspect=127.0.0.1:0 --cpu-prof --cpu-prof-dir=${leftover}` },
    { NODE_PATH: folder, NODE_DEBUG: '' },
  ];
  for (const environment of environments) {
    const { status, stdout, stderr } = run('some-role', [], environment);
    t.match([status, JSON.parse(stdout), stderr], [0, { role: 'some-role' }, ''], JSON.stringify(environment));
  }
  t.notOk(existsSync(leftover));
  const repl = run('some-role', [], { NODE_REPL_EXTERNAL_MODULE: script });
  t.not(repl.status, 0, 'a REPL of somebody else is refused');
  t.equal(repl.stdout, '');
});

t.test('SIGUSR1 does nothing: no inspector waits for it', async (t) => {
  const child = spawn(path.join(folder, 'some-role'), ['wait'], { stdio: ['ignore', 'pipe', 'pipe'] });
  t.teardown(() => child.kill('SIGKILL'));
  let stderr = '';
  child.stderr.on('data', (text) => {
    stderr += text;
  });
  await once(child.stdout, 'data');
  const caught = /^SigCgt:\s+([0-9a-f]+)$/m.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))?.[1] ?? '';
  t.equal((BigInt(`0x${caught}`) >> BigInt(constants.signals.SIGUSR1 - 1)) & 1n, 0n, 'no handler is installed');
  child.kill('SIGUSR1');
  child.kill('SIGTERM');
  const [, signal] = await once(child, 'close');
  t.equal(signal, 'SIGTERM', 'it went on until it was ended');
  t.equal(stderr, '');
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
