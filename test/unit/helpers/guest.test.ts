import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import t from 'tap';
import { parseCommand, UsageError } from '../../helpers/guest/arguments.js';
import { encodeJob, parseEnd } from '../../helpers/guest/protocol.js';
import { Indent, subtestResult } from '../../helpers/guest/tap.js';

t.test('the command line of test/guest', async (t) => {
  t.same(parseCommand(['run', 'a.ts', 'b.ts']), {
    programs: [['a.ts'], ['b.ts']],
    arch: 'amd64',
    deadlineMs: 120_000,
    memoryMiB: 2048,
    cpus: 2,
    shares: [],
    kernelParameters: [],
    showConsole: false,
  });
  t.same(
    parseCommand([
      'run',
      '--deadline',
      '5',
      '--cpus',
      '1',
      '--memory',
      '512',
      '--console',
      '--share',
      '/one',
      '--share',
      'two',
      '--kernel-parameter',
      'log_buf_len=1M',
      '--',
      'x.ts',
      '--flag',
      '--',
      'y',
    ]),
    {
      programs: [['x.ts', '--flag', '--', 'y']],
      arch: 'amd64',
      deadlineMs: 5000,
      memoryMiB: 512,
      cpus: 1,
      shares: ['/one', 'two'],
      kernelParameters: ['log_buf_len=1M'],
      showConsole: true,
    },
    'what follows -- is the program’s own',
  );
  t.equal(parseCommand(['run', '--arch', 'arm64', 'a.ts']).arch, 'arm64');
  const wrong = [
    [],
    ['walk', 'a.ts'],
    ['run'],
    ['run', '--'],
    ['run', 'a.ts', '--', 'b.ts'],
    ['run', '--nonsense', 'a.ts'],
    ['run', '--deadline', 'soon', 'a.ts'],
    ['run', '--cpus', '0', 'a.ts'],
    ['run', '--memory', '1.5', 'a.ts'],
    ['run', '--arch', 'riscv64', 'a.ts'],
  ];
  for (const words of wrong) t.throws(() => parseCommand(words), UsageError, words.join(' '));
});

t.test('jobs and their ends', async (t) => {
  const frame = encodeJob({
    checkout: '/c',
    shares: ['/s'],
    folder: '/c/f',
    environment: { A: '1', B: '' },
    argv: ['/bin/x', 'ü', ''],
  });
  t.equal(frame.readUInt32LE(0), frame.length - 4);
  t.equal(frame.subarray(4).toString('utf8'), '/c\0/c/f\0' + '1\0/s\0' + '2\0A=1\0B=\0/bin/x\0ü\0\0');
  t.throws(() => encodeJob({ checkout: '/c', shares: [], folder: '/', environment: {}, argv: ['a\0b'] }), TypeError);
  t.same(parseEnd('exit 7 0 12 0'), { code: 7, signal: 0, stdoutBytes: 12, stderrBytes: 0 });
  t.same(parseEnd('exit -1 9 0 34'), { code: -1, signal: 9, stdoutBytes: 0, stderrBytes: 34 });
  for (const line of ['', 'ready', 'exit 7 0 12', 'exit a 0 1 2', ' exit 7 0 1 2'])
    t.equal(parseEnd(line), undefined, line);
});

t.test('subtests of several files', async (t) => {
  const indented = async (...chunks: string[]): Promise<string> => {
    const input = new PassThrough();
    const output = input.pipe(new Indent());
    for (const chunk of chunks) input.write(chunk);
    input.end();
    return text(output);
  };
  t.equal(await indented('ok 1\nok 2\n'), '    ok 1\n    ok 2\n');
  t.equal(
    await indented('ok', ' 1\n', '\n', '  ---\n'),
    '    ok 1\n\n      ---\n',
    'chunks may end anywhere, empty lines stay',
  );
  t.equal(await indented('no newline'), '    no newline\n');
  t.equal(await indented(), '');
  t.equal(await indented('ü€\n'), '    ü€\n', 'bytes are kept');
  t.equal(subtestResult(true, 3, 'a#b', 12.3), 'ok 3 - a\\#b # time=12ms\n');
  t.match(
    subtestResult(false, 1, 'x', 1, 'said "no"'),
    /^not ok 1 - x # time=1ms\n {2}---\n {2}reason: "said \\"no\\""\n {2}\.\.\.\n$/,
  );
});
