import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { walkTree } from '../../../../../lib/machined/queries/files/walk-tree.js';
import { loadNative } from '../../../../../lib/native/index.js';
import { temporaryFolder } from './file-calls.js';

const { files } = loadNative();

t.test('a directory that goes between being seen and being entered was never there', async (t) => {
  const folder = temporaryFolder(t);
  for (const name of ['a', 'b', 'c']) {
    mkdirSync(join(folder, name));
    writeFileSync(join(folder, name, 'file'), '');
  }
  const root = await files.openRoot('/');
  t.teardown(() => root.close());
  const removing: typeof files = {
    ...files,
    listNames: async (from, path, options) => {
      if (path.toString().endsWith('/b')) rmSync(join(folder, 'b'), { recursive: true });
      return await files.listNames(from, path, options);
    },
  };
  const steps: string[] = [];
  for await (const step of walkTree(removing, root, { path: folder, signal: new AbortController().signal })) {
    steps.push(step.kind === 'problem' ? `problem ${step.relative}` : `${step.kind} ${step.file.relative}`);
  }
  t.same(steps, [
    'file .',
    'file a',
    'file a/file',
    'left a',
    'file b',
    'left b',
    'file c',
    'file c/file',
    'left c',
    'left .',
  ]);
});

t.test('a walk that comes to one file system after the other that does not answer ends', async (t) => {
  const folder = temporaryFolder(t);
  for (const name of ['a', 'dead-1', 'dead-2', 'dead-3', 'dead-4', 'z']) mkdirSync(join(folder, name));
  const root = await files.openRoot('/');
  t.teardown(() => root.close());
  let waits = 0;
  const silent: typeof files = {
    ...files,
    listNames: async (from, path, options) => {
      if (!path.toString().includes('dead')) return await files.listNames(from, path, options);
      waits++;
      throw Object.assign(new Error('ETIMEDOUT'), { code: 'ETIMEDOUT', syscall: 'getdents64' });
    },
  };
  const problems: string[] = [];
  const walk = async () => {
    for await (const step of walkTree(silent, root, { path: folder, signal: new AbortController().signal })) {
      if (step.kind === 'problem') problems.push(step.relative);
    }
  };
  await t.rejects(walk(), {
    kind: 'DEADLINE_EXCEEDED',
    message: `${folder}: 3 directories in it do not answer, and it is walked no further`,
  });
  t.same(problems, ['dead-1', 'dead-2', 'dead-3'], 'each is told');
  t.equal(waits, 3, 'each has cost a thread');
});
