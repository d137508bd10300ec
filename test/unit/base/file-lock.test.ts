/** Changing a file one program at a time. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { withFileLock } from '../../../lib/base/file-lock.js';

async function folderOf(t: Test): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'file-lock-'));
  t.teardown(() => rm(folder, { recursive: true }));
  return folder;
}

const add = (path: string) => async () => {
  const before = await readFile(path, 'utf8').catch(() => '0');
  await writeFile(path, String(Number(before) + 1));
};

t.test('a change that reads and writes is not overtaken by another', async (t) => {
  const folder = await folderOf(t);
  const path = join(folder, 'made', 'count');
  await Promise.all(Array.from({ length: 50 }, () => withFileLock(path, add(path))));
  t.equal(await readFile(path, 'utf8'), '50');
  t.same(await readdir(join(folder, 'made')), ['count'], 'no lock is left');
});

t.test('the lock is given back when the work fails, and a link has that of its target', async (t) => {
  const folder = await folderOf(t);
  const path = join(folder, 'file');
  await writeFile(path, '');
  await symlink('file', join(folder, 'link'));
  await t.rejects(
    withFileLock(path, async () => {
      t.same(await readdir(folder), ['file', 'file.lock', 'link']);
      await t.rejects(
        withFileLock(join(folder, 'link'), async () => {}, 1),
        {
          code: 'ERR_LOCKED',
          message: `another program is changing ${path}`,
          hint: `if there is none, remove ${path}.lock`,
        },
      );
      throw new Error('the work');
    }),
    { message: 'the work' },
  );
  t.same(await readdir(folder), ['file', 'link']);
});

t.test('a lock that cannot be written, as on a full disk, is not left behind', async (t) => {
  const folder = await folderOf(t);
  const module = JSON.stringify(import.meta.resolve('../../../lib/base/file-lock.js'));
  const program = `import(${module}).then(({ withFileLock }) => withFileLock(process.argv[1], async () => {})
    .then(() => console.log('done'), (error) => console.log(error.code)));`;
  // What the kernel allows a process to write stands for the room on the disk.
  const script = 'ulimit -f 0; exec "$@"';
  const child = spawn('sh', ['-c', script, 'sh', process.execPath, '-e', program, join(folder, 'file')]);
  const said = child.stdout.setEncoding('utf8').toArray();
  await once(child, 'exit');
  t.equal((await said).join(''), 'EFBIG\n');
  t.same(await readdir(folder), [], 'nobody waits for a lock without a name');
});

t.test('the lock of a process that is gone is taken away, by one only', async (t) => {
  const folder = await folderOf(t);
  const path = join(folder, 'count');
  const child = spawn(process.execPath, ['-e', '0']);
  await once(child, 'exit');
  for (let round = 0; round < 20; round++) {
    await writeFile(`${path}.lock`, `${child.pid} ${hostname()}\n`);
    await Promise.all(Array.from({ length: 8 }, () => withFileLock(path, add(path))));
  }
  t.equal(await readFile(path, 'utf8'), '160');
  t.same(await readdir(folder), ['count']);
});

t.test("the lock of another machine, and kubectl's, which names nobody, stay", async (t) => {
  const folder = await folderOf(t);
  const path = join(folder, 'file');
  for (const owner of ['1 elsewhere\n', '']) {
    await writeFile(`${path}.lock`, owner);
    await t.rejects(
      withFileLock(path, async () => {}, 20),
      { code: 'ERR_LOCKED' },
    );
    t.equal(await readFile(`${path}.lock`, 'utf8'), owner);
  }
});
