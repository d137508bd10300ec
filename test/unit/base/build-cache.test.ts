import { fork } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rename, utimes, writeFile } from 'node:fs/promises';
import path from 'node:path';
import t, { type Test } from 'tap';
import { cached, hashFile, hashInputs } from '../../../lib/base/build-cache.js';
import { errorMessage, TalosError } from '../../../lib/base/errors.js';
import { withLock } from '../../../lib/base/process-lock.js';
import { DAY_MS, HOUR_MS } from '../../../lib/base/units.js';

/** Runs `work` with a cache of its own. */
async function withCache(t: Test, work: (kindFolder: string) => Promise<void>) {
  const before = process.env.XDG_CACHE_HOME;
  process.env.XDG_CACHE_HOME = t.testdir();
  t.teardown(() => {
    if (before === undefined) delete process.env.XDG_CACHE_HOME;
    else process.env.XDG_CACHE_HOME = before;
  });
  await work(path.join(process.env.XDG_CACHE_HOME, 'talos', 'thing'));
}

const maker = (content: string, made: string[] = []) => ({
  make: async (folder: string) => {
    made.push(folder);
    await mkdir(path.join(folder, 'deep'));
    await writeFile(path.join(folder, 'deep', 'file'), content);
  },
});

t.test('an entry is made once and used again', (t) =>
  withCache(t, async (kindFolder) => {
    const made: string[] = [];
    const request = { kind: 'thing', inputs: { a: 1 }, ...maker('x', made) };
    const entry = await cached(request);
    t.equal(entry, path.join(kindFolder, hashInputs({ a: 1 })));
    t.equal(await readFile(path.join(entry, 'deep', 'file'), 'utf8'), 'x');
    t.equal(await cached(request), entry);
    t.equal(made.length, 1);
    t.not(made[0], entry, 'it was made under another name');
    t.not(await cached({ ...request, inputs: { a: 2 } }), entry, 'other inputs are another entry');
  }),
);

t.test('a failure leaves nothing behind, and the next call starts anew', (t) =>
  withCache(t, async (kindFolder) => {
    const inputs = 'x';
    const make = async (folder: string) => {
      await writeFile(path.join(folder, 'half'), '');
      throw new Error('compiler says no');
    };
    await t.rejects(cached({ kind: 'thing', inputs, make }), { message: 'compiler says no' });
    t.same(await readdir(kindFolder), []);
    t.ok(existsSync(await cached({ kind: 'thing', inputs, ...maker('y') })));
  }),
);

t.test('what a process that died left behind is removed, never used', (t) =>
  withCache(t, async (kindFolder) => {
    const left = path.join(kindFolder, `${hashInputs('x')}.tmp-of-another`);
    await mkdir(left, { recursive: true });
    await writeFile(path.join(left, 'half'), '');
    const entry = await cached({ kind: 'thing', inputs: 'x', ...maker('y') });
    t.same(await readdir(kindFolder), [path.basename(entry)]);
    t.same(await readdir(entry), ['deep']);
  }),
);

t.test('what was left of other entries goes as well, unless somebody may be at work on it', (t) =>
  withCache(t, async (kindFolder) => {
    const leave = async (inputs: string, hours: number) => {
      const left = path.join(kindFolder, `${hashInputs(inputs)}.tmp-of-another`);
      await mkdir(left, { recursive: true });
      await writeFile(path.join(left, 'half'), '');
      const time = new Date(Date.now() - hours * HOUR_MS);
      await utimes(left, time, time);
      return path.basename(left);
    };
    const [dead, fresh, held] = [await leave('dead', 2), await leave('fresh', 0), await leave('held', 2)];
    await withLock(
      path.join(kindFolder, hashInputs('held')),
      () => {},
      async () => {
        const entry = await cached({ kind: 'thing', inputs: 'x', ...maker('y') });
        t.same((await readdir(kindFolder)).sort(), [path.basename(entry), fresh, held].sort(), `without ${dead}`);
      },
    );
  }),
);

t.test('callers at the same time share one making', (t) =>
  withCache(t, async () => {
    const made: string[] = [];
    const said: string[] = [];
    const request = { kind: 'thing', inputs: 'x', onProgress: (text: string) => said.push(text), ...maker('y', made) };
    const entries = await Promise.all([cached(request), cached(request), cached(request)]);
    t.equal(new Set(entries).size, 1);
    t.equal(made.length, 1);
    t.match(said[0], /waiting for another process/);
  }),
);

t.test('an entry that somebody else finishes first is taken, whose lock is not seen', (t) =>
  withCache(t, async (kindFolder) => {
    const make = async (folder: string) => {
      await writeFile(path.join(folder, 'file'), 'mine');
      const theirs = path.join(kindFolder, hashInputs('x'));
      await mkdir(theirs);
      await writeFile(path.join(theirs, 'file'), 'theirs');
    };
    const entry = await cached({ kind: 'thing', inputs: 'x', make });
    t.equal(await readFile(path.join(entry, 'file'), 'utf8'), 'theirs');
    t.same(await readdir(kindFolder), [path.basename(entry)]);
  }),
);

t.test('a killed holder of the lock does not block the others', (t) =>
  withCache(t, async () => {
    const child = fork(new URL('../../fixtures/cache-holder.js', import.meta.url), { env: process.env });
    t.teardown(() => child.kill('SIGKILL'));
    await new Promise((resolve) => child.once('message', resolve));
    const said: string[] = [];
    const waiting = cached({
      kind: 'thing',
      inputs: 'held',
      onProgress: (text) => {
        said.push(text);
        child.kill('SIGKILL');
      },
      ...maker('mine'),
    });
    t.equal(await readFile(path.join(await waiting, 'deep', 'file'), 'utf8'), 'mine');
    t.equal(said.length, 1, 'it waited for the other process');
  }),
);

t.test('a full or read-only disk is named with its path', (t) =>
  withCache(t, async (kindFolder) => {
    for (const [code, words] of Object.entries({ ENOSPC: 'no space left on device', EROFS: 'read-only file system' })) {
      const make = async () => {
        throw Object.assign(new Error(`${code}: ${words}, write`), { code });
      };
      const error = await cached({ kind: 'thing', inputs: code, make }).catch((reason: unknown) => reason);
      t.ok(error instanceof TalosError && error.code === 'ERR_CACHE_WRITE', code);
      t.match(errorMessage(error), new RegExp(`${kindFolder}.*${words}`));
      t.match((error as TalosError).hint, /XDG_CACHE_HOME/);
    }
    // sysfs takes no folders, not even from root.
    process.env.XDG_CACHE_HOME = '/sys/kernel';
    const error = await cached({ kind: 'thing', inputs: 1, ...maker('x') }).catch((reason: unknown) => reason);
    t.match(error, { code: 'ERR_CACHE_WRITE', message: /\/sys\/kernel\/talos\/thing/ });
  }),
);

t.test('a file elsewhere that cannot be read is not blamed on the cache', (t) =>
  withCache(t, async (kindFolder) => {
    const failure = (paths: object) =>
      Object.assign(new Error('EACCES: permission denied'), { code: 'EACCES', ...paths });
    const fail = (error: Error) =>
      cached({
        kind: 'thing',
        inputs: 1,
        make: async () => {
          throw error;
        },
      });
    await t.rejects(fail(failure({ path: '/checkout/rootfs/files/x' })), { code: 'EACCES', message: /^EACCES/ });
    // copyFile(2) names both.
    const dest = path.join(kindFolder, 'x');
    await t.rejects(fail(failure({ path: '/checkout/rootfs/files/x', dest })), { code: 'EACCES' });
    await t.rejects(fail(failure({ path: process.execPath, dest })), { code: 'ERR_CACHE_WRITE' });
    await t.rejects(fail(failure({ path: dest })), { code: 'ERR_CACHE_WRITE' });
    await t.rejects(fail(failure({})), { code: 'ERR_CACHE_WRITE' });
  }),
);

t.test('the entries that were not used for longest go', (t) =>
  withCache(t, async (kindFolder) => {
    const make = (inputs: string) => cached({ kind: 'thing', inputs, keep: 2, ...maker(inputs) });
    const old = await make('old');
    const older = await make('older');
    const fresh = await make('fresh');
    const ages = [
      [old, 2],
      [older, 3],
    ] as const;
    for (const [entry, days] of ages) {
      const time = new Date(Date.now() - days * DAY_MS);
      await utimes(entry, time, time);
    }
    await make('old'); // used: young again
    const time = new Date(Date.now() - 2 * DAY_MS);
    await utimes(fresh, time, time);
    const latest = await make('latest');
    t.same((await readdir(kindFolder)).sort(), [old, latest].map((entry) => path.basename(entry)).sort());
  }),
);

t.test('hash of a file', async (t) => {
  const folder = t.testdir({ file: 'abc' });
  await rename(path.join(folder, 'file'), path.join(folder, 'renamed'));
  const sha256 = 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad';
  t.equal(await hashFile(path.join(folder, 'renamed')), sha256);
});
