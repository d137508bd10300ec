/**
 * A folder that somebody exchanges with a link to the outside, all the time, while it is listed, read, counted and copied: nothing of the
 * outside ever comes out.
 */
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isMainThread, Worker, workerData } from 'node:worker_threads';
import { gunzipSync } from 'node:zlib';
import t from 'tap';
import { all, bytesOf, copy, list, read, usage } from './file-calls.js';

const ROUNDS = 10_000;
/** Which of the attempts follow each other; a copy costs as much as ten of the others. */
const COURSE = [0, 1, 0, 2, 0, 1, 0, 3, 0, 1, 0, 2, 0, 1, 0, 3, 0, 1, 0, 4];

async function exchangeForEver({ folder, stop }: { folder: string; stop: Int32Array }): Promise<void> {
  const { renameSync } = await import('node:fs');
  const [swap, link, aside] = ['swap', 'link', 'aside'].map((name) => join(folder, name)) as [string, string, string];
  while (Atomics.load(stop, 0) === 0) {
    renameSync(swap, aside);
    renameSync(link, swap);
    renameSync(swap, link);
    renameSync(aside, swap);
  }
}

if (!isMainThread) {
  await exchangeForEver(workerData);
} else {
  t.setTimeout(180_000);
  t.test('never anything from outside', async (t) => {
    const base = mkdtempSync(join(tmpdir(), 'talos-file-race-'));
    t.teardown(() => rmSync(base, { recursive: true, force: true }));
    const folder = join(base, 'inside');
    for (const path of ['inside/swap', 'outside']) mkdirSync(join(base, path), { recursive: true });
    writeFileSync(join(folder, 'swap/name'), 'harmless');
    writeFileSync(join(base, 'outside/name'), 'secret');
    writeFileSync(join(base, 'outside/only-outside'), 'secret');
    symlinkSync('../outside', join(folder, 'link'));
    const stop = new Int32Array(new SharedArrayBuffer(4));
    const worker = new Worker(new URL(import.meta.url), { workerData: { folder, stop } });
    const ended = new Promise((resolve) => worker.once('exit', resolve));
    const counts = { inside: 0, refused: 0, outside: 0, strange: [] as string[] };
    const judge = (text: string) => {
      if (/secret|only-outside/.test(text)) counts.outside++;
      else if (/harmless|name/.test(text)) counts.inside++;
    };
    const attempts = [
      async () => judge((await bytesOf(read({ path: join(folder, 'swap/name') }))).bytes.toString()),
      async () => judge(JSON.stringify((await all(list({ root: join(folder, 'swap') }))).slice(1))),
      async () => judge(JSON.stringify(await all(list({ root: folder, recurse: true })))),
      async () => judge(JSON.stringify(await all(usage({ paths: [folder], all: true })))),
      async () => judge(gunzipSync((await bytesOf(copy({ rootPath: folder }))).bytes).toString('latin1')),
    ];
    for (let round = 0; round < ROUNDS; round++) {
      try {
        await attempts[COURSE[round % COURSE.length] as number]?.();
      } catch (error) {
        const { kind, message } = error as { kind?: string; message: string };
        if (kind === 'FAILED_PRECONDITION' || kind === 'NOT_FOUND' || kind === 'UNAVAILABLE') counts.refused++;
        else counts.strange.push(`${kind}: ${message}`);
      }
    }
    Atomics.store(stop, 0, 1);
    await ended;
    t.equal(counts.outside, 0);
    t.same(counts.strange.slice(0, 3), []);
    t.ok(counts.inside > 0 && counts.refused > 0, JSON.stringify(counts));
  });
}
