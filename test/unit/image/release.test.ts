import { execFileSync } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
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
