import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import t from 'tap';
import { addonPath, loadNative } from '../../lib/native/index.js';
import { setAttribute } from '../helpers/extended-attribute.js';
import { openDescriptors } from './open-descriptors.js';

const { descriptor, files } = loadNative();

const folder = mkdtempSync(join(tmpdir(), 'talos-files-'));
t.teardown(() => rmSync(folder, { recursive: true }));
for (const each of ['root', 'root/sub', 'outside']) mkdirSync(join(folder, each));
writeFileSync(join(folder, 'root/file'), 'inside');
writeFileSync(join(folder, 'outside/secret'), 'secret');
symlinkSync('../outside', join(folder, 'root/way-out'));
const root = await files.openRoot(join(folder, 'root'));

t.test('what is beneath is opened, read, written and listed', async (t) => {
  t.equal((await files.readFile(root, 'file', { maxBytes: 6 })).toString(), 'inside');
  await files.replaceFile(root, 'sub/config', Buffer.from('new'), { mode: 0o640 });
  t.equal(readFileSync(join(folder, 'root/sub/config'), 'utf8'), 'new');
  const sub = await files.openDirectory(root, 'sub');
  const status = await files.stat(sub, 'config');
  t.match(status, { kind: 'file', mode: 0o640, sizeBytes: 3, links: 1, uid: 0 });
  t.ok(Math.abs(status.modifiedMs - Date.now()) < 60_000);
  const file = await files.openBeneath(sub, 'config', { flags: 'r' });
  t.equal((await files.statFile(file)).identity, status.identity);
  t.equal((await files.read(file, { position: 1, maxBytes: 10 })).toString(), 'ew');
  t.equal((await files.read(file, { position: 3, maxBytes: 10 })).length, 0, 'behind its end');
  file.close();
  await files.replaceFile(sub, 'config', Buffer.from('newer'), { mode: 0o640 });
  t.not((await files.stat(sub, 'config')).identity, status.identity, 'another file of the same name');
  sub.close();
  t.equal(await files.makeDirectory(root, 'made', { mode: 0o700 }), true);
  t.equal(await files.makeDirectory(root, 'made'), false);
  await files.rename(root, 'made', 'sub/made');
  const listed = await files.readDirectory(root, '.');
  t.same(
    listed.sort((left, right) => left.name.localeCompare(right.name)),
    [
      { name: 'file', kind: 'file' },
      { name: 'sub', kind: 'directory' },
      { name: 'way-out', kind: 'link' },
    ],
  );
  t.equal(await files.readLink(root, 'way-out'), '../outside');
  await files.remove(root, 'sub/made', 'directory');
  await files.remove(root, 'sub/config', 'file');
  t.same(await files.readDirectory(root, 'sub'), []);
});

t.test('many names at once, whatever bytes they are', async (t) => {
  const odd = Buffer.concat([Buffer.from(join(folder, 'root/')), Buffer.from([0xff, 0x0a, 0xfe])]);
  writeFileSync(odd, 'odd');
  const names = await files.listNames(root, '.');
  t.equal(names.toString('latin1'), 'file\0sub\0way-out\0\xff\n\xfe\0');
  const looks = await files.lookAt(root, '.', Buffer.concat([names, Buffer.from('gone\0')]));
  t.match(looks, [
    { name: 'file', status: await files.stat(root, 'file'), target: undefined },
    { name: 'sub', status: { kind: 'directory' } },
    { name: 'way-out', status: { kind: 'link' }, target: '../outside' },
    { name: '\ufffd\n\ufffd', bytes: Buffer.from([0xff, 0x0a, 0xfe]), status: { kind: 'file', sizeBytes: 3 } },
    { name: 'gone', errorCode: 'ENOENT' },
  ]);
  const file = await files.openBeneath(root, Buffer.from([0xff, 0x0a, 0xfe]));
  t.equal(
    (await files.read(file, { position: 0, maxBytes: 10 })).toString(),
    'odd',
    'such a name can be opened by its bytes',
  );
  file.close();
  await t.rejects(files.openDirectory(root, Buffer.from('way-out')), { code: 'ELOOP' });
  await t.rejects(files.lookAt(root, '.', Buffer.from('../outside\0')), { code: 'EINVAL', path: '../outside' });
  await t.rejects(files.listNames(root, '..'), { code: 'EXDEV' });
  t.same(await files.lookAt(root, '.', Buffer.alloc(0)), []);
  rmSync(odd);
});

t.test('extended attributes', async (t) => {
  const user = async (path: string, maxBytes = 1000) =>
    (await files.attributes(root, path, { maxBytes })).filter(({ name }) => name.startsWith('user.'));
  t.same(await user('file'), []);
  setAttribute(join(folder, 'root/file'), 'user.a', Buffer.from([0, 0xff]));
  t.same(await user('file'), [{ name: 'user.a', value: Buffer.from([0, 0xff]) }]);
  t.same(await user('way-out'), [], 'of the link');
  await t.rejects(files.attributes(root, 'file', { maxBytes: 7 }), { code: 'EOVERFLOW', path: 'file' });
  await t.rejects(files.attributes(root, '../outside/secret', { maxBytes: 100 }), { code: 'EXDEV' });
  await t.rejects(files.attributes(root, 'file', { maxBytes: -1 }), { code: 'ERR_INVALID_ARG_VALUE' });
});

t.test('a file is made with each of the flags', async (t) => {
  for (const flags of ['wx', 'w', 'a', 'r+', 'r'] as const) (await files.openBeneath(root, 'made', { flags })).close();
  await t.rejects(files.openBeneath(root, 'made', { flags: 'ax' }), { code: 'EEXIST', syscall: 'openat2' });
  await files.remove(root, 'made', 'file');
});

t.test('what leads out is refused, in words', async (t) => {
  await t.rejects(files.openBeneath(root, '../outside/secret'), {
    code: 'EXDEV',
    errno: -18,
    syscall: 'openat2',
    path: '../outside/secret',
    stage: 'the path leads out of its folder',
  });
  await t.rejects(files.openBeneath(root, join(folder, 'outside/secret')), { code: 'EXDEV' });
  await t.rejects(files.readFile(root, 'way-out/secret', { maxBytes: 100 }), { code: 'ELOOP', stage: /link/ });
  await t.rejects(files.remove(root, 'way-out/secret', 'file'), { code: 'ELOOP', path: 'way-out/secret' });
  await t.rejects(files.rename(root, 'file', '../outside/file'), { code: 'EXDEV', path: '../outside/file' });
  await t.rejects(files.openBeneath(root, 'sub'), { code: 'EISDIR' });
  await t.rejects(files.readFile(root, 'file', { maxBytes: 5 }), { code: 'EFBIG', path: 'file' });
  await t.rejects(files.readDirectory(root, '.', { maxEntries: 1 }), { code: 'EOVERFLOW' });
  const proc = await files.openRoot('/proc');
  await t.rejects(files.openBeneath(proc, `${process.pid}/root/etc/passwd`), { code: 'ELOOP' });
  proc.close();
  const dev = await files.openRoot('/dev');
  await t.rejects(files.openBeneath(dev, 'null'), { code: 'EINVAL', stage: /device/ });
  dev.close();
});

t.test('a root that is closed meanwhile still serves what was asked before', async (t) => {
  const mortal = await files.openRoot(join(folder, 'root'));
  const pending = files.readFile(mortal, 'file', { maxBytes: 100 });
  mortal.close();
  t.equal((await pending).toString(), 'inside');
  await t.rejects(files.stat(mortal, 'file'), { code: 'ERR_INVALID_ARG_VALUE' });
});

t.test('wrong arguments never reach the kernel', async (t) => {
  const wrong: [call: () => Promise<unknown>, code: string][] = [
    [() => files.openRoot(1 as never), 'ERR_INVALID_ARG_TYPE'],
    [() => files.openRoot('/tmp\0'), 'ERR_INVALID_ARG_VALUE'],
    [() => files.openBeneath({} as never, 'file'), 'ERR_INVALID_ARG_TYPE'],
    [() => files.openBeneath(root, undefined as never), 'ERR_INVALID_ARG_TYPE'],
    [() => files.openBeneath(root, 'a\0b'), 'ERR_INVALID_ARG_VALUE'],
    [() => files.openBeneath(root, 'file', { flags: 'rw' as never }), 'ERR_INVALID_ARG_VALUE'],
    [() => files.openBeneath(root, 'file', { mode: 0o10000 }), 'ERR_INVALID_ARG_VALUE'],
    [() => files.openBeneath(root, 'file', { timeoutMs: -1 }), 'ERR_INVALID_ARG_VALUE'],
    [() => files.openBeneath(root, 'file', null as never), 'ERR_INVALID_ARG_TYPE'],
    [() => files.readFile(root, 'file', {} as never), 'ERR_INVALID_ARG_TYPE'],
    [() => files.remove(root, 'file', 'link' as never), 'ERR_INVALID_ARG_VALUE'],
    [() => files.rename(root, 'file', 1 as never), 'ERR_INVALID_ARG_TYPE'],
    [() => files.rename(root, 'file', 'b', { replace: 1 as never }), 'ERR_INVALID_ARG_TYPE'],
    [() => files.replaceFile(root, 'file', 'text' as never, { mode: 0o600 }), 'ERR_INVALID_ARG_TYPE'],
    [() => files.read(root, { position: -1, maxBytes: 1 }), 'ERR_INVALID_ARG_VALUE'],
  ];
  for (const [call, code] of wrong) await t.rejects(call(), { name: 'TypeError', code });
  const [reader, writer] = descriptor.pipe();
  await t.rejects(files.stat(reader, 'file'), { code: 'ENOTDIR' }, 'a descriptor that is no folder');
  reader.close();
  writer.close();
});

t.test('two worker threads at once, and one that ends while calls are pending', async (t) => {
  const source = `
    const { workerData, parentPort } = require('node:worker_threads');
    const holder = { exports: {} };
    process.dlopen(holder, workerData.addon);
    const { files } = holder.exports;
    files.openRoot(workerData.path, 30000).then(async (root) => {
      const texts = await Promise.all(Array.from({ length: 200 }, () => files.readFile(root, 'file', 100, 30000)));
      if (workerData.leaves) { for (let n = 0; n < 200; n++) files.readFile(root, 'file', 100, 30000); process.exit(0); }
      parentPort.postMessage(texts.filter((text) => text.toString() === 'inside').length);
    });`;
  const run = (leaves: boolean) =>
    new Promise<unknown>((resolve, reject) => {
      const worker = new Worker(source, {
        eval: true,
        workerData: { addon: addonPath(), path: join(folder, 'root'), leaves },
      });
      let message: unknown;
      worker.on('message', (value) => {
        message = value;
      });
      worker.on('error', reject);
      worker.on('exit', () => resolve(message));
    });
  t.same(await Promise.all([run(false), run(false), run(true)]), [200, 200, undefined]);
});

t.test('no descriptor is left open', async (t) => {
  const before = openDescriptors();
  for (let round = 0; round < 20; round++) {
    (await files.openBeneath(root, 'file')).close();
    await files.openBeneath(root, '../x').catch(() => undefined);
    await files.readDirectory(root, '.');
    await files.replaceFile(root, 'sub/a', Buffer.from('x'), { mode: 0o600 });
  }
  t.equal(openDescriptors(), before);
});
