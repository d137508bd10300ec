import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { placeRelease, type Release, release } from '../../../lib/image/release.js';
import { parseReleaseArguments } from '../../../lib/image/release-main.js';
import { parseSums, SUMS_NAME, writeSums } from '../../../lib/image/sums.js';

t.test('the command line', async (t) => {
  const output = path.resolve('out/images');
  t.same(parseReleaseArguments([]), { arch: 'amd64', format: 'raw', profile: 'default', output });
  t.match(parseReleaseArguments(['--format', 'uki', '--output', '/x']), { format: 'uki', output: '/x' });
  const source = path.resolve('linux-6.18');
  t.match(parseReleaseArguments(['--source', 'linux-6.18', '--profile', 'metal']), { profile: 'metal', source });
  t.match(parseReleaseArguments(['--runtime', 'containerd-2.x']), { runtime: 'containerd-2.x' });
  t.equal(parseReleaseArguments(['--help']), undefined);
  for (const words of [
    ['--arch', 'mips'],
    ['--format', 'iso'],
    ['--profile', 'test'],
    ['--output', ''],
    ['--source', ''],
    ['--what'],
    ['x'],
  ]) {
    t.throws(() => parseReleaseArguments(words), { code: 'ERR_USAGE' }, words.join(' '));
  }
});

t.test('checksums that sha256sum accepts, and that grow with the folder', async (t) => {
  const folder = t.testdir({ one: '1', two: '2', other: '3' });
  await writeSums(folder, ['two', 'one']);
  const check = () => execFileSync('sha256sum', ['--check', SUMS_NAME], { cwd: folder, encoding: 'utf8' });
  t.equal(check(), 'one: OK\ntwo: OK\n');
  rmSync(path.join(folder, 'one'));
  writeFileSync(path.join(folder, 'two'), 'changed');
  await writeSums(folder, ['two', 'other']);
  t.equal(check(), 'other: OK\ntwo: OK\n');
  t.same([...parseSums('nothing\n\n')], []);
});

/** A release of one file. */
function built(folder: string, name: string): Pick<Release, 'files' | 'sbom'> {
  const from = path.join(folder, name);
  writeFileSync(from, name);
  const document = {} as Release['sbom']['document'];
  return {
    files: [{ name: `${name}.raw`, from, why: '', isCompressed: true }],
    sbom: { name: `${name}.json`, document },
  };
}

t.test('an output folder that cannot be written is told before anything is built', async (t) => {
  const folder = t.testdir({ file: '' });
  const seen: string[] = [];
  const onProgress = (text: string) => seen.push(text);
  // Below a file, and where no file system takes folders, not even from root.
  for (const output of [path.join(folder, 'file', 'images'), '/sys/kernel/images']) {
    const request = { arch: 'amd64', profile: 'default', format: 'raw', output, onProgress } as const;
    const message = new RegExp(`cannot write to ${output}`);
    await t.rejects(release(request), { code: 'ERR_OUTPUT', message, hint: /--output/ });
  }
  t.same(seen, []);
});

t.test('what cannot be put there leaves nothing unfinished', async (t) => {
  const folder = t.testdir({ out: { 'a.raw.zst': { in: 'the way' } } });
  const target = path.join(folder, 'out');
  await t.rejects(
    placeRelease(built(folder, 'a'), target, () => {}),
    { code: 'ERR_OUTPUT', message: new RegExp(target) },
  );
  t.same(readdirSync(target).sort(), ['a.raw', 'a.raw.zst']);
});

t.test('formats that are written at once are all in the checksums', async (t) => {
  const folder = t.testdir({ out: {} });
  const output = path.join(folder, 'out');
  const names = ['a', 'b', 'c', 'd'];
  await Promise.all(names.map((name) => placeRelease(built(folder, name), output, () => {})));
  const sums = parseSums(readFileSync(path.join(output, SUMS_NAME), 'utf8'));
  t.same(
    [...sums.keys()],
    names.flatMap((name) => [`${name}.json`, `${name}.raw`, `${name}.raw.zst`]),
  );
});
