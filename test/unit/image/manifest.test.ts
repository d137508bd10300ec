import t from 'tap';
import { parseManifest } from '../../../lib/image/manifest.js';
import { repositoryRoot } from '../../../lib/image/paths.js';
import { readManifests } from '../../../lib/image/root-image.js';

const json = (...entries: object[]) => JSON.stringify({ entries });
const folder = { kind: 'directory', path: '/a', mode: '0755', why: 'w' };
const file = { kind: 'file', path: '/a/f', mode: '0644', why: 'w', from: { file: 'x' } };

t.test('entries of every kind, sorted, parents first', async (t) => {
  const entries = parseManifest(
    json(
      { ...file, path: '/a/z', from: { compile: 'x.cc', as: 'addon' } },
      { ...file, path: '/a/y', from: { compile: 'x.cc' } },
      { ...file, path: '/a/p', from: { package: 'libc6', file: 'lib/libc.so.6' } },
      { ...file, path: '/a/b', from: { build: 'executable' } },
      { kind: 'link', path: '/a/l', target: '../b', why: 'w' },
      file,
      folder,
    ),
    'm',
    'amd64',
  );
  t.same(
    entries.map(({ path }) => path),
    ['/a', '/a/b', '/a/f', '/a/l', '/a/p', '/a/y', '/a/z'],
  );
  t.match(entries[0], { kind: 'directory', mode: 0o755 });
  t.match(entries[5], { from: { kind: 'compile', as: 'static-program' } });
});

t.test('a layer adds, and replaces only when it says so', async (t) => {
  const base = parseManifest(json(folder, file), 'base', 'amd64');
  const layered = parseManifest(
    json({ ...file, replaces: true, why: 'other' }, { ...file, path: '/a/g' }),
    'layer',
    'amd64',
    base,
  );
  t.same(
    layered.map(({ path, why }) => [path, why]),
    [
      ['/a', 'w'],
      ['/a/f', 'other'],
      ['/a/g', 'w'],
    ],
  );
  t.throws(() => parseManifest(json(file), 'layer', 'amd64', base), { message: /\/a\/f is listed already/ });
  t.throws(() => parseManifest(json({ ...file, path: '/a/n', replaces: true }), 'layer', 'amd64', base), {
    message: /replaces nothing/,
  });
});

t.test('rows of one architecture, and what stands for its own names', async (t) => {
  const text = json(
    folder,
    { ...folder, path: '/a/lib64', architecture: 'amd64' },
    { ...folder, path: '/a/{triplet}' },
    { kind: 'link', path: '/a/l', target: '{triplet}/{loader-name}', why: 'w' },
    { ...file, path: '/a/{triplet}/f', from: { package: 'p', file: 'usr/{loader}' } },
  );
  t.match(parseManifest(text, 'm', 'amd64'), [
    { path: '/a' },
    { path: '/a/l', target: 'x86_64-linux-gnu/ld-linux-x86-64.so.2' },
    { path: '/a/lib64' },
    { path: '/a/x86_64-linux-gnu' },
    { path: '/a/x86_64-linux-gnu/f', from: { file: 'usr/lib64/ld-linux-x86-64.so.2' } },
  ]);
  t.match(parseManifest(text, 'm', 'arm64'), [
    { path: '/a' },
    { path: '/a/aarch64-linux-gnu' },
    { path: '/a/aarch64-linux-gnu/f', from: { file: 'usr/lib/ld-linux-aarch64.so.1' } },
    { path: '/a/l', target: 'aarch64-linux-gnu/ld-linux-aarch64.so.1' },
  ]);
});

t.test('what the caller says stands for something, too', async (t) => {
  const text = json(folder, { ...file, from: { file: 'x-{version}' } });
  t.match(parseManifest(text, 'm', 'amd64', [], { version: '3' }), [{}, { from: { file: 'x-3' } }]);
  t.throws(() => parseManifest(text, 'm', 'amd64'), { message: /there is no \{version\}/ });
});

t.test('what is wrong is named', async (t) => {
  const cases: [string, RegExp][] = [
    ['{', /no JSON/],
    ['[]', /a list "entries"/],
    [json({ ...folder, path: 'a' }), /absolute and plain/],
    [json({ ...folder, path: '/a/../b' }), /absolute and plain/],
    [json({ ...folder, mode: '4755' }), /set-user-ID/],
    [json({ ...folder, why: '' }), /"why"/],
    [json({ ...folder, path: '/a/{arch}' }), /"path": there is no \{arch\}, only triplet, loader, loader-name/],
    [json({ ...folder, architecture: 'riscv64' }), /"architecture" must be one of amd64, arm64/],
    [json({ ...folder, kind: 'pipe' }), /directory, link or file/],
    [json(folder, folder), /listed already/],
    [json(file), /in no directory/],
    [json(folder, { ...file, from: {} }), /"from" must name/],
    [json(folder, { ...file, from: { build: 'shell' } }), /"build" must be one of/],
    [json(folder, { ...file, from: { compile: 'x', as: 'script' } }), /"as" must be one of/],
    [json(folder, { ...file, from: 'x' }), /"from" must be an object/],
    [json(folder, { kind: 'link', path: '/a/l', why: 'w' }), /"target"/],
  ];
  for (const [text, message] of cases)
    t.throws(() => parseManifest(text, 'm', 'amd64'), { code: 'ERR_MANIFEST', message });
});

t.test('the manifests of the repository', async (t) => {
  const root = repositoryRoot();
  const shipped = await readManifests(root, 'amd64', undefined);
  const test = await readManifests(root, 'amd64', 'test');
  t.ok(test.length > shipped.length, 'the test layer adds to it');
  const fromTest = shipped.filter((entry) => JSON.stringify(entry).includes('test/'));
  t.same(fromTest, [], 'nothing of the test layer is shipped');
  t.same(
    shipped.filter((entry) => entry.kind === 'file' && (entry.mode & 0o022) !== 0),
    [],
    'no file that others may write',
  );
});
