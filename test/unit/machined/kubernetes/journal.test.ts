/** The journal on a real file system. */
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { type Journal, JournalFile, parseJournal } from '../../../../lib/machined/kubernetes/journal.js';
import { loadNative } from '../../../../lib/native/index.js';

const journal: Journal = {
  ...{ kind: 'init', authority: 'a1', nodeName: 'node-1', release: 'v1.20.2' },
  ...{ done: ['certs', 'kubeconfig'], isMember: false },
};

t.test('it is there as it was written, for root only, or not at all', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'journal-'));
  t.teardown(() => rm(folder, { recursive: true }));
  const file = new JournalFile(loadNative().files, folder);
  t.equal(await file.read(), undefined);
  await file.write({ ...journal, done: [] });
  await file.write(journal);
  t.strictSame(await file.read(), journal);
  t.equal((await stat(join(folder, 'journal.json'))).mode & 0o777, 0o600);
  await writeFile(join(folder, 'journal.json'), (await readFile(join(folder, 'journal.json'), 'utf8')).slice(0, 20));
  await t.rejects(file.read(), { code: 'ERR_JOURNAL', message: /osctl reset/ });
});

t.test('what it cannot be is refused', (t) => {
  const text = (change: object) => JSON.stringify({ format: 1, ...journal, ...change });
  t.strictSame(parseJournal(text({})), journal);
  t.strictSame(parseJournal(text({ controlPlane: 'd1' })), { ...journal, controlPlane: 'd1' });
  for (const change of [
    { format: 2 },
    { kind: 'reset' },
    { authority: '' },
    { nodeName: 1 },
    { release: undefined },
    { done: 'certs' },
    { done: [1] },
    { isMember: 'yes' },
    { controlPlane: 1 },
  ]) {
    t.throws(() => parseJournal(text(change)), { code: 'ERR_JOURNAL', message: /journal/ }, JSON.stringify(change));
  }
  for (const broken of ['', 'null', '[]', '{'])
    t.throws(() => parseJournal(broken), { code: 'ERR_JOURNAL', message: /journal/ });
  t.end();
});
