/** The commands about files, against machined's own answers for files of this machine, over a real gRPC server. */
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { status } from '@grpc/grpc-js';
import t from 'tap';
import type { ControlError } from '../../../lib/control/errors.js';
import { setAttribute } from '../../helpers/extended-attribute.js';
import { FakeNode, statusError } from '../client/fake-node.js';
import { copy, list, read, usage } from '../machined/queries/files/file-calls.js';
import { OsctlHome } from './osctl-child.js';

t.setTimeout(240_000);

/** As osd passes it on. */
function passedOn<Request>(answer: (request: Request, signal: AbortSignal) => AsyncIterable<unknown>) {
  // biome-ignore lint/suspicious/noExplicitAny: as the fake node gives it
  return async (request: Request, call: any) => {
    const stop = new AbortController();
    call.once('cancelled', () => stop.abort());
    try {
      for await (const message of answer(request, stop.signal)) if (!call.write(message)) await once(call, 'drain');
    } catch (error) {
      const { kind, message } = error as ControlError;
      throw kind === undefined ? error : statusError(status[kind], message);
    }
  };
}

const handlers = { List: passedOn(list), DiskUsage: passedOn(usage), Read: passedOn(read), Copy: passedOn(copy) };

t.test('files of a node', async (t) => {
  const home = await OsctlHome.create();
  const node = await FakeNode.start({ handlers });
  const other = await FakeNode.start({ handlers, secrets: node.secrets });
  const config = await home.write('config', node.talosconfig());
  const folder = mkdtempSync(join(tmpdir(), 'osctl-files-'));
  t.teardown(async () => {
    rmSync(folder, { recursive: true, force: true });
    await node[Symbol.asyncDispose]();
    await other[Symbol.asyncDispose]();
    await home[Symbol.asyncDispose]();
  });
  const osctl = (...words: string[]) => home.run('--talosconfig', config, ...words);
  const both = ['-e', `${node.endpoint},${other.endpoint}`, '-n', `${node.endpoint},${other.endpoint}`];

  mkdirSync(join(folder, 'sub/deep'), { recursive: true });
  writeFileSync(join(folder, 'file'), 'x'.repeat(2000));
  writeFileSync(join(folder, 'sub/deep/odd\n\u001b[2Jname'), '\u001b[31mred\n');
  symlinkSync('sub', join(folder, 'link'));
  utimesSync(join(folder, 'file'), 1, Date.UTC(2020, 0, 2, 12) / 1000);

  setAttribute(join(folder, 'file'), 'user.label', Buffer.from('content'));

  await t.test('list', async (t) => {
    const plain = await osctl('list', folder);
    t.equal(plain.stdout, '.\nfile\nlink\nsub\n');
    t.equal((await osctl('ls', folder)).stdout, plain.stdout);
    t.equal((await osctl('ls', '-r', '-t', 'f', folder)).stdout, 'file\nsub/deep/odd\\x0a\\x1b[2Jname\n');
    t.equal((await osctl('ls', '-t', 'd,l', '-d', '2', folder)).stdout, '.\nlink\nsub\nsub/deep\n');
    const long = (await osctl('ls', '-l', folder)).stdout.split('\n');
    t.match(long[0], /^MODE +UID +GID +SIZE\(B\) +LASTMOD +LABEL +NAME$/);
    t.match(long[2], /^-rw-r--r-- +\d+ +\d+ +2000 +Jan {2}2 2020 \d\d:00 +file$/);
    t.match(long[3], /^Lrwxrwxrwx .* [A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d +link -> sub$/);
    t.match(long[4], /^drwxr-xr-x .* sub$/);
    t.match((await osctl('ls', '-lH', folder)).stdout, /2\.0 kB +\d+ days ago +file\n/);
    const [dot, file, link] = JSON.parse((await osctl('ls', '-o', 'json', folder)).stdout);
    t.match(dot, { relativeName: '.', isDir: true, mode: 'drwx------' });
    t.match(file, { name: `${folder}/file`, size: 2000, modified: '2020-01-02T12:00:00.000Z', mode: '-rw-r--r--' });
    t.match(link, { link: 'sub', xattrs: [] });
    t.match(file.xattrs, [{ name: 'user.label', data: '' }], 'the name of what is content');
    t.match((await osctl('ls', '-o', 'yaml', `${folder}/file`)).stdout, /^- node: .*\n {2}name: .*\/file\n/);
    t.equal((await osctl('ls', '-o', 'json', '-t', 'l', join(folder, 'sub'))).stdout, '[]\n');
    const several = (await osctl('ls', ...both, folder)).stdout.split('\n');
    t.match(several[0], /^NODE +NAME$/);
    t.equal(several.filter((line) => line.endsWith(' file')).length, 2, 'one a node');
    const refused = await osctl('ls', join(folder, 'link'));
    t.equal(refused.code, 1);
    t.match(
      refused.stderr,
      `osctl: FAILED_PRECONDITION: ${folder}/link is a symbolic link to sub, and links are not followed: ask for ${folder}/sub\n`,
    );
    t.equal((await osctl('ls', '-t', 'x')).code, 2);
    t.equal((await osctl('ls', '-d', '0')).code, 2);
  });

  await t.test('a label is shown as text', async (t) => {
    const data = Buffer.from('system_u:object_r:etc_t:s0\0');
    const List = (_request: object, call: { write(message: object): void; end(): void }) => {
      call.write({ relativeName: 'hosts', xattrs: [{ name: 'security.selinux', data }] });
      call.write({ relativeName: 'plain' });
      call.end();
    };
    const labelled = await FakeNode.start({ handlers: { List }, secrets: node.secrets });
    t.teardown(() => labelled[Symbol.asyncDispose]());
    const { stdout } = await osctl('-e', labelled.endpoint, 'ls', '-l', '/etc');
    t.match(stdout, / LABEL +NAME\n.* system_u:object_r:etc_t:s0 +hosts\n.* plain\n$/);
    const [first] = JSON.parse((await osctl('-e', labelled.endpoint, 'ls', '-o', 'json', '/etc')).stdout);
    t.same(first.xattrs, [{ name: 'security.selinux', data: data.toString('base64') }]);
  });

  await t.test('usage', async (t) => {
    const { stdout } = await osctl('usage', folder);
    t.match(stdout, /^SIZE +NAME\n\d+ +\.\n$/, 'the directory alone, as talosctl shows it');
    t.match((await osctl('du', '-d', '1', folder)).stdout, /^SIZE +NAME\n\d+ +sub\n\d+ +\.\n$/);
    t.match((await osctl('du', '-a', '-d', '1', '-H', folder)).stdout, /2\.0 kB +file\n/);
    t.match(
      (await osctl('du', '-a', '-d', '9', '-t', '-100', folder)).stdout,
      /^SIZE +NAME\n3 +link\n9 +sub\/deep\/odd\\x0a\\x1b\[2Jname\n$/,
    );
    t.match((await osctl('du', '-a', '-d', '1', '-t', '1K', folder)).stdout, /2000 +file\n/);
    t.match(
      (await osctl('du', join(folder, 'sub'), join(folder, 'file'))).stdout,
      new RegExp(`${folder}/sub\\n2000 +${folder}/file\\n$`),
    );
    t.match(JSON.parse((await osctl('du', '-o', 'json', join(folder, 'file'))).stdout), [
      { size: 2000, relativeName: 'file' },
    ]);
    const half = await osctl('du', join(folder, 'none'), join(folder, 'file'));
    t.match(half, { code: 1, stdout: /2000/, stderr: /none: .*no such file/ });
    t.match((await osctl('du', ...both, folder)).stdout, /^NODE +SIZE +NAME\n127/);
    t.equal((await osctl('du', '-t', 'much', folder)).code, 2);
  });

  await t.test('read', async (t) => {
    t.equal((await osctl('read', join(folder, 'file'))).stdout, 'x'.repeat(2000));
    t.equal(
      (await osctl('cat', join(folder, 'sub/deep/odd\n\u001b[2Jname'))).stdout,
      '\u001b[31mred\n',
      'bytes as they are',
    );
    t.match(await osctl('cat', folder), { code: 1, stderr: /FAILED_PRECONDITION: .*is a directory: use ls or cp/ });
    t.match(await osctl('cat', join(folder, 'none')), { code: 1, stderr: /NOT_FOUND/ });
    t.match(await osctl('cat', 'etc/passwd'), { code: 1, stderr: /INVALID_ARGUMENT: .*begin it with a slash/ });
    t.match(await osctl(...both, 'cat', '/proc/version'), { code: 2, stderr: /one node at a time/, stdout: '' });
    const child = home.start('--talosconfig', config, 'cat', join(folder, 'file'));
    child.stdout.destroy();
    await once(child, 'exit');
    t.equal(child.exitCode, 0, 'a reader that goes away is no error');
  });

  await t.test('copy', async (t) => {
    const out = join(home.folder, 'made/here');
    t.match(await osctl('cp', folder, out), { code: 0, stdout: '', stderr: '' });
    t.equal(execFileSync('diff', ['-r', '--no-dereference', folder, out], { encoding: 'utf8' }), '');
    writeFileSync(join(out, 'file'), 'changed');
    writeFileSync(join(out, 'mine'), 'mine');
    t.equal((await osctl('copy', join(folder, 'file'), out)).code, 0);
    t.equal(readFileSync(join(out, 'file'), 'utf8').length, 2000, 'replaced');
    t.equal(readFileSync(join(out, 'mine'), 'utf8'), 'mine', 'what else is there stays');
    const child = home.start('--talosconfig', config, 'cp', folder, '-');
    const chunks: Buffer[] = [];
    child.stdout.on('data', (chunk) => chunks.push(chunk));
    await once(child, 'close');
    const listed = execFileSync('tar', ['-tzf', '-'], { input: Buffer.concat(chunks), encoding: 'utf8' });
    t.match(listed, /^file\nlink\nsub\/\nsub\/deep\/\n/);
    t.match(await osctl('cp', join(folder, 'none'), join(home.folder, 'nothing')), { code: 1, stderr: /NOT_FOUND/ });
    t.throws(() => readFileSync(join(home.folder, 'nothing')), { code: 'ENOENT' }, 'and no folder was made for it');
    t.match(await osctl('cp', folder, join(out, 'mine')), { code: 2, stderr: /is a file: name a directory/ });
    t.match(await osctl(...both, 'cp', folder, out), { code: 2, stderr: /one node at a time/ });
    execFileSync('mkfifo', [join(folder, 'fifo')]);
    const told = await osctl('cp', folder, out);
    t.match(told, { code: 5, stderr: `osctl: ${folder}/fifo was left out: it is a fifo\n` });
  });
});
