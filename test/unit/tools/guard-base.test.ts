/** With which commit the guard of performance compares: real repositories. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { checkout } from '../../helpers/checkout.js';

const { chooseBase, measuredChanges } = await import(`${checkout}/tools/lib/guard-base.mjs`);

/** A repository with so many commits on its main branch. */
function repository(t: Test, commits: number) {
  const folder = join(t.testdir(), 'repository');
  const git = (...words: string[]) =>
    execFileSync('git', ['-C', folder, '-c', 'user.name=t', '-c', 'user.email=t@t', ...words], {
      encoding: 'utf8',
    }).trim();
  mkdirSync(join(folder, 'lib'), { recursive: true });
  git('init', '--quiet', '--initial-branch=main');
  const commit = (text: string) => git('commit', '--quiet', '--allow-empty', '-m', text);
  // All at once: a process a commit would take seconds.
  const stream = Array.from({ length: commits }, (_, number) => {
    const subject = String(number + 1);
    return `commit refs/heads/main\ncommitter t <t@t> ${number} +0000\ndata ${subject.length}\n${subject}\n`;
  });
  execFileSync('git', ['-C', folder, 'fast-import', '--quiet'], { input: stream.join('') });
  const subject = (base: { commit: string } | undefined) => base && git('log', '-1', '--format=%s', base.commit);
  return { folder, git, commit, subject };
}

t.test('on the main line: every tenth commit, ten to nineteen back', async (t) => {
  const { folder, git, subject } = repository(t, 40);
  for (const [at, expected] of [
    [40, '30'],
    [39, '20'],
    [31, '20'],
    [30, '20'],
    [20, '10'],
    [9, '1'],
    [2, '1'],
  ] as const) {
    git('checkout', '--quiet', '--detach', `main~${40 - at}`);
    t.equal(subject(await chooseBase(undefined, folder)), expected, `from ${at}`);
  }
  git('checkout', '--quiet', '--detach', 'main~39');
  t.equal(await chooseBase(undefined, folder), undefined, 'the first commit has nothing before it');
  await t.rejects(chooseBase(undefined, '/'), /git knows no commit/, 'sources without a repository');
});

t.test('on a branch: where it left the main line of its origin', async (t) => {
  const { folder, git, commit, subject } = repository(t, 15);
  git('update-ref', 'refs/remotes/origin/main', 'HEAD');
  t.equal(subject(await chooseBase(undefined, folder)), '1', 'nothing of its own: the main line');
  commit('own');
  const base = await chooseBase(undefined, folder);
  t.equal(subject(base), '15');
  t.match(base.why, /left the main line/);
});

t.test('the one that was asked for', async (t) => {
  const { folder, subject } = repository(t, 3);
  t.equal(subject(await chooseBase('HEAD~1', folder)), '2');
  await t.rejects(chooseBase('nothing', folder), /no such commit/);
  await t.rejects(chooseBase('--all', folder), /no such commit/);
});

t.test('only what is measured counts as a change, committed or not', async (t) => {
  const { folder, git } = repository(t, 1);
  const write = (file: string) => writeFileSync(join(folder, file), 'x');
  write('README.md');
  git('add', '.');
  git('commit', '--quiet', '-m', 'docs');
  t.same(await measuredChanges('HEAD~1', folder), []);
  write('lib/new.ts');
  t.same(await measuredChanges('HEAD~1', folder), ['lib/new.ts'], 'not tracked yet');
  git('add', '.');
  t.same(await measuredChanges('HEAD~1', folder), ['lib/new.ts'], 'not committed yet');
  git('commit', '--quiet', '-m', 'new');
  t.same(await measuredChanges('HEAD~1', folder), ['lib/new.ts']);
  t.same(await measuredChanges('HEAD', folder), []);
});
