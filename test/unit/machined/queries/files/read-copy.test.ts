/** Read and Copy over real files: what comes out, what is refused, and files that change meanwhile. GNU tar judges the archives. */
import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  chmodSync,
  closeSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import t from 'tap';
import { openDescriptors } from '../../../../native/open-descriptors.js';
import { all, bytesOf, copy, list, read, temporaryFolder } from './file-calls.js';

t.setTimeout(120_000);

const LARGE_BYTES = 256 << 20;

t.test('files come as they are', async (t) => {
  const folder = temporaryFolder(t);
  for (const size of [0, 1, 131_071, 131_072, 131_073, 1_000_000]) {
    const content = Buffer.alloc(size, 'abc\u0000\u001b[2J');
    writeFileSync(join(folder, 'file'), content);
    t.ok((await bytesOf(read({ path: join(folder, 'file') }))).bytes.equals(content), `${size} bytes`);
  }
  t.equal((await bytesOf(read({ path: '/proc/version' }))).bytes.toString(), readFileSync('/proc/version', 'utf8'));
  t.match(
    (await bytesOf(read({ path: `/proc/${process.pid}/status` }))).bytes.toString(),
    /^Name:/,
    'a file without a size',
  );
});

t.test('what is no file to read is refused in words', async (t) => {
  const folder = temporaryFolder(t);
  execFileSync('mkfifo', [join(folder, 'fifo')]);
  symlinkSync('/etc/passwd', join(folder, 'link'));
  for (const [path, kind, words] of [
    [folder, 'FAILED_PRECONDITION', /is a directory: use ls or cp/],
    [`${folder}/none`, 'NOT_FOUND', /no such file/],
    [`${folder}/fifo`, 'FAILED_PRECONDITION', /FIFO/],
    [`${folder}/link`, 'FAILED_PRECONDITION', /link is a symbolic link to \/etc\/passwd.*ask for \/etc\/passwd/],
    ['/dev/null', 'FAILED_PRECONDITION', /device/],
    ['/dev/zero', 'FAILED_PRECONDITION', /device/],
    [`/proc/${process.pid}/mem`, 'FAILED_PRECONDITION', /memory/],
    [`/proc/${process.pid}/task/${process.pid}/mem`, 'FAILED_PRECONDITION', /memory/],
    ['/proc/kmsg', 'FAILED_PRECONDITION', /dmesg/],
    [`/proc/${process.pid}/exe`, 'FAILED_PRECONDITION', /link/],
    [`/proc/${process.pid}/fd/0`, 'FAILED_PRECONDITION', /link/],
    [`/proc/${process.pid}/root/etc/passwd`, 'FAILED_PRECONDITION', /link/],
    ['etc/passwd', 'INVALID_ARGUMENT', /begin it with a slash/],
    ['', 'INVALID_ARGUMENT', /begin it with a slash/],
  ] as const) {
    t.match(await all(read({ path })).catch((error) => error), { name: 'ControlError', kind, message: words }, path);
    if (path !== folder) {
      t.match(
        await all(copy({ rootPath: path })).catch((error) => error),
        { name: 'ControlError', kind },
        `copy ${path}`,
      );
    }
  }
});

t.test('a large file at the pace of its reader, in bounded memory', async (t) => {
  const folder = temporaryFolder(t);
  const path = join(folder, 'large');
  writeFileSync(path, '');
  truncateSync(path, LARGE_BYTES);
  const before = process.memoryUsage().rss;
  let total = 0;
  let most = 0;
  for await (const { bytes } of read({ path })) {
    total += bytes?.length ?? 0;
    if (total % (64 << 20) === 0) most = Math.max(most, process.memoryUsage().rss);
  }
  t.equal(total, LARGE_BYTES);
  // Blocks that nobody needs any more stay until the collector comes by.
  t.ok(most - before < LARGE_BYTES / 2, `${(most - before) >> 20} MiB more`);
});

/** What GNU tar makes of an archive. */
function unpack(archive: Buffer, folder: string): void {
  mkdirSync(folder);
  execFileSync('tar', ['-xzpf', '-', '-C', folder], { input: archive, stdio: ['pipe', 'pipe', 'inherit'] });
}

t.test('a tree comes out as it was', async (t) => {
  const folder = temporaryFolder(t);
  const tree = join(folder, 'tree');
  const long = `${'long-'.repeat(45)}name`;
  mkdirSync(join(tree, 'sub/empty'), { recursive: true });
  mkdirSync(join(tree, long, long), { recursive: true });
  for (const name of ['file', 'empty', 'ä…', 'line\nend', `${long}/${long}/${long}`, 'sub/x']) {
    writeFileSync(join(tree, name), name === 'empty' ? '' : `content of ${name}\n`.repeat(10_000));
  }
  chmodSync(join(tree, 'file'), 0o4751);
  chmodSync(join(tree, 'sub/empty'), 0o1777);
  utimesSync(join(tree, 'file'), 1, 1_600_000_000);
  symlinkSync('sub/x', join(tree, 'link'));
  symlinkSync(`/${long}`, join(tree, 'long-link'));
  const { bytes, told } = await bytesOf(copy({ rootPath: tree }));
  t.same(told, []);
  unpack(bytes, join(folder, 'out'));
  t.equal(execFileSync('diff', ['-r', '--no-dereference', tree, join(folder, 'out')], { encoding: 'utf8' }), '');
  const describe = async (root: string) =>
    (await all(list({ root, recurse: true }))).slice(1).map(({ relativeName, mode, modified, uid, gid, link }) => ({
      ...{ relativeName, mode, uid, gid, link },
      modified: link === '' && !relativeName?.startsWith('sub') ? modified : 0,
    }));
  t.same(await describe(join(folder, 'out')), await describe(tree), 'modes, owners, times');
  unpack((await bytesOf(copy({ rootPath: join(tree, 'file') }))).bytes, join(folder, 'one'));
  t.same(readdirSync(join(folder, 'one')), ['file'], 'one file by its name');
});

t.test('what is left out is told', async (t) => {
  const folder = temporaryFolder(t);
  const tree = join(folder, 'tree');
  mkdirSync(tree);
  execFileSync('mkfifo', [join(tree, 'fifo')]);
  writeFileSync(Buffer.concat([Buffer.from(`${tree}/`), Buffer.from([0xff])]), 'x');
  writeFileSync(join(tree, 'file'), 'x');
  const { bytes, told } = await bytesOf(copy({ rootPath: tree }));
  t.same(told, [
    `${tree}/fifo was left out: it is a fifo`,
    `${tree}/\ufffd was left out: it is a name that is no UTF-8`,
  ]);
  unpack(bytes, join(folder, 'out'));
  t.same(readdirSync(join(folder, 'out')), ['file']);
  const proc = await bytesOf(copy({ rootPath: '/proc/sys/kernel/random' }));
  unpack(proc.bytes, join(folder, 'random'));
  t.match(readFileSync(join(folder, 'random/boot_id'), 'utf8'), /^[0-9a-f-]{36}\n$/, 'files that say they are empty');
});

t.test('a file that shrinks or grows makes no broken archive', async (t) => {
  const folder = temporaryFolder(t);
  const tree = join(folder, 'tree');
  mkdirSync(tree);
  const size = 8_000_000;
  writeFileSync(join(tree, 'z-last'), 'last');
  // Random, so that nothing of it waits in the compressor while the first pieces are out.
  const content = execFileSync('head', ['-c', String(size), '/dev/urandom'], { maxBuffer: 2 * size });
  for (const name of ['grows', 'shrinks']) writeFileSync(join(tree, name), content);
  const stream = copy({ rootPath: tree });
  const first = await stream.next();
  appendFileSync(join(tree, 'grows'), 'more');
  const handle = openSync(join(tree, 'shrinks'), 'r+');
  const later = (async function* () {
    if (!first.done) yield first.value;
    let taken = 0;
    for await (const message of stream) {
      taken += message.bytes?.length ?? 0;
      // The reader is in the middle of the second file by now.
      if (taken > 1.5 * size) ftruncateSync(handle, 1000);
      yield message;
    }
  })();
  const { bytes, told } = await bytesOf(later);
  closeSync(handle);
  t.match(told, [
    /grows grew while it was read/,
    /shrinks became shorter while it was read: its last \d+ bytes are zeros/,
  ]);
  unpack(bytes, join(folder, 'out'));
  t.ok(readFileSync(join(folder, 'out/grows')).equals(content));
  t.equal(statSync(join(folder, 'out/shrinks')).size, size);
  t.equal(readFileSync(join(folder, 'out/z-last'), 'utf8'), 'last');
});

t.test('a client that goes away in the middle ends the work, and leaves nothing open', async (t) => {
  const folder = temporaryFolder(t);
  writeFileSync(join(folder, 'large'), '');
  truncateSync(join(folder, 'large'), LARGE_BYTES);
  const before = openDescriptors();
  for (const attempt of [read({ path: join(folder, 'large') }), copy({ rootPath: folder })]) {
    for await (const { bytes } of attempt) {
      t.ok(bytes);
      break;
    }
  }
  t.equal(openDescriptors(), before);
  const stop = new AbortController();
  const stopped = copy({ rootPath: folder }, stop.signal);
  await stopped.next();
  stop.abort(new Error('gone'));
  await t.rejects(all(stopped), { message: 'gone' });
  t.equal(openDescriptors(), before);
});

t.test('an archive ends where it should', async (t) => {
  const folder = temporaryFolder(t);
  const { bytes } = await bytesOf(copy({ rootPath: folder }));
  t.equal(gunzipSync(bytes).length, 1024, 'an empty directory: two empty blocks');
});
