import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { loadDefinitions } from '../../../lib/init/load-definitions.js';

function folderOf(t: { testdir(): string }, files: Record<string, unknown>): string {
  const folder = t.testdir();
  for (const [name, content] of Object.entries(files)) {
    writeFileSync(join(folder, name), typeof content === 'string' ? content : JSON.stringify(content));
  }
  return folder;
}

const service = (id: string, more: Record<string, unknown> = {}) => ({ id, file: `/bin/${id}`, ...more });

t.test('services come in starting order', async (t) => {
  const folder = folderOf(t, {
    'b.json': service('b'),
    'a.json': service('a'),
    'first.json': service('first', { order: 1 }),
    'README.md': 'not a definition',
  });
  const { definitions, problems } = await loadDefinitions(folder);
  t.same(
    definitions.map(({ id }) => id),
    ['first', 'a', 'b'],
  );
  t.same(problems, []);
});

t.test('what is broken is left out and named, the rest stays', async (t) => {
  const folder = folderOf(t, {
    'good.json': service('good'),
    'text.json': 'hello',
    'needs-text.json': service('needs-text', { dependsOn: ['text'] }),
    'needs-good.json': service('needs-good', { dependsOn: ['good'] }),
    'ring-a.json': service('ring-a', { dependsOn: ['ring-b'] }),
    'ring-b.json': service('ring-b', { dependsOn: ['ring-a'] }),
  });
  mkdirSync(join(folder, 'folder.json'));
  const { definitions, problems } = await loadDefinitions(folder);
  t.same(definitions.map(({ id }) => id).sort(), ['good', 'needs-good']);
  t.equal(problems.length, 5);
  for (const name of ['text', 'needs-text', 'ring-a', 'ring-b', 'EISDIR']) {
    t.ok(
      problems.some((problem) => problem.includes(name)),
      `${name} is named`,
    );
  }
});

t.test('a folder that is not there is an error', async (t) => {
  await t.rejects(loadDefinitions('/does/not/exist'), { code: 'ENOENT' });
});
