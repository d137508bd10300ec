// What must not be in a released image, looked for in the built one: nothing that runs but our program, nothing that anybody may change,
// nothing that lacks a library, no key.
import { execFileSync } from 'node:child_process';
import { closeSync, openSync, readSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { type ElfFacts, missingInElf, readElf } from '../../../lib/image/elf.js';
import { buildRelease } from '../../../lib/image/release.js';
import { readManifests } from '../../../lib/image/root-image.js';
import { checkout } from '../../helpers/checkout.js';
import { listSquashfs, unpackSquashfs } from '../../helpers/squashfs.js';

const onProgress = () => {};
const request = { arch: 'amd64', profile: 'default', onProgress } as const;
const { artifacts, files: rawFiles } = await buildRelease({ ...request, format: 'raw' });
const { files: ukiFiles } = await buildRelease({ ...request, format: 'uki' });
const tree = path.join(t.testdir(), 'tree');
unpackSquashfs(artifacts.rootImage, tree);
const entries = listSquashfs(artifacts.rootImage);
const files = entries.filter((entry) => entry.mode.startsWith('-'));
const elf = new Map<string, ElfFacts>();
for (const { path: name } of files) {
  if (firstBytes(path.join(tree, name), 4) === '\x7fELF') elf.set(name, await readElf(path.join(tree, name)));
}

function firstBytes(file: string, count: number): string {
  const descriptor = openSync(file, 'r');
  const buffer = Buffer.alloc(count);
  const read = readSync(descriptor, buffer);
  closeSync(descriptor);
  return buffer.toString('latin1', 0, read);
}

/** Whether a short pattern matches anywhere in a file of any size: piece by piece, each with the end of the one before. */
function isFound(file: string, pattern: RegExp): boolean {
  const descriptor = openSync(file, 'r');
  try {
    const buffer = Buffer.alloc(16 * 1024 * 1024);
    for (let rest = ''; ; ) {
      const read = readSync(descriptor, buffer);
      if (read === 0) return false;
      const text = rest + buffer.toString('latin1', 0, read);
      if (pattern.test(text)) return true;
      rest = text.slice(-200);
    }
  } finally {
    closeSync(descriptor);
  }
}

t.test('directories, links and files alone; no set-id, no sticky bit, nothing that others may write', async (t) => {
  t.ok(entries.length > 30, 'the listing was understood');
  for (const { mode, owner, path: name } of entries) {
    t.match(mode, /^(l.{9}|[d-](?:[r-][w-][x-])(?:[r-]-[x-]){2})$/, name);
    t.equal(owner, 'root/root', name);
  }
});

t.test('no file capabilities or other attributes', async (t) => {
  t.match(execFileSync('unsquashfs', ['-stat', artifacts.rootImage], { encoding: 'utf8' }), /Xattrs are not stored/);
});

t.test('every path has its row, and every row its path', async (t) => {
  const rows = await readManifests(checkout, 'amd64', undefined);
  t.same(entries.map((entry) => entry.path).sort(), rows.map((row) => row.path).sort());
  for (const { path: name, why } of rows) t.not(why, '', `${name} has its reason`);
});

/** What a daemon writes while the node runs. */
const WRITTEN_LATER = new Set(['/run/networkd/hosts', '/run/networkd/resolv.conf']);

/** Programs beside our own executable: what makes file systems, and what runs containers. */
const PROGRAMS = [
  ...['mke2fs', 'containerd', 'containerd-shim-runc-v2', 'runc'],
  ...['bridge', 'host-local', 'loopback', 'portmap'],
];

t.test('no link leads out of the image or to nothing', async (t) => {
  const there = new Set(entries.map((entry) => entry.path));
  const resolve = (name: string): string => {
    let place = '/';
    for (const part of name.split('/').filter((each) => each !== '')) {
      const next = path.posix.join(place, part);
      const target = entries.find((entry) => entry.path === next)?.target;
      place = target === undefined ? next : resolve(path.posix.resolve(place, target));
    }
    return place;
  };
  for (const { path: name, target } of entries) {
    if (target === undefined) continue;
    const depth = name.split('/').length - 2;
    t.ok(target.split('/').filter((part) => part === '..').length <= depth, `${name} stays inside`);
    const to = resolve(name);
    t.ok(there.has(to) || WRITTEN_LATER.has(to), `${name} leads to ${to}`);
  }
});

t.test('programs that are listed and no others; the loader can be started because the kernel starts it', async (t) => {
  const executable = files.filter(({ mode }) => mode.includes('x')).map(({ path: name }) => name);
  const [loader = ''] = [...new Set([...elf.values()].flatMap((facts) => facts.interpreter ?? []))].map((name) =>
    path.posix.basename(name),
  );
  t.same(executable.map((name) => path.posix.basename(name)).sort(), [loader, 'talos', ...PROGRAMS].sort());
  for (const { path: name } of files) t.not(firstBytes(path.join(tree, name), 2), '#!', `${name} is no script`);
  const names = entries.map((entry) => path.posix.basename(entry.path));
  const known =
    /^((ba|da|a|z|k|c|tc)?sh|busybox|toybox|perl.*|python.*|ruby.*|lua.*|node|gdb|strace|curl|wget|nc|ssh.*|su|sudo|mount)$/;
  t.same(
    names.filter((name) => known.test(name)),
    [],
  );
  // Code of an interpreter would come as one of these.
  t.same(
    names.filter((name) => /\.(js|cjs|mjs|ts|py|pl|rb|lua|sh|wasm|map|a|o|h)$/.test(name)),
    [],
  );
});

t.test('every program and library finds its libraries, and their versions, inside', async (t) => {
  const paths = new Set(entries.map((entry) => entry.path));
  paths.add('/lib64/ld-linux-x86-64.so.2');
  t.same(missingInElf(elf, paths), []);
  t.ok(elf.get('/usr/bin/talos')?.needed.includes('libc.so.6'));
  const needed = new Set([...elf.values()].flatMap((facts) => facts.needed));
  const loaders = new Set(
    [...elf.values()].flatMap((facts) => facts.interpreter ?? []).map((name) => path.posix.basename(name)),
  );
  for (const [name, facts] of elf) {
    const isUsed = needed.has(facts.soname ?? '') || loaders.has(path.posix.basename(name));
    const isProgram = [...PROGRAMS, 'talos', 'talos.node'].includes(path.posix.basename(name));
    t.ok(isUsed || isProgram, `${name} is needed by something`);
  }
});

t.test('no key and no certificate in anything that is released', async (t) => {
  const privateKey = /-----BEGIN [A-Z ]*PRIVATE KEY-----(?:\r?\n|\\n)[A-Za-z0-9+/=]{32,}/;
  const certificate = /-----BEGIN CERTIFICATE-----(?:\r?\n|\\n)[A-Za-z0-9+/=]{32,}/;
  t.match(['-----BEGIN EC PRIVATE KEY-----', 'A'.repeat(48)].join('\n'), privateKey, 'the pattern finds one');
  const images = [
    artifacts.kernel,
    artifacts.initramfs,
    artifacts.stage0,
    ukiFiles[0]?.from ?? '',
    rawFiles[0]?.from ?? '',
  ];
  const inside = files.map(({ path: name }) => path.join(tree, name));
  for (const file of [...images, ...inside]) {
    t.notOk(isFound(file, privateKey), `${path.basename(file)} has no private key`);
    // Node carries the public authorities of the web.
    if (path.basename(file) !== 'talos')
      t.notOk(isFound(file, certificate), `${path.basename(file)} has no certificate`);
  }
});
