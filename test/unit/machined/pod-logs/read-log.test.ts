/** A kubelet's folder of logs, as it is written, rotated, compressed and removed while somebody reads. */
import { appendFileSync, mkdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import t, { type Test } from 'tap';
import { findLog } from '../../../../lib/machined/pod-logs/find-log.js';
import { readPodLog } from '../../../../lib/machined/pod-logs/read-log.js';
import { loadNative } from '../../../../lib/native/index.js';
import { within } from '../../../helpers/deadline.js';

const { files, descriptor: descriptors } = loadNative();
const line = (text: string | number, tag = 'F') => `2026-11-29T15:04:05.123456789Z stdout ${tag} ${text}\n`;
const numbered = (from: number, to: number) => Array.from({ length: to - from }, (_, at) => line(from + at)).join('');
const plain = (from: number, to: number) => Array.from({ length: to - from }, (_, at) => `${from + at}\n`).join('');

function pods(t: Test) {
  const root = t.testdir({ 'default_web_0f-1': { app: {} }, 'kube-system_etcd-a_77': { etcd: {} }, 'no pod': {} });
  const app = join(root, 'default_web_0f-1', 'app');
  const found = async (id = 'default/web:app', since: number | null = 0) => {
    const folder = await files.openRoot(root);
    try {
      const log = await findLog(files, folder, id, async () => since ?? undefined);
      t.teardown(() => log.folder.close());
      return log;
    } finally {
      folder.close();
    }
  };
  return { root, app, found };
}

async function whole(where: ReturnType<typeof pods>, tailLines = -1, id?: string, since?: number): Promise<string> {
  const { signal } = new AbortController();
  const parts: Buffer[] = [];
  const log = readPodLog(await where.found(id, since), { files, descriptors, tailLines, follow: false, signal });
  for await (const { bytes } of log) parts.push(Buffer.from(bytes ?? []));
  return Buffer.concat(parts).toString();
}

/** A follower, and what it has got so far. */
async function follow(t: Test, where: ReturnType<typeof pods>, tailLines = -1) {
  const stop = new AbortController();
  let text = '';
  let isOver = false;
  let wake = () => {};
  const log = readPodLog(await where.found(), { files, descriptors, tailLines, follow: true, signal: stop.signal });
  const done = (async () => {
    for await (const { bytes } of log) {
      text += Buffer.from(bytes ?? []).toString();
      wake();
    }
    isOver = true;
    wake();
  })();
  done.catch(() => wake());
  t.teardown(async () => {
    stop.abort(new Error('enough'));
    await done.catch(() => {});
  });
  const until = (isSo: () => boolean, what: string) =>
    within(
      20_000,
      what,
      (async () => {
        while (!isSo()) {
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
        }
      })(),
      () => text.slice(-200),
    );
  return {
    done,
    stop,
    has: (expected: string) =>
      until(() => text === expected || text.length > expected.length, 'it has all of it').then(() =>
        t.equal(text, expected),
      ),
    over: () => until(() => isOver, 'it is over'),
    text: () => text,
  };
}

t.test('the newest file, or its last lines', async (t) => {
  const where = pods(t);
  writeFileSync(join(where.app, '0.log'), numbered(0, 3));
  writeFileSync(join(where.app, '1.log.20261129-150000'), numbered(0, 5));
  writeFileSync(join(where.app, '1.log'), numbered(5, 30_000));
  t.equal(await whole(where), plain(5, 30_000));
  for (const count of [0, 1, 2, 1500, 29_994, 29_995, 40_000]) {
    t.equal(await whole(where, count), plain(Math.max(5, 30_000 - count), 30_000), `${count} lines`);
  }
  t.equal(await whole(where, -1, 'default/web:app:0123456789ab', 1), plain(0, 3), 'the run before');
  const nobody = 'default/web:app:0123456789ab';
  await t.rejects(where.found(nobody, null), {
    kind: 'NOT_FOUND',
    message: /no container 0123456789ab of default\/web:app/,
  });
});

t.test('a long line is one line', async (t) => {
  const where = pods(t);
  writeFileSync(join(where.app, '0.log'), line('a') + line('b', 'P') + line('c', 'P') + line('d') + line('e'));
  t.equal(await whole(where, 2), 'bcd\ne\n');
  t.equal(await whole(where, 3), 'a\nbcd\ne\n');
  writeFileSync(join(where.app, '0.log'), line('a') + line('x'.repeat(300_000), 'P') + line('y'));
  t.equal((await whole(where, 1)).length, 300_002, 'longer than a block');
});

t.test('what is asked for and not there', async (t) => {
  const where = pods(t);
  await t.rejects(where.found('default/web:other'), {
    kind: 'NOT_FOUND',
    message: /default\/web:app, kube-system\/etcd-a:etcd/,
  });
  for (const id of [
    '',
    'web',
    '../../etc:passwd',
    'default/../web:app',
    'default/web:../app',
    'default/web:app\0',
    'a/b:c:d',
  ]) {
    await t.rejects(
      where.found(id),
      Object.assign(new Error(), { kind: 'INVALID_ARGUMENT', message: /is no container/ }),
      JSON.stringify(id),
    );
  }
  t.equal(await whole(where), '', 'a container that has not written');
});

t.test('a log that is a link, or no file, is not read', async (t) => {
  const where = pods(t);
  writeFileSync(join(where.root, 'secret'), 'secret');
  symlinkSync('../../secret', join(where.app, '0.log'));
  await t.rejects(whole(where), { code: 'ELOOP' });
  rmSync(join(where.app, '0.log'));
  mkdirSync(join(where.app, '0.log'));
  await t.rejects(whole(where), { code: 'EISDIR' });
  rmSync(where.app, { recursive: true });
  symlinkSync(where.root, where.app);
  await t.rejects(where.found(), { kind: 'NOT_FOUND', message: /no log/ }, 'nor is a folder that is one');
});

t.test('followed over a rotation, nothing is lost and nothing comes twice', async (t) => {
  const where = pods(t);
  const current = join(where.app, '0.log');
  writeFileSync(current, numbered(0, 10));
  const reader = await follow(t, where, 2);
  await reader.has(plain(8, 10));
  appendFileSync(current, numbered(10, 12));
  await reader.has(plain(8, 12));
  appendFileSync(current, line('begun', 'P').slice(0, 40));
  appendFileSync(current, line('begun', 'P').slice(40));
  renameSync(current, join(where.app, '0.log.20261129-150001'));
  appendFileSync(join(where.app, '0.log.20261129-150001'), line(', and ended'));
  writeFileSync(current, numbered(12, 14));
  // Its writer may still have had the old one.
  await reader.has(`${plain(8, 12)}begun, and ended\n${plain(12, 14)}`);
  for (let round = 2; round < 6; round++) {
    const old = join(where.app, `0.log.20261129-15000${round}`);
    renameSync(current, old);
    writeFileSync(current, numbered(round * 10, round * 10 + 3));
    // As the kubelet does with all but the last one.
    const older = join(where.app, `0.log.20261129-15000${round - 1}`);
    writeFileSync(`${older}.tmp`, gzipSync(readFileSync(older)));
    renameSync(`${older}.tmp`, `${older}.gz`);
    rmSync(older);
  }
  const rounds = [2, 3, 4, 5].map((round) => plain(round * 10, round * 10 + 3)).join('');
  await reader.has(`${plain(8, 12)}begun, and ended\n${plain(12, 14)}${rounds}`);
});

t.test('followed from before there is a file to the end of its pod, over runs of the container', async (t) => {
  const where = pods(t);
  const reader = await follow(t, where);
  writeFileSync(join(where.app, '0.log'), line('first run') + line('cut off', 'P'));
  await reader.has('first run\n');
  writeFileSync(join(where.app, '1.log'), line('second run'));
  await reader.has('first run\ncut offsecond run\n');
  rmSync(join(where.root, 'default_web_0f-1'), { recursive: true });
  await reader.over();
  await reader.done;
});

t.test('a follower that goes ends it', async (t) => {
  const where = pods(t);
  writeFileSync(join(where.app, '0.log'), numbered(0, 1));
  const reader = await follow(t, where);
  await reader.has('0\n');
  reader.stop.abort(new Error('gone'));
  await t.rejects(reader.done, /gone/);
});
