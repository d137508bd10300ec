/** What a build calls itself. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { sourceIdentity } from '../../../lib/image/sources.js';

/** A repository with one commit, and an archive of sources unpacked in it. */
function repository(folder: string): { git: (...words: string[]) => string; inner: string } {
  const identity = ['-c', 'user.name=a', '-c', 'user.email=a@example.org'];
  const git = (...words: string[]) => execFileSync('git', ['-C', folder, ...identity, ...words], { encoding: 'utf8' });
  git('init', '--quiet');
  git('commit', '--quiet', '--allow-empty', '--message=another project');
  const inner = path.join(folder, 'sources');
  mkdirSync(inner);
  writeFileSync(path.join(inner, 'package.json'), JSON.stringify({ version: '1.2.3' }));
  return { git, inner };
}

function withSourceDate(test: { teardown(work: () => void): void }, value: string): void {
  const before = process.env.SOURCE_DATE_EPOCH;
  process.env.SOURCE_DATE_EPOCH = value;
  test.teardown(() => {
    if (before === undefined) delete process.env.SOURCE_DATE_EPOCH;
    else process.env.SOURCE_DATE_EPOCH = before;
  });
}

t.test('sources inside of a repository that does not have them are none of its commits', async (t) => {
  const { git, inner } = repository(t.testdir());
  withSourceDate(t, '86400');
  const built = '1970-01-02T00:00:00.000Z';
  t.same(await sourceIdentity(inner), { tag: 'v1.2.3', sha: 'unknown', built, timeSeconds: 86400 });
  git('add', 'sources/package.json');
  git('commit', '--quiet', '--message=with the sources');
  const sha = git('rev-parse', '--short=9', 'HEAD').trim();
  t.match(await sourceIdentity(inner), { sha, timeSeconds: Number(git('log', '-1', '--format=%ct')) });
  writeFileSync(path.join(inner, 'package.json'), JSON.stringify({ version: '1.2.4' }));
  t.match(await sourceIdentity(inner), { tag: 'v1.2.4', sha: `${sha}-dirty` });
});

t.test('a time that is none is told', async (t) => {
  const { inner } = repository(t.testdir());
  for (const value of ['yesterday', '-1']) {
    withSourceDate(t, value);
    await t.rejects(sourceIdentity(inner), { code: 'ERR_USAGE', message: /SOURCE_DATE_EPOCH/ }, value);
  }
});
