/** Streams of machined through osd: the real server, machined's real answers, and files of this machine. */
import { once } from 'node:events';
import { readdirSync, readlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { status } from '@grpc/grpc-js';
import t from 'tap';
import type { common, machine } from '../../../lib/gen/machine/machine.js';
import { fileQueries } from '../../../lib/machined/queries/files/index.js';
import { queryHandlers } from '../../../lib/machined/queries/handlers.js';
import { loadNative } from '../../../lib/native/index.js';
import { temporaryFolder } from '../machined/queries/files/file-calls.js';
import { FakeInit } from './support/fake-init.js';
import { Rig, until } from './support/rig.js';

t.setTimeout(120_000);

const LARGE_BYTES = 1 << 30;
const native = loadNative();

/** What this process has open. */
function openPaths(): Set<string> {
  const folder = '/proc/self/fd';
  return new Set(
    readdirSync(folder).flatMap((number) => {
      try {
        return [readlinkSync(join(folder, number))];
      } catch {
        // The one that reads the folder is closed by now.
        return [];
      }
    }),
  );
}

/** machined in this process, with a count of the bytes that it has read. */
async function start() {
  const counts = { read: 0 };
  const files = {
    ...native.files,
    read: async (...args: Parameters<typeof native.files.read>) => {
      const bytes = await native.files.read(...args);
      counts.read += bytes.length;
      return bytes;
    },
  };
  const { openQueryStream } = queryHandlers({
    descriptor: native.descriptor,
    table: async () => ({ unary: {}, streams: fileQueries({ native: { ...native, files } }) }),
    log: (text) => t.comment(text),
  });
  const context = { peer: 'osd', signal: new AbortController().signal, connection: { onClose: () => () => {} } };
  const machined = new FakeInit({
    openQueryStream: (request) => openQueryStream(request, context as never) as never,
  });
  const rig = await Rig.start({ machined });
  return { rig, counts };
}

t.test('a list, and failures', async (t) => {
  const folder = temporaryFolder(t);
  const { rig } = await start();
  t.teardown(() => rig.stop());
  for (let count = 0; count < 3000; count++) writeFileSync(join(folder, `file-${String(count).padStart(4, '0')}`), '');
  const client = await rig.clientWith(['os:reader']);
  const found: machine.FileInfo[] = [];
  for await (const info of client.stream('List', { root: folder })) found.push(info as machine.FileInfo);
  t.equal(found.length, 3001);
  t.match(found.at(-1), { relativeName: 'file-2999', metadata: { hostname: 'node-1' } });
  const call = client.stream('List', { root: join(folder, 'none') }).on('data', () => {});
  t.match((await once(call, 'error'))[0], { code: status.NOT_FOUND, details: /none: no such file/ });
  for (const name of ['Read', 'Copy'] as const) {
    const refused = client.stream(name, {}).on('data', () => {});
    t.match((await once(refused, 'error'))[0], { code: status.PERMISSION_DENIED }, `${name} is not for readers`);
  }
});

t.test('what is left out of a copy is told beside the name of the node', async (t) => {
  const { rig } = await start();
  t.teardown(() => rig.stop());
  const folder = temporaryFolder(t);
  writeFileSync(Buffer.concat([Buffer.from(`${folder}/`), Buffer.from([0xff])]), '');
  const told: unknown[] = [];
  for await (const data of (await rig.clientWith(['os:admin'])).stream('Copy', { rootPath: folder })) {
    const { metadata } = data as common.Data;
    if (metadata?.error) told.push(metadata);
  }
  t.match(told, [{ hostname: 'node-1', error: /left out/ }]);
});

t.test('a client that reads slowly is not run ahead of, and one that goes ends the work', async (t) => {
  const folder = temporaryFolder(t);
  const path = join(folder, 'large');
  writeFileSync(path, '');
  truncateSync(path, LARGE_BYTES);
  const { rig, counts } = await start();
  t.teardown(() => rig.stop());
  const client = await rig.clientWith(['os:admin']);
  t.notOk(openPaths().has('/'));
  const call = client.stream('Read', { path });
  call.on('error', () => {});
  const taken = new Promise<void>((resolve) => {
    let bytes = 0;
    call.on('data', ({ bytes: piece }: common.Data) => {
      bytes += piece?.length ?? 0;
      if (bytes < 10 << 20) return;
      call.pause();
      resolve();
    });
  });
  await taken;
  // It comes to rest: what is between the two is full.
  let last = -1;
  for (let calm = 0; calm < 5; calm = counts.read === last ? calm + 1 : 0) {
    last = counts.read;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  t.ok(counts.read < 40 << 20, `${counts.read >> 20} MiB read for 10 MiB taken`);
  t.ok(openPaths().has(path) && openPaths().has('/'));
  call.cancel();
  await until(() => !openPaths().has(path) && !openPaths().has('/'), 'the file and the root folder are closed');
  t.ok(counts.read < 60 << 20, 'and nothing more was read');
});
