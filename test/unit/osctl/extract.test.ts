/** Archives of a node that means harm: nothing is made, changed or led to outside of the folder. */
import { execFileSync } from 'node:child_process';
import {
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import t, { type Test } from 'tap';
import { Header } from 'tar/header';
import { Pax } from 'tar/pax';
import { extract, linkProblem } from '../../../lib/osctl/files/extract.js';

interface Member {
  path: string;
  type?: 'File' | 'Directory' | 'SymbolicLink' | 'Link' | 'CharacterDevice' | 'BlockDevice' | 'FIFO';
  linkpath?: string;
  content?: string;
  mode?: number;
  /** The name in a pax header, and another one in front of everybody's eyes. */
  pax?: string;
}

function archive(members: readonly Member[]): Buffer {
  const blocks = members.flatMap(({ path, type = 'File', linkpath, content = '', mode = 0o644, pax }) => {
    const block = Buffer.alloc(512);
    const fields = {
      path,
      mode,
      size: content.length,
      type,
      mtime: new Date(0),
      ...(linkpath === undefined ? {} : { linkpath }),
    };
    new Header(fields).encode(block);
    const body = Buffer.alloc(Math.ceil(content.length / 512) * 512);
    body.write(content);
    return [...(pax === undefined ? [] : [new Pax({ path: pax }).encode()]), block, body];
  });
  return gzipSync(Buffer.concat([...blocks, Buffer.alloc(1024)]));
}

async function* pieces(bytes: Buffer, size = 100): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

/** A folder to unpack into, beside one that nothing may come to. */
function folders(t: Test): { inside: string; outside: string } {
  const base = mkdtempSync(join(tmpdir(), 'osctl-extract-'));
  t.teardown(() => rmSync(base, { recursive: true, force: true }));
  const [inside, outside] = [join(base, 'inside'), join(base, 'outside')];
  for (const each of [inside, outside]) mkdirSync(each);
  writeFileSync(join(outside, 'victim'), 'untouched');
  return { inside, outside };
}

const evil: Readonly<Record<string, readonly Member[]>> = {
  'a name that goes up': [{ path: '../outside/new', content: 'evil' }],
  'a name that goes up from within': [{ path: 'a/../../outside/victim', content: 'evil' }],
  'an absolute name': [{ path: '/tmp/osctl-extract-absolute', content: 'evil' }],
  'a name that goes up in a pax header only': [{ path: 'harmless', pax: '../outside/victim', content: 'evil' }],
  'a directory that goes up': [{ path: '../outside/made/', type: 'Directory' }],
  'a link out, and a file through it': [
    { path: 'door', type: 'SymbolicLink', linkpath: '../outside' },
    { path: 'door/victim', content: 'evil' },
  ],
  'an absolute link, and a file through it': [
    { path: 'door', type: 'SymbolicLink', linkpath: '/tmp' },
    { path: 'door/osctl-extract-absolute', content: 'evil' },
  ],
  'a link to a file outside, and a file of the same name': [
    { path: 'victim', type: 'SymbolicLink', linkpath: '../outside/victim' },
    { path: 'victim', content: 'evil' },
  ],
  'a chain of links of which each looks harmless': [
    { path: 'a/b/', type: 'Directory' },
    { path: 'c', type: 'SymbolicLink', linkpath: 'a/b' },
    { path: 'd', type: 'SymbolicLink', linkpath: 'c/../..' },
    { path: 'd/outside/victim', content: 'evil' },
  ],
  'a link within, and a file through it': [
    { path: 'real/', type: 'Directory' },
    { path: 'alias', type: 'SymbolicLink', linkpath: 'real' },
    { path: 'alias/file', content: 'through a link' },
  ],
  'a hard link to a file outside': [
    { path: 'hard', type: 'Link', linkpath: '../outside/victim' },
    { path: 'hard', content: 'evil' },
  ],
  'a hard link by an absolute name': [{ path: 'hard', type: 'Link', linkpath: '/etc/passwd' }],
  'devices and FIFOs': [
    { path: 'null', type: 'CharacterDevice' },
    { path: 'disk', type: 'BlockDevice' },
    { path: 'fifo', type: 'FIFO' },
  ],
  'the folder itself as a link': [{ path: '.', type: 'SymbolicLink', linkpath: '../outside' }],
};

t.test('nothing outside is made or changed', async (t) => {
  for (const [name, members] of Object.entries(evil)) {
    const { inside, outside } = folders(t);
    const { leftOut } = await extract(inside, pieces(archive([...members, { path: 'last', content: 'fine' }])));
    t.same(readdirSync(outside), ['victim'], name);
    t.equal(readFileSync(join(outside, 'victim'), 'utf8'), 'untouched', name);
    t.equal(lstatSync(inside).isDirectory(), true);
    t.ok(leftOut.length > 0, `${name}: told`);
    t.equal(readFileSync(join(inside, 'last'), 'utf8'), 'fine', `${name}: and the rest is unpacked`);
    const found = execFileSync(
      'find',
      [inside, '-type', 'l', '-printf', '%l\n', '-o', '!', '-type', 'd', '!', '-type', 'f', '-print'],
      {
        encoding: 'utf8',
      },
    );
    t.match(found, /^(real\n|a\/b\n)?$/, `${name}: no link that leads out, and nothing but files and folders`);
  }
  t.throws(() => lstatSync('/tmp/osctl-extract-absolute'), { code: 'ENOENT' });
});

t.test('links that were there before are not written through', async (t) => {
  const { inside, outside } = folders(t);
  symlinkSync('../outside', join(inside, 'folder'));
  symlinkSync('../outside/victim', join(inside, 'file'));
  const bytes = archive([
    { path: 'folder/new', content: 'evil' },
    { path: 'file', content: 'new' },
  ]);
  const { leftOut } = await extract(inside, pieces(bytes));
  t.equal(leftOut.length, 1);
  t.same(readdirSync(outside), ['victim']);
  t.equal(readFileSync(join(outside, 'victim'), 'utf8'), 'untouched');
  t.equal(readFileSync(join(inside, 'file'), 'utf8'), 'new', 'the link is replaced');
  t.ok(lstatSync(join(inside, 'file')).isFile());
});

t.test('nothing runs as its owner on the node', async (t) => {
  const { inside } = folders(t);
  const bytes = archive([
    { path: 'program', content: '#!', mode: 0o6755 },
    { path: 'shared/', type: 'Directory', mode: 0o3777 },
    { path: 'closed/', type: 'Directory', mode: 0o000 },
    { path: 'closed/file', content: 'x', mode: 0o000 },
  ]);
  t.match(await extract(inside, pieces(bytes)), { leftOut: [], files: 2 });
  const mode = (name: string) => lstatSync(join(inside, name)).mode & 0o7000;
  t.same(['program', 'shared', 'closed'].map(mode), [0, 0, 0]);
  t.ok(lstatSync(join(inside, 'closed/file')).isFile());
});

t.test('what is cut off, or no archive, is an error', async (t) => {
  const { inside } = folders(t);
  const whole = archive([{ path: 'file', content: 'x'.repeat(100_000) }]);
  for (const [name, bytes] of [
    ['cut in the middle', whole.subarray(0, whole.length - 40)],
    ['no gzip', Buffer.alloc(2000, 'no archive at all ')],
    ['gzip of something else', gzipSync(Buffer.alloc(2000, 'no archive at all '))],
    [
      'damaged',
      Buffer.concat([whole.subarray(0, whole.length / 2), Buffer.alloc(50, 0xff), whole.subarray(whole.length / 2)]),
    ],
  ] as const) {
    await t.rejects(extract(inside, pieces(bytes)), { code: 'ERR_ARCHIVE' }, name);
  }
});

t.test('long names, other letters, line ends', async (t) => {
  const { inside } = folders(t);
  const long = 'l'.repeat(220);
  const members = [
    { path: 'x', pax: long, content: 'long' },
    { path: 'x', pax: `…${long}`, content: 'letters' },
    { path: 'short\nname', content: 'short' },
  ];
  t.match(await extract(inside, pieces(archive(members))), { files: 3, leftOut: [] });
  t.same(readdirSync(inside).sort(), [long, 'short\nname', `…${long}`]);
  for (const pax of [`line\n${long}`, 'line\n11 path=abc', 'x\n10 size=0']) {
    const { inside: empty } = folders(t);
    const bytes = archive([
      { path: 'before' },
      { path: 'misread', pax, content: 'x'.repeat(5000) },
      { path: 'behind' },
    ]);
    await t.rejects(extract(empty, pieces(bytes)), { code: 'ERR_ARCHIVE', message: /line end/ });
    t.same(readdirSync(empty), ['before'], 'nothing behind such a name is believed');
  }
});

t.test('an archive of nothing', async (t) => {
  const { inside } = folders(t);
  t.same(await extract(inside, pieces(archive([]))), { files: 0, leftOut: [] });
});

t.test('which links lead out', async (t) => {
  for (const [path, target, leadsOut] of [
    ['link', 'file', false],
    ['link', './sub/file', false],
    ['a/link', '../file', false],
    ['a/b/link', '../../file', false],
    ['a/b/link', './../file', false],
    ['a/./link', '../..', true],
    ['link', '..', true],
    ['link', '../inside/file', true],
    ['a/link', '../../x', true],
    ['link', '/etc/passwd', true],
    ['a/link', 'b/../../x', true],
    ['a/b/link', 'c/..', true],
    ['link', '', false],
  ] as const) {
    t.equal(linkProblem(path, target) !== undefined, leadsOut, `${path} -> ${target}`);
  }
});

t.test('links that stay inside are made', async (t) => {
  const { inside } = folders(t);
  const bytes = archive([
    { path: 'a/b/', type: 'Directory' },
    { path: 'a/b/up', type: 'SymbolicLink', linkpath: '../../a/file' },
    { path: 'a/file', content: 'x' },
  ]);
  t.match(await extract(inside, pieces(bytes)), { leftOut: [], files: 2 });
  t.equal(readlinkSync(join(inside, 'a/b/up')), '../../a/file');
  t.equal(readFileSync(join(inside, 'a/b/up'), 'utf8'), 'x');
});
