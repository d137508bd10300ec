/** A kernel source that somebody has: a small tree with the kernel's own configuration language, whose options come and go. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { configure } from '../../../lib/image/kernel-options.js';
import { givenSource, pinnedSource } from '../../../lib/image/kernel-source.js';
import { repositoryRoot } from '../../../lib/image/paths.js';

const onProgress = () => {};

/**
 * A tree whose `make allnoconfig` does what the kernel's does for options without dependencies: those that its Kconfig has are taken over.
 */
function makeTree(folder: string, options: readonly string[]): void {
  for (const file of ['scripts/a', 'arch/x86/Makefile', 'tools/build/a']) {
    mkdirSync(path.join(folder, path.dirname(file)), { recursive: true });
    writeFileSync(path.join(folder, file), '');
  }
  const kconfig = options.map((name) => `config ${name}\n\tbool "${name}"\n`);
  writeFileSync(path.join(folder, 'Kconfig'), kconfig.join('\n'));
  const names = options.map((name) => `-e CONFIG_${name}=`).join(' ');
  writeFileSync(
    path.join(folder, 'Makefile'),
    `allnoconfig:\n\t@grep -F ${names} $(KCONFIG_ALLCONFIG) > $(O)/.config || true\n`,
  );
}

t.test('a folder: the fragments apply, or the option that has gone is named', async (t) => {
  const folder = t.testdir({});
  const tree = path.join(folder, 'linux-9.9');
  makeTree(tree, ['KEPT', 'NEW']);
  const source = await givenSource(tree);
  const unpacked = await source.unpack(path.join(folder, 'work'), 'all', onProgress);
  t.equal(unpacked.folder, tree, 'used where it is');
  t.ok(unpacked.timeSeconds > 1e9);
  t.match(source.origin, { kind: 'given', name: 'linux-9.9' });
  const objects = path.join(folder, 'objects');
  await configure(unpacked, 'amd64', new Map([['CONFIG_KEPT', 'y']]), objects);
  const wanted = new Map([
    ['CONFIG_KEPT', 'y'],
    ['CONFIG_GONE', 'y'],
    ['CONFIG_GONE_AS_WELL', 'n'],
  ]);
  await t.rejects(configure(unpacked, 'amd64', wanted, objects), {
    code: 'ERR_KERNEL_OPTIONS',
    message: [
      'kernel options that did not arrive:',
      '  CONFIG_GONE=y: this kernel has no such option (any more)',
      '  CONFIG_GONE_AS_WELL=n: this kernel has no such option (any more)',
    ].join('\n'),
  });
  const before = JSON.stringify(source.identity);
  t.equal(JSON.stringify((await givenSource(tree)).identity), before);
  makeTree(tree, ['KEPT', 'NEWER']);
  t.not(JSON.stringify((await givenSource(tree)).identity), before, 'a tree that was changed is another');
});

t.test('a tarball', async (t) => {
  const folder = t.testdir({});
  makeTree(path.join(folder, 'linux-9.9'), ['KEPT']);
  const tarball = path.join(folder, 'linux-9.9.tar');
  execFileSync('tar', ['--create', '--file', tarball, '--directory', folder, 'linux-9.9']);
  const source = await givenSource(tarball);
  t.match(source.origin, { kind: 'given', name: 'linux-9.9.tar', sha256: /^[0-9a-f]{64}$/ });
  for (const part of ['all', 'configuration'] as const) {
    const unpacked = await source.unpack(path.join(folder, part), part, onProgress);
    t.equal(unpacked.folder, path.join(folder, part, 'linux-9.9'));
    await configure(unpacked, 'arm64', new Map([['CONFIG_KEPT', 'y']]), path.join(folder, `objects-${part}`));
  }
  execFileSync('tar', ['--create', '--file', tarball, '--directory', folder, 'linux-9.9', 'all']);
  const two = await givenSource(tarball);
  await t.rejects(two.unpack(path.join(folder, 'two'), 'all', onProgress), { code: 'ERR_KERNEL_SOURCE' });
});

t.test('what is no source', async (t) => {
  const folder = t.testdir({ Makefile: '' });
  await t.rejects(givenSource(path.join(folder, 'none')), {
    code: 'ERR_KERNEL_SOURCE',
    message: /^no kernel source at/,
  });
  await t.rejects(givenSource(folder), { message: /is no kernel source: it has no Kconfig, no scripts$/ });
});

t.test('the pinned source has what a bill of materials tells', async (t) => {
  const { origin } = await pinnedSource(repositoryRoot());
  t.match(origin, { kind: 'debian', package: /^linux-source-/, sha256: /^[0-9a-f]{64}$/ });
});
