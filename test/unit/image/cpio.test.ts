import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { cpioHeader, writeCpio } from '../../../lib/image/cpio.js';

t.test('a header', async (t) => {
  const header = cpioHeader('init', 1, 0o100755, 1, 0x1234).toString('latin1');
  t.equal(header.length % 4, 0);
  t.ok(header.startsWith('07070100000001000081ED0000000000000000000000010000000000001234'));
  t.ok(header.includes('init\0'));
  t.throws(() => cpioHeader('huge', 1, 0, 1, 2 ** 32), RangeError);
});

t.test('an archive that cpio unpacks', async (t) => {
  const folder = t.testdir({ one: 'x'.repeat(5), two: 'y'.repeat(70_001), three: '' });
  const archive = path.join(folder, 'archive');
  const entries = [
    { kind: 'directory', path: 'd', mode: 0o755 },
    { kind: 'file', path: 'd/one', mode: 0o755, file: path.join(folder, 'one') },
    { kind: 'file', path: 'two', mode: 0o600, file: path.join(folder, 'two') },
    { kind: 'file', path: 'three', mode: 0o644, file: path.join(folder, 'three') },
  ] as const;
  await writeCpio(archive, entries);
  const target = path.join(folder, 'out');
  mkdirSync(target);
  execFileSync('cpio', ['--extract', '--quiet', '--no-preserve-owner'], { cwd: target, input: readFileSync(archive) });
  t.equal(readFileSync(path.join(target, 'd', 'one'), 'utf8'), 'xxxxx');
  t.equal(readFileSync(path.join(target, 'two'), 'utf8'), 'y'.repeat(70_001));
  t.equal(statSync(path.join(target, 'three')).size, 0);
  t.equal(statSync(path.join(target, 'two')).mode & 0o777, 0o600);

  const hash = () => createHash('sha256').update(readFileSync(archive)).digest('hex');
  const first = hash();
  await writeCpio(archive, entries);
  t.equal(hash(), first, 'the same content gives the same bytes');
});

t.test('a file that is not there', async (t) => {
  const folder = t.testdir();
  const entries = [{ kind: 'file', path: 'x', mode: 0o644, file: path.join(folder, 'none') }] as const;
  await t.rejects(writeCpio(path.join(folder, 'archive'), entries), { code: 'ENOENT' });
});
