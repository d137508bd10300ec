/**
 * The guard finds what it is there to find: in a checkout of its own a hot path is given more to do, and `npm run bench:guard` fails with the name of the metric; the same work
 * under another comment passes. Both builds, the base out of git, the samples and the verdict are the real ones.
 */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import t from 'tap';
import { checkout } from '../helpers/checkout.js';
import { secondCheckout } from '../helpers/second-checkout.js';

/** Made of every reading of the mount table. */
const HOT_PATH = 'lib/native/mount-table.ts';
const HOT_LINE = "const split = texts.split('\\0');";
const MORE_WORK = `${HOT_LINE}\n  for (let more = 0; more < 40; more++) if (texts.split('\\0').length !== split.length) throw new Error();`;
const NO_WORK = `// The same work.\n  ${HOT_LINE}`;
const WRONG_WORK = HOT_LINE.replace("split('\\0')", "slice(texts.length / 2).split('\\0')");

const folder = await mkdtemp(join(tmpdir(), 'talos-guard-test-'));
t.teardown(() => rm(folder, { recursive: true }));
const root = secondCheckout(folder, { isBuiltAnew: true });
const git = (...words: string[]) =>
  execFileSync('git', ['-C', root, '-c', 'user.name=test', '-c', 'user.email=test@localhost', ...words]);
git('init', '--quiet', '--initial-branch=main');
// The packages are a link, which a rule for folders does not ignore.
git('add', '--all', '--', ':!node_modules');
git('commit', '--quiet', '-m', 'as it is');
// What is built already, with its stamps: only what is changed here is built anew. The base gets none of it but the addon.
for (const made of ['js', 'stamps', 'osctl.mjs', 'osctl-chunks', 'cmake/Release/talos.node']) {
  cpSync(join(checkout, 'out', made), join(root, 'out', made), { recursive: true });
}
const original = readFileSync(join(root, HOT_PATH), 'utf8');

/** Puts something in the place of the hot line. */
function changeTo(line: string): void {
  if (!original.includes(HOT_LINE)) throw new Error(`${HOT_PATH} has no line ${HOT_LINE}: this test needs another one`);
  writeFileSync(join(root, HOT_PATH), original.replace(HOT_LINE, line));
}

async function guard(...options: string[]): Promise<{ code: number | null; output: string; talk: string }> {
  const argv = [join(root, 'tools', 'bench-guard.mjs'), '--only', 'mounts', ...options];
  const env = { ...process.env, XDG_CACHE_HOME: join(folder, 'cache') };
  const child = spawn(process.execPath, argv, { cwd: root, env, stdio: ['ignore', 'pipe', 'pipe'] });
  const [output, talk, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')]);
  return { code, output, talk };
}

t.test('nothing that is measured has changed: it ends at once', async (t) => {
  writeFileSync(join(root, 'docs', 'new.md'), 'words\n');
  const { code, output, talk } = await guard('--base', 'HEAD');
  t.equal(code, 0);
  t.match(output, /^nothing to compare: nothing that is measured differs from the base [0-9a-f]{9}/);
  t.equal(talk, '', 'nothing was built');
});

t.test('a slowed build is found', async (t) => {
  changeTo(MORE_WORK);
  const { code, output, talk } = await guard('--base', 'HEAD');
  t.equal(code, 1, 'it fails', { talk });
  t.match(output, /^mounts \(a table of 300 mounts, CPU time\): SLOWER: [\d.]+ × the base, limit 1\.25 ×/);
  t.match(
    output,
    /\n {2}base: median [\d.]+ µs, \d+ samples: [\d. ]+\n {2}here: median [\d.]+ µs, \d+ samples: [\d. ]+\n/,
  );
  const { findings } = JSON.parse(readFileSync(join(root, 'out', 'guard.json'), 'utf8'));
  t.ok(findings[0].verdict.ratio > 1.25);
});

t.test('and let through when its commit says that it is wanted', async (t) => {
  git('commit', '--all', '--quiet', '-m', 'slower\n\nGuard-allows: mounts 10 it looks at everything forty times');
  const { code, output, talk } = await guard('--base', 'HEAD~1', '--tap');
  t.equal(code, 0, 'it passes', { talk });
  t.match(output, /^TAP version 14\n1\.\.1\nok 1 - mounts .*limit 10\.00 ×/);
  git('reset', '--quiet', '--hard', 'HEAD~1');
});

t.test('an equal build passes', async (t) => {
  changeTo(NO_WORK);
  const { code, output, talk } = await guard('--base', 'HEAD');
  t.equal(code, 0, 'it passes', { output, talk });
  t.match(output, /^mounts .*: (too noisy to decide|[\d.]+ × the base, at most)/);
});

t.test('a fast wrong answer is a failure', async (t) => {
  changeTo(WRONG_WORK);
  const { code, talk } = await guard('--base', 'HEAD');
  t.equal(code, 1);
  t.match(talk, /the probe mounts failed on/);
});
