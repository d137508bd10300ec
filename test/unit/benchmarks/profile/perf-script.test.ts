import t from 'tap';
import { readPerfScript } from '../../../../benchmarks/profile/perf-script.js';

const TEXT = `node-MainThread 13418  2492.549575:     500751 cpu-clock:ppp: 
\tffffffff8162faea kmem_cache_free+0x5a ([kernel.kallsyms])
\t           20ce7 __GI___libc_write+0x7 (/usr/lib/x86_64-linux-gnu/libc.so.6)
\t    7f00aa00bb00 JS:*'pump file:///checkout/out/js/lib/osd/logs.js:46:12+0x1f (/tmp/perf-13418.map)
\t    7f00aa00cc00 Builtins_AsyncFunctionAwait+0x20 (/tmp/perf-13418.map)
\t         17b5464 node::Start(int, char**)+0x14 (/opt/node 26/bin/node)

V8 Worker 13419/13420 [001]  2492.561228:    2004008 cpu-clock: 
\t 3a98bd005c75dff [unknown] ([unknown])

`;

t.test('the outermost comes first, under its thread', async (t) => {
  const [main, worker] = readPerfScript(
    TEXT,
    (url, line) => `${url.replace('file:///checkout/out/js/', '')} at ${line}`,
  );
  t.equal(main?.microseconds, 500.751);
  t.strictSame(main?.frames, [
    { name: 'thread node-MainThread', module: '(thread)', line: 0 },
    { name: 'node::Start(int, char**)', module: '(node)', line: 0 },
    { name: 'Builtins_AsyncFunctionAwait', module: '(engine)', line: 0 },
    { name: 'pump', module: 'lib/osd/logs.js at 46', line: 46 },
    { name: '__GI___libc_write', module: '(libc.so.6)', line: 0 },
    { name: 'kmem_cache_free', module: '(kernel)', line: 0 },
  ]);
  t.equal(worker?.microseconds, 2004.008);
  t.strictSame(
    worker?.frames.map(({ name, module }) => [name, module]),
    [
      ['thread V8 Worker', '(thread)'],
      ['[unknown]', '(unknown)'],
    ],
  );
});

t.test('a sample without a chain is its thread', async (t) => {
  const [sample] = readPerfScript('node 1  2.5:  1000 cpu-clock: \n', (url) => url);
  t.strictSame([sample?.frames.length, sample?.microseconds], [1, 1]);
});

t.test('what perf does not print is refused', async (t) => {
  const refused = (text: string, message: RegExp) =>
    t.throws(() => readPerfScript(text, (url) => url), { code: 'ERR_PROFILE', message });
  refused('', /^perf has no sample$/);
  refused('\t 3a98 write+0x1 (libc.so.6)\n', /^line 1 is none of perf script's/);
  refused(TEXT.slice(0, TEXT.indexOf('(/usr/lib') + 4), /^line 3 is none of perf script's/);
});
