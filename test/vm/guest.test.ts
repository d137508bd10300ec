/** The runner of the test guest, seen from outside: what comes back, and what a failure looks like. */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer, text } from 'node:stream/consumers';
import t from 'tap';
import { checkout } from '../helpers/checkout.js';
import { seconds, within } from '../helpers/deadline.js';

t.setTimeout(seconds(200));

const fixture = (name: string): string => `test/fixtures/guest/${name}`;

async function guest(...words: string[]): Promise<{ code: number; stdout: Buffer; stderr: string }> {
  const child = spawn('test/guest', words, { cwd: checkout, stdio: ['ignore', 'pipe', 'pipe'] });
  const result = Promise.all([buffer(child.stdout), text(child.stderr), once(child, 'close')]);
  const [stdout, stderr, [code]] = await within(seconds(100), `test/guest ${words.join(' ')}`, result);
  return { code: code ?? -1, stdout, stderr };
}

t.test('output byte by byte, and the exit code', async (t) => {
  const { code, stdout, stderr } = await guest('run', '--', fixture('bytes.mjs'), '7');
  t.equal(code, 7);
  t.equal(stdout.length, 3 * 1024 * 1024 + 17);
  const expected = Buffer.alloc(stdout.length);
  for (let at = 0; at < expected.length; at++) expected[at] = (at * 31 + (at >> 8) * 7) & 255;
  const sum = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');
  t.equal(sum(stdout), sum(expected));
  t.equal(stderr, 'to stderr\n');
});

t.test('one more folder, read-only and at its own path, and a parameter for the kernel', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'share-'));
  t.teardown(() => rm(folder, { recursive: true }));
  await writeFile(join(folder, 'file'), 'hello');
  const options = ['--share', folder, '--kernel-parameter', 'marker=here'];
  const { code, stdout, stderr } = await guest('run', ...options, '--', fixture('shared.mjs'), `${folder}/file`);
  t.same([code, stdout.toString('utf8'), stderr], [0, 'marker=here\nhello\nEROFS\n', '']);
  t.equal((await guest('run', '--share', `${folder}/none`, fixture('fine.mjs'))).code, 2);
});

t.test('several files: subtests; a deadline and a panic cost only the file they are in', async (t) => {
  const files = [fixture('hang.mjs'), fixture('panic.mjs'), fixture('fine.mjs')];
  const { code, stdout, stderr } = await guest('run', '--deadline', '6', ...files);
  const lines = stdout.toString('utf8');
  t.equal(code, 1);
  t.match(lines, /^not ok 1 - test\/fixtures\/guest\/hang\.mjs .*\n {2}---\n {2}reason: .*not over within 6 s/m);
  t.match(lines, /^not ok 2 - test\/fixtures\/guest\/panic\.mjs .*\n {2}---\n {2}reason: .*QEMU ended/m);
  t.match(lines, /^ {4}1\.\.0\nok 3 - test\/fixtures\/guest\/fine\.mjs/m);
  t.match(lines, /^1\.\.3$/m);
  t.match(stderr, /Kernel panic - not syncing: sysrq triggered crash/);
});

t.test('the codes of what is not the program’s fault', async (t) => {
  t.equal((await guest('run', '--deadline', '3', fixture('hang.mjs'))).code, 124);
  t.equal((await guest('run', fixture('panic.mjs'))).code, 125);
  t.equal((await guest('run')).code, 2);
  t.equal((await guest('run', 'test/in-guest/no-such.test.ts')).code, 2);
  t.equal((await guest('run', '/etc/hostname')).code, 2);
});
