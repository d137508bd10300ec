/** How npm test runs a program and counts, and how the commands tell of failures. */
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { checkout } from '../../helpers/checkout.js';

const { runTap } = await import(`${checkout}/tools/lib/tap-run.mjs`);
const { failureLines } = await import(`${checkout}/tools/lib/failures.mjs`);
const { StepFailure, describeFailure } = await import(`${checkout}/tools/lib/failure.mjs`);
const { isAtLeast } = await import(`${checkout}/tools/lib/debian.mjs`);
const { isInstalled } = await import(`${checkout}/tools/lib/npm.mjs`);
const { duration } = await import(`${checkout}/tools/lib/progress.mjs`);

/** Runs a script and gives what was counted. */
async function counted(folder: string, script: string, timeoutMs = 20_000) {
  const file = join(folder, 'script.mjs');
  writeFileSync(file, script);
  return runTap([process.execPath, file], { logFile: join(folder, 'log'), env: process.env, timeoutMs });
}

t.test('assertions are counted, not their subtests', async (t) => {
  const script = `console.log(\`TAP version 14
# Subtest: outer
    # Subtest: inner
        ok 1 - one
        ok 2 - two
        1..2
    ok 1 - inner
    not ok 2 - three
    1..2
not ok 1 - outer
1..1\`); process.exitCode = 1;`;
  const { passed, failed, failures } = await counted(t.testdir(), script);
  t.equal(passed, 2);
  t.equal(failed, 1);
  t.match(failures[0], /outer.*three/);
});

t.test('a failure is told with what was found, and only the first ones of many', async (t) => {
  const script = `console.log(\`TAP version 14
not ok 1 - one
  ---
  diff: |
    --- expected
    +++ actual
    -1
    +2
  at:
    fileName: test/a.test.ts
    lineNumber: 7
  stack: |
    far away
  ...
1..1\`); process.exitCode = 1;`;
  const { failures } = await counted(t.testdir(), script);
  t.same(failureLines(failures, '> '), [
    '> failed: one',
    ...['>   diff:', '>     --- expected', '>     +++ actual', '>     -1', '>     +2', '>   at: test/a.test.ts:7'],
  ]);
  const many = Array.from({ length: 100 }, (_, index) => `failure ${index}`);
  t.same(failureLines(many, '').slice(-2), ['failed: failure 4', 'and 95 more']);
});

t.test('whatever ends badly is a failure', async (t) => {
  const cases: [what: string, script: string, expected: RegExp][] = [
    ['no output', '', /no assertion/],
    ['a crash after good results', "console.log('ok 1 - a\\n1..1'); process.exitCode = 3;", /ended with code 3/],
    ['a missing result', "console.log('ok 1 - a\\n1..2')", /plan|count|test/],
    ['a skipped test', "console.log('ok 1 - a # SKIP later\\n1..1')", /skipped/],
    [
      'a signal',
      "console.log('ok 1 - a\\n1..1'); process.kill(process.pid, 'SIGTERM'); setInterval(() => {}, 1000)",
      /SIGTERM/,
    ],
  ];
  for (const [what, script, expected] of cases) {
    const { failed, failures } = await counted(t.testdir(), script);
    t.equal(failed, 1, what);
    t.match(failures[0], expected);
  }
});

t.test('a program that hangs is ended', async (t) => {
  const { failed, failures } = await counted(t.testdir(), 'setInterval(() => {}, 1000)', 300);
  t.ok(failed >= 1);
  t.match(failures[0], /not done within 0.3 s/);
});

t.test('a program that cannot be started is a failure', async (t) => {
  const logFile = join(t.testdir(), 'log');
  const { failed, failures } = await runTap(['/nonexistent/program'], { logFile, env: {}, timeoutMs: 5000 });
  t.equal(failed, 1);
  t.match(failures[0], /ENOENT/);
});

t.test('a failure names step, log and what to do, and has no stack', async (t) => {
  const logFile = join(t.testdir({ log: 'first\n\nlast words\n' }), 'log');
  const text: string = describeFailure(
    new StepFailure('Addon', 'cmake-js exited with code 1', { logFile, hint: 'read it' }),
  );
  t.match(text, /^FAILED: Addon: cmake-js exited with code 1\n/);
  t.match(text, /log: .*\n {2}\| first\n {2}\| last words\n/);
  t.match(text, /what to do: read it$/);
  t.notMatch(text, /\n\s+at /);
});

t.test('a full or read-only disk is told as such', async (t) => {
  const full = join(t.testdir({ log: 'cc: error: No space left on device\n' }), 'log');
  t.match(describeFailure(new StepFailure('Kernel', 'make failed', { logFile: full })), /what to do: the disk is full/);
  const readOnly = Object.assign(new Error('EROFS: read-only file system'), { code: 'EROFS' });
  t.match(describeFailure(new StepFailure('Output', 'cannot write', { cause: readOnly })), /file system is read-only/);
});

t.test('versions', async (t) => {
  t.ok(isAtLeast('10.0.2', '10.0'));
  t.ok(isAtLeast('10', '10.0'));
  t.ok(isAtLeast('11.1', '10.2'));
  t.notOk(isAtLeast('7.2.22', '10.0'));
  t.notOk(isAtLeast('9.9', '10.0'));
});

t.test('npm ci is needed when a version differs or a needed package is missing', async (t) => {
  const wanted = { '': {}, a: { version: '1.0.0' }, b: { version: '2.0.0', optional: true } };
  t.ok(isInstalled(wanted, { a: { version: '1.0.0' } }));
  t.notOk(isInstalled(wanted, { a: { version: '1.0.1' } }));
  t.notOk(isInstalled(wanted, {}));
  t.notOk(isInstalled(wanted, { a: { version: '1.0.0' }, b: { version: '1.9.0' } }));
});

t.test('durations', async (t) => {
  t.equal(duration(8400), '8.4 s');
  t.equal(duration(185_000), '3 min 05 s');
});

t.test('a wrong command line is told in one line, with exit code 2', (t) => {
  for (const words of [
    ['test.mjs', 'bogus'],
    ['test.mjs', '--bogus'],
    // Said before anything is built; `0 passed, 0 failed` would look as if all was well.
    ['test.mjs', 'lint', '--file', 'lint', '--file', 'bogus'],
    ['bench.mjs', 'bogus'],
  ]) {
    const [tool = '', ...rest] = words;
    const { status, stderr } = spawnSync(process.execPath, [join(checkout, 'tools', tool), ...rest], {
      encoding: 'utf8',
    });
    t.equal(status, 2, words.join(' '));
    t.match(stderr, /bogus/);
    t.notMatch(stderr, /FAILED|report it|\n {4}at /);
  }
  t.end();
});
