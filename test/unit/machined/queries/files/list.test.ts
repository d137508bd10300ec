/** List and DiskUsage over real folders. */
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  linkSync,
  mkdirSync,
  readlinkSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import t from 'tap';
import { setAttribute } from '../../../../helpers/extended-attribute.js';
import { all, list, names, temporaryFolder, usage } from './file-calls.js';

t.setTimeout(120_000);

t.test('a directory: itself, and what is in it, in order', async (t) => {
  const folder = temporaryFolder(t);
  mkdirSync(join(folder, 'sub/deep'), { recursive: true });
  writeFileSync(join(folder, 'file'), 'twelve bytes');
  chmodSync(join(folder, 'file'), 0o640);
  utimesSync(join(folder, 'file'), 1, 1_700_000_000.75);
  writeFileSync(join(folder, 'sub/deep/x'), 'x');
  symlinkSync('sub/deep', join(folder, 'link'));
  execFileSync('mkfifo', [join(folder, 'fifo')]);
  const found = await all(list({ root: folder }));
  t.match(found, [
    { name: folder, relativeName: '.', isDir: true },
    { name: `${folder}/fifo`, relativeName: 'fifo', mode: 0x0200_0000 + 0o644, isDir: false },
    {
      name: `${folder}/file`,
      size: 12,
      mode: 0o640,
      modified: 1_700_000_000,
      isDir: false,
      uid: process.getuid?.(),
      link: '',
    },
    { name: `${folder}/link`, mode: 0x0800_01ff, link: 'sub/deep', isDir: false },
    { name: `${folder}/sub`, mode: 0x8000_01ed, isDir: true, relativeName: 'sub' },
  ]);
  const everything = ['.', 'fifo', 'file', 'link', 'sub', 'sub/deep', 'sub/deep/x'];
  t.same(await names(list({ root: `${folder}/`, recurse: true })), everything);
  t.same(
    await names(list({ root: folder, recurse: true, recursionDepth: -1 })),
    everything,
    'as talosctl asks for all',
  );
  t.same(await names(list({ root: folder, recurse: true, recursionDepth: 1 })), everything.slice(0, 5));
  t.same(await names(list({ root: folder, recurse: true, recursionDepth: 2 })), everything.slice(0, 6));
  t.same(await names(list({ root: folder, recursionDepth: 5 })), everything.slice(0, 5), 'no recursion, no depth');
  t.same(await names(list({ root: folder, recurse: true, types: [0] })), ['file', 'sub/deep/x']);
  t.same(await names(list({ root: folder, recurse: true, types: [1, 2] })), ['.', 'link', 'sub', 'sub/deep']);
  t.same(await names(list({ root: `${folder}/file` })), ['file'], 'a file is listed by its name');
  t.same(await names(list({ root: folder.slice(1), types: [0] })), ['file'], 'no slash in front: from the root');
  t.ok((await names(list({ root: '' }))).includes('proc'), 'no path: the root');
});

t.test('extended attributes: those that say what a file is with their value, of others the name', async (t) => {
  const folder = temporaryFolder(t);
  writeFileSync(join(folder, 'file'), '');
  writeFileSync(join(folder, 'much'), '');
  symlinkSync('file', join(folder, 'link'));
  // A capability set (capability.h, revision 2): any other value of this attribute is refused by the kernel.
  const capability = Buffer.from('0100000200040000000000000000000000000000', 'hex');
  setAttribute(join(folder, 'file'), 'security.capability', capability);
  setAttribute(join(folder, 'file'), 'user.secret', Buffer.from('content'));
  const found = await all(list({ root: folder, reportXattrs: true }));
  const xattrs = new Map(found.map((info) => [info.relativeName, info.xattrs?.map(({ name, data }) => [name, data])]));
  const ofFile = xattrs.get('file')?.sort();
  t.match(ofFile, [
    ['security.capability', capability],
    ['user.secret', Buffer.alloc(0)],
  ]);
  t.same(xattrs.get('link'), [], 'a link has its own');
  t.same(
    (await all(list({ root: folder }))).flatMap((info) => info.xattrs ?? []),
    [],
    'only when they are asked for',
  );
});

t.test('what is refused says what to do', async (t) => {
  const folder = temporaryFolder(t);
  mkdirSync(join(folder, 'real'));
  writeFileSync(join(folder, 'real/file'), '');
  symlinkSync('real', join(folder, 'link'));
  symlinkSync('/proc', join(folder, 'far'));
  for (const [path, kind, words] of [
    [`${folder}/none`, 'NOT_FOUND', /none: no such file/],
    [
      `${folder}/link`,
      'FAILED_PRECONDITION',
      `${folder}/link is a symbolic link to real, and links are not followed: ask for ${folder}/real`,
    ],
    [`${folder}/link/file`, 'FAILED_PRECONDITION', `ask for ${folder}/real/file`],
    [`${folder}/far/1/status`, 'FAILED_PRECONDITION', 'ask for /proc/1/status'],
    [`${folder}/real/file/x`, 'FAILED_PRECONDITION', /not a directory/],
    [
      `/proc/${process.pid}/root/etc`,
      'FAILED_PRECONDITION',
      `/proc/${process.pid}/root is a symbolic link to /, and links are not followed`,
    ],
    [`/proc/self`, 'FAILED_PRECONDITION', `ask for /proc/${process.pid}`],
    ['/a\0b', 'INVALID_ARGUMENT', /null byte/],
    [`/${'x'.repeat(300)}`, 'INVALID_ARGUMENT', /too long/],
  ] as const) {
    for (const attempt of [list({ root: path }), usage({ paths: [path] })]) {
      const error = await all(attempt).catch((failure) => failure);
      t.match(error, { name: 'ControlError', kind, message: words }, JSON.stringify(path).slice(0, 80));
    }
  }
  await t.rejects(all(usage({})), { kind: 'INVALID_ARGUMENT', message: /name one/ });
});

t.test('names with line ends, escapes and bytes that are no text', async (t) => {
  const folder = temporaryFolder(t);
  const odd = Buffer.concat([Buffer.from(`${folder}/`), Buffer.from([0x80, 0xff])]);
  mkdirSync(odd);
  writeFileSync(Buffer.concat([odd, Buffer.from('/inside')]), 'x');
  for (const name of ['a\nb', '\u001b[2J', '…', ' ', '-rf']) writeFileSync(join(folder, name), '');
  t.same(await names(list({ root: folder, recurse: true })), [
    ...['.', '\u001b[2J', ' ', '-rf', 'a\nb', '\ufffd\ufffd', '\ufffd\ufffd/inside', '…'].sort((left, right) =>
      Buffer.compare(bytesFor(left), bytesFor(right)),
    ),
  ]);
});

/** Where the replacement stands for 0x80 0xff. */
const bytesFor = (name: string) =>
  name === '.'
    ? Buffer.alloc(0)
    : Buffer.from(name).includes(Buffer.from('\ufffd'))
      ? Buffer.concat([Buffer.from([0x80, 0xff]), Buffer.from(name.slice(2))])
      : Buffer.from(name);

t.test('sums are the same as those of du', async (t) => {
  const folder = temporaryFolder(t);
  mkdirSync(join(folder, 'a/b/c'), { recursive: true });
  mkdirSync(join(folder, 'd'));
  writeFileSync(join(folder, 'a/one'), Buffer.alloc(1000));
  writeFileSync(join(folder, 'a/b/two'), Buffer.alloc(200));
  linkSync(join(folder, 'a/b/two'), join(folder, 'a/b/two-again'));
  linkSync(join(folder, 'a/one'), join(folder, 'd/one-again'));
  writeFileSync(join(folder, 'd/sparse'), '');
  truncateSync(join(folder, 'd/sparse'), 10_000_000);
  symlinkSync('/', join(folder, 'd/link'));
  const seen = await all(usage({ paths: [folder], all: true }));
  const sums = new Map(seen.map(({ relativeName, size }) => [relativeName, Number(size)]));
  const lines = execFileSync('du', ['-a', '--apparent-size', '--block-size=1', '.'], { cwd: folder, encoding: 'utf8' });
  const wanted = new Map<string, number>();
  for (const line of lines.trimEnd().split('\n')) {
    const [size, name = ''] = line.split('\t');
    wanted.set(name.replace(/^\.\//, ''), Number(size));
  }
  // A coreutils of today does not count the folders themselves, an older one does; and du walks in an order of its own, so it counts the
  // other name of a file: sums of whole folders are compared, less what the folders themselves are.
  const folders = ['.', 'a', 'a/b', 'a/b/c', 'd'];
  t.same([...sums.keys()].at(-1), '.', 'a folder comes behind what is in it');
  t.equal(sums.get('a'), 1000 + 200 + 4096 * 3);
  t.equal(sums.get('a/b'), 200 + 4096 * 2);
  t.equal(
    sums.get('d'),
    10_000_000 + 1 + 4096,
    'a sparse file by its size, a link by its own, and a file with two names once',
  );
  t.equal(sums.get('.'), 1000 + 200 + 10_000_000 + 1 + 4096 * folders.length);
  t.equal(sums.get('.'), (wanted.get('.') as number) + (wanted.get('a/b/c') === 0 ? 4096 * folders.length : 0));
  const short = async (request: object) => names(usage({ paths: [folder], ...request }));
  t.same(await short({}), ['a/b/c', 'a/b', 'a', 'd', '.']);
  t.same(await short({ recursionDepth: 1 }), ['.'], 'talosctl asks for one level more than it was told');
  t.same(await short({ recursionDepth: 2 }), ['a', 'd', '.']);
  t.same(await short({ threshold: 1_000_000 }), ['d', '.']);
  t.same(await short({ threshold: -5000 }), ['a/b/c']);
  t.same(await short({ all: true, recursionDepth: 2 }), ['a', 'd', '.']);
  t.same(await names(usage({ paths: [`${folder}/a/one`] })), ['one'], 'a file that was asked for');
  t.match(
    (await all(usage({ paths: [`${folder}/none`, `${folder}/a/b/c`] }))).map(({ name, error }) => [name, error]),
    [
      [`${folder}/none`, /no such file/],
      [`${folder}/a/b/c`, ''],
    ],
    'of several paths those that are there',
  );
});

t.test('what the kernel makes up takes no space and is not entered', async (t) => {
  const [proc, ...others] = await all(usage({ paths: ['/proc'], recursionDepth: 1 }));
  t.match(proc, { relativeName: '.' });
  t.equal(Number(proc?.size), 0, 'kcore is as large as the address space');
  t.equal(others.length, 0);
  const found = await names(list({ root: `/proc/${process.pid}`, recurse: true, types: [1] }));
  t.ok(found.includes('task') && found.includes('fd'), 'listed it can be');
  t.notOk(
    found.some((name) => name.startsWith('root/') || name.startsWith('cwd/')),
    'and nothing behind its links',
  );
  t.equal(readlinkSync(`/proc/${process.pid}/root`), '/');
});

t.test('a deep tree, and one that is deeper than a path may be', async (t) => {
  const folder = temporaryFolder(t);
  const name = 'x'.repeat(200);
  // By a shell that goes down step by step: no path is that long.
  execFileSync('sh', ['-c', `for i in $(seq 40); do mkdir ${name} && cd -P ${name} || exit 1; done`], { cwd: folder });
  const found = await all(list({ root: folder, recurse: true }));
  t.ok(found.length > 15 && found.length < 40);
  t.match(found.at(-1), { error: /too long/ });
  t.match(
    (await all(usage({ paths: [folder] }))).find(({ error }) => error),
    { error: /too long/ },
  );
  execFileSync('rm', ['-rf', join(folder, name)]);
});

t.test('100,000 names in one directory, by a process that has little memory', async (t) => {
  // In memory: so many files take longer to make than to list.
  const folder = temporaryFolder(t, '/dev/shm');
  execFileSync('sh', ['-c', 'seq -f %06g 100000 | xargs touch'], { cwd: folder });
  const worker = new Worker(new URL('./list-worker.js', import.meta.url), {
    workerData: folder,
    resourceLimits: { maxOldGenerationSizeMb: 24, maxYoungGenerationSizeMb: 8 },
  });
  const [answer] = await once(worker, 'message');
  t.same(answer, { count: 100_001, isSorted: true });
  await once(worker, 'exit');
});

t.test('a client that is gone ends the walk', async (t) => {
  const stop = new AbortController();
  const walk = list({ root: '/', recurse: true }, stop.signal);
  await walk.next();
  stop.abort(new Error('gone'));
  await t.rejects(all(walk), { message: 'gone' });
});
